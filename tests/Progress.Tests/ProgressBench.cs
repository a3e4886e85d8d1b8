using Hem.Progress;

namespace Progress.Tests;

/// <summary>A service and its server on a unix socket.</summary>
internal sealed class ProgressBench : TrialsBench
{
    private ProgressServer? _server;

    private ProgressBench(
        Func<IReportSink, IReportSink>? sink, Func<IProgressAuthority, IProgressAuthority>? authority, TimeProvider? time)
        : base(time)
    {
        Checkpoints = new FileCheckpointStore(Path.Combine(Folder, "checkpoints"), limitPerTrial: 8 << 20);
        Service = new ProgressService(authority?.Invoke(Registry) ?? Registry, sink?.Invoke(Store) ?? Store, Checkpoints, Time);
    }

    public AttemptRegistry Registry { get; } = new();

    public FileCheckpointStore Checkpoints { get; }

    public ProgressService Service { get; }

    public string Socket => Path.Combine(Folder, "progress.sock");

    public static async Task<ProgressBench> StartAsync(
        int trials = 1, Func<IReportSink, IReportSink>? sink = null, Func<IProgressAuthority, IProgressAuthority>? authority = null,
        TimeProvider? time = null)
    {
        var bench = new ProgressBench(sink, authority, time);
        await bench.AddTrialsAsync("", trials);
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

    public async Task<AttemptIdentity> AddAttemptAsync(int trial = 0, int number = 1)
    {
        var attempt = new AttemptIdentity(SweepUid, $"s-{trial}", $"attempt-{trial}-{number}", number);
        await ClaimAsync(trial, number, n => $"attempt-{trial}-{n}");
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
    };

    public ProgressClient Connect(AttemptIdentity attempt) => Connect(Options(attempt));

    protected override async ValueTask DisposeServerAsync() => await StopServerAsync();
}
