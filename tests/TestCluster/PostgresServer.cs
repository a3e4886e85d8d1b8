using System.Net;
using Xunit;

namespace Hem.TestCluster;

/// <summary>
/// A PostgreSQL server of its own in a temporary folder, by Debian's programs, as an unprivileged user: the server refuses to be root's.
/// It dies with us.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string User = "hem", Password = "a secret", NobodyId = "65534";

    private readonly string _folder = Directory.CreateTempSubdirectory("hem-postgres-").FullName;
    private readonly string _programs;
    private readonly int _port = Machine.FreePort(IPAddress.Loopback);
    private Daemon? _daemon;

    private PostgresServer(string programs) => _programs = programs;

    /// <summary>The folder of pg_dump and its like.</summary>
    public string Programs => _programs;

    private string Data => Path.Combine(_folder, "data");

    /// <param name="listen">Where it can be reached at besides 127.0.0.1; its own user may come from anywhere, with the password.</param>
    /// <exception cref="CannotException">It is not installed here.</exception>
    public static async Task<PostgresServer> StartAsync(IPAddress? listen = null)
    {
        await Machine.RunAsync(Path.Combine(Machine.Repository, "make", "need-postgres"));
        var programs = Directory.Exists("/usr/lib/postgresql")
            ? Directory.EnumerateDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin"))
                .Where(folder => File.Exists(Path.Combine(folder, "initdb"))).Order().LastOrDefault()
            : null;
        var server = new PostgresServer(programs ?? throw new CannotException("PostgreSQL's server (Debian's `postgresql`) is not here"));
        try
        {
            await server.MakeAsync(listen);
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>How to reach a database, made with <see cref="CreateDatabaseAsync"/>.</summary>
    public string ConnectionString(string database, string host = "127.0.0.1") =>
        $"postgresql://{User}:{Uri.EscapeDataString(Password)}@{host}:{_port}/{database}";

    /// <returns>Its name.</returns>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"d{Guid.NewGuid():N}";
        await SqlAsync($"CREATE DATABASE {name}");
        return name;
    }

    /// <summary>Asks the server something as its administrator.</summary>
    public Task<string> SqlAsync(string sql, string database = "postgres") => RunAsync(
        "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1",
        $"--host={_folder}", $"--port={_port}", "--username=" + User, $"--dbname={database}", $"--command={sql}");

    /// <summary>From now on it is reached by TLS alone (but through its socket), with a certificate for the name localhost.</summary>
    /// <returns>The file of the authority that signed it, and of one that did not.</returns>
    public async Task<(string Right, string Wrong)> UseTlsAsync()
    {
        var authority = new CertificateAuthority("postgres");
        var server = authority.Server("localhost", ["localhost"], []);
        await File.WriteAllTextAsync(Path.Combine(_folder, "ca.crt"), authority.Pem);
        await File.WriteAllTextAsync(Path.Combine(_folder, "other.crt"), new CertificateAuthority("postgres").Pem);
        await File.WriteAllTextAsync(Path.Combine(Data, "server.crt"), server.Certificate);
        var key = Path.Combine(Data, "server.key");
        await File.WriteAllTextAsync(key, server.Key);
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        if (Environment.IsPrivilegedProcess) await Machine.RunAsync("chown", NobodyId, key);
        await File.AppendAllTextAsync(Path.Combine(Data, "postgresql.conf"), "\nssl = on\n");
        await File.WriteAllTextAsync(
            Path.Combine(Data, "pg_hba.conf"), "local all all trust\nhostssl all all 0.0.0.0/0 scram-sha-256\n");
        await StopAtOnceAsync();
        await StartAgainAsync();
        return (Path.Combine(_folder, "ca.crt"), Path.Combine(_folder, "other.crt"));
    }

    /// <summary>Starts it after <see cref="StopAtOnceAsync"/>, with the same data and address.</summary>
    public async Task StartAgainAsync()
    {
        var (program, arguments) = AsUser("postgres", "-D", Data);
        _daemon = await Daemon.StartAsync("postgres", _folder, program, arguments);
        await Wait.UntilAsync(
            () => _daemon.HasExited ? throw new InvalidOperationException(_daemon.Tail) : IsReady(), "PostgreSQL answers", Timeouts.Normal);
    }

    /// <summary>`pg_ctl stop -m immediate`: as good as a power cut to all who are connected.</summary>
    public async Task StopAtOnceAsync()
    {
        await RunAsync("pg_ctl", "stop", "-D", Data, "-m", "immediate", "-s");
        await _daemon!.DisposeAsync();
        _daemon = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is { HasExited: false }) await StopAtOnceAsync();
        if (_daemon is not null) await _daemon.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task MakeAsync(IPAddress? listen)
    {
        if (Environment.IsPrivilegedProcess) await Machine.RunAsync("chown", NobodyId, _folder);
        var passwordFile = Path.Combine(_folder, "password");
        await File.WriteAllTextAsync(passwordFile, Password);
        await RunAsync("initdb", "-D", Data, "-U", User, "--auth-local=trust", "--auth-host=scram-sha-256", $"--pwfile={passwordFile}",
            "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync");
        // What the server has written is safe from its own end, though not from the machine's.
        await File.AppendAllTextAsync(Path.Combine(Data, "postgresql.conf"), $"""

            port = {_port}
            listen_addresses = '127.0.0.1{(listen is null ? "" : $",{listen}")}'
            unix_socket_directories = '{_folder}'
            max_connections = 200
            fsync = off
            """);
        if (listen is not null)
            await File.AppendAllTextAsync(Path.Combine(Data, "pg_hba.conf"), "\nhost all all 0.0.0.0/0 scram-sha-256\n");
    }

    // The last of its lines says how it is.
    private bool IsReady()
    {
        var state = Path.Combine(Data, "postmaster.pid");
        return File.Exists(state) && File.ReadLines(state).ElementAtOrDefault(7)?.Trim() == "ready";
    }

    private Task<string> RunAsync(string program, params string[] arguments)
    {
        var (command, all) = AsUser(program, arguments);
        return Machine.RunAsync(command, all);
    }

    private (string Program, IEnumerable<string> Arguments) AsUser(string program, params string[] arguments)
    {
        var path = Path.Combine(_programs, program);
        return Environment.IsPrivilegedProcess
            ? ("setpriv", ["--reuid", NobodyId, "--regid", NobodyId, "--clear-groups", "--", path, .. arguments])
            : (path, arguments);
    }
}

/// <summary>
/// One PostgreSQL server for a test assembly, started when it is first asked for: <c>[assembly:
/// AssemblyFixture(typeof(PostgresFixture))]</c>, then a constructor parameter. Where this machine has none, each test that asks for it
/// is skipped with the reason.
/// </summary>
public sealed class PostgresFixture : IAsyncDisposable
{
    private readonly Lazy<Task<PostgresServer>> _server = new(() => PostgresServer.StartAsync());

    public async Task<PostgresServer> ServerAsync()
    {
        try
        {
            return await _server.Value;
        }
        catch (CannotException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is { IsValueCreated: true, Value.IsCompletedSuccessfully: true }) await (await _server.Value).DisposeAsync();
    }
}
