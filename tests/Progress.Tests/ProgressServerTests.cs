using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hem.Progress;
using static Hem.Tests.TrialsBench;
using static Progress.Tests.ProgressBench;

namespace Progress.Tests;

public sealed class ProgressServerTests
{
    [Fact]
    public async Task The_socket_is_its_owners_alone_and_goes_with_the_server()
    {
        await using var bench = await StartAsync();
        if (!OperatingSystem.IsWindows()) File.GetUnixFileMode(bench.Socket).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await bench.StopServerAsync();
        Directory.GetFiles(bench.Folder, "progress.sock*").ShouldBeEmpty();
    }

    [Fact]
    public async Task The_socket_that_a_killed_server_left_is_replaced()
    {
        await using var bench = await StartAsync();
        await bench.StopServerAsync();
        using var left = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        left.Bind(new UnixDomainSocketEndPoint(bench.Socket));
        await bench.StartServerAsync();
        (await bench.Connect(await bench.AddAttemptAsync()).Granted.WaitAsync(Patience)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_socket_where_another_server_answers_is_left_alone()
    {
        await using var bench = await StartAsync();
        var second = () => ProgressServer.StartAsync(bench.Service, new ProgressServerOptions { UnixSocket = bench.Socket });
        (await Should.ThrowAsync<IOException>(second)).Message.ShouldContain("another server");
        (await bench.Connect(await bench.AddAttemptAsync()).Granted.WaitAsync(Patience)).ShouldBeTrue();
        var tooLong = new ProgressServerOptions { UnixSocket = "/tmp/" + new string('x', 100) };
        (await Should.ThrowAsync<IOException>(() => ProgressServer.StartAsync(bench.Service, tooLong))).Message.ShouldContain("too long");
    }

    [Fact]
    public async Task A_trainer_reports_over_TLS_to_a_server_that_its_CA_file_vouches_for()
    {
        await using var bench = await StartAsync();
        var (authority, certificate) = MakeCertificates();
        var options = new ProgressServerOptions { Tcp = new IPEndPoint(IPAddress.Loopback, 0), Certificate = certificate };
        await using var server = await ProgressServer.StartAsync(bench.Service, options);
        server.Address.ShouldStartWith("https://127.0.0.1:");
        var trusted = Path.Combine(bench.Folder, "ca.pem");
        var attempt = await bench.AddAttemptAsync();

        // The file holds somebody else's certificate at first, as during a rotation; it is read again at each connection.
        var (other, _) = MakeCertificates();
        await File.WriteAllTextAsync(trusted, other.ExportCertificatePem());
        var lines = new System.Collections.Concurrent.ConcurrentQueue<string>();
        var client = bench.Connect(bench.Options(attempt) with { Address = server.Address, CaFile = trusted, Log = lines.Enqueue });
        await Until(() => !lines.IsEmpty, "the connection is refused");
        client.Granted.IsCompleted.ShouldBeFalse();
        await File.WriteAllTextAsync(trusted, other.ExportCertificatePem() + "\n" + authority.ExportCertificatePem());
        await Until(() => client.Granted.IsCompleted, "the connection is trusted: " + string.Join("; ", lines));
        client.Report(Point(0));
        await client.FlushAsync().WaitAsync(Patience);
    }

    // An authority as Hem makes them (a later one has the same name and another key), and a certificate of it for 127.0.0.1.
    private static (X509Certificate2 Authority, X509Certificate2 Certificate) MakeCertificates()
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=hem-progress", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var authorityId = new X509SubjectKeyIdentifierExtension(request.PublicKey, false);
        request.CertificateExtensions.Add(authorityId);
        var authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        request = new CertificateRequest("CN=hem-operator", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(authorityId));
        using var signed = request.Create(
            authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(8));
        using var withKey = signed.CopyWithPrivateKey(key);
        return (authority, X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null));
    }
}
