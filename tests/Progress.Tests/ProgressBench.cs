using Hem.Progress;
using Hem.Results;

namespace Progress.Tests;

/// <summary>A real store, service and server on a unix socket, with one sweep `s` and its trials `s-0`, `s-1`, ...</summary>
internal sealed class ProgressBench : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly List<ProgressClient> _clients = [];
    private ProgressServer? _server;

    private ProgressBench(
        string folder, ResultStore store, string sweepUid, Func<IReportSink, IReportSink>? sink,
        Func<IProgressAuthority, IProgressAuthority>? authority)
    {
        (Folder, Store, SweepUid) = (folder, store, sweepUid);
        Checkpoints = new FileCheckpointStore(Path.Combine(folder, "checkpoints"), limitPerTrial: 8 << 20);
        Service = new ProgressService(authority?.Invoke(Registry) ?? Registry, sink?.Invoke(store) ?? store, Checkpoints);
    }

    public string Folder { get; }

    public ResultStore Store { get; }

    public string SweepUid { get; }

    public AttemptRegistry Registry { get; } = new();

    public FileCheckpointStore Checkpoints { get; }

    public ProgressService Service { get; }

    public string Socket => Path.Combine(Folder, "progress.sock");

    public static async Task<ProgressBench> StartAsync(
        int trials = 1, Func<IReportSink, IReportSink>? sink = null, Func<IProgressAuthority, IProgressAuthority>? authority = null)
    {
        var folder = Directory.CreateTempSubdirectory("hem-progress-").FullName;
        var store = ResultStore.Open(Path.Combine(folder, "store"));
        var sweep = await store.UpsertSweepAsync("s", "");
        await store.AddTrialsAsync(sweep.Uid, Enumerable.Range(0, trials).Select(i => new NewTrial($"s-{i}", $"{i}", i, "c", "{}")));
        var bench = new ProgressBench(folder, store, sweep.Uid, sink, authority);
        await bench.StartServerAsync();
        return bench;
    }

    public async Task StartServerAsync() =>
        _server = await ProgressServer.StartAsync(Service, new ProgressServerOptions { UnixSocket = Socket });

    public async Task StopServerAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _server = null;
    }

    /// <summary>Claims an attempt. Those before it are over as far as the store knows, though their processes may live.</summary>
    public async Task<AttemptIdentity> AddAttemptAsync(int trial = 0, int number = 1)
    {
        var attempt = new AttemptIdentity(SweepUid, $"s-{trial}", $"attempt-{trial}-{number}", number);
        if (number > 1) await Store.EndAttemptAsync($"attempt-{trial}-{number - 1}", AttemptOutcome.Disrupted);
        await Store.AddAttemptAsync(new NewAttempt(SweepUid, attempt.Trial, number, attempt.AttemptId));
        Registry.Add(attempt, "token of " + attempt.AttemptId);
        await File.WriteAllTextAsync(TokenFile(attempt), "token of " + attempt.AttemptId + "\n");
        return attempt;
    }

    public string TokenFile(AttemptIdentity attempt) => Path.Combine(Folder, attempt.AttemptId + ".token");

    public ProgressClientOptions Options(AttemptIdentity attempt) => new()
    {
        Address = "unix:" + Socket,
        Trial = attempt.Trial,
        Attempt = attempt.AttemptId,
        TokenFile = TokenFile(attempt),
        Program = "test",
        LongestBackoff = TimeSpan.FromMilliseconds(100),
    };

    public ProgressClient Connect(AttemptIdentity attempt) => Connect(Options(attempt));

    public ProgressClient Connect(ProgressClientOptions options)
    {
        var client = ProgressClient.Start(options);
        _clients.Add(client);
        return client;
    }

    public IReadOnlyList<long> StoredIterations(int trial = 0) => [.. Store.ReadPoints(SweepUid, $"s-{trial}").Select(p => p.Iteration)];

    public static Evaluated Point(long iteration) => new()
    {
        Iteration = (ulong)iteration,
        SuccessRate = iteration % 100 / 100.0,
        Loss = double.NaN,
        WallSeconds = iteration,
    };

    public static async Task Until(Func<bool> condition, string what)
    {
        for (var since = Environment.TickCount64; !condition(); await Task.Delay(5))
            (Environment.TickCount64 - since).ShouldBeLessThan((long)Patience.TotalMilliseconds, what);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients) await client.DisposeAsync();
        await StopServerAsync();
        await Store.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
