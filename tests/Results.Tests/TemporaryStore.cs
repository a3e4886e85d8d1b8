using Hem.Progress;
using Hem.Results;

namespace Results.Tests;

/// <summary>A store in a folder of its own, gone afterwards.</summary>
internal sealed class TemporaryStore : IDisposable
{
    private readonly TickingTime _time = new();
    private ResultStore? _store;

    public TemporaryStore() => Folder = Directory.CreateTempSubdirectory("hem-results-").FullName;

    public string Folder { get; }

    public ResultStore Store => _store ??= ResultStore.Open(Folder, new StoreOptions { Time = _time });

    public ResultStore Reopen()
    {
        Close();
        return Store;
    }

    public void Close()
    {
        _store?.Dispose();
        _store = null;
    }

    /// <summary>A sweep `s` with trials `s-0`, `s-1`, ...; returns its uid.</summary>
    public async Task<string> AddSweepAsync(int trials = 1)
    {
        var sweep = await Store.UpsertSweepAsync("s", "spec");
        await Store.AddTrialsAsync(sweep.Uid, Enumerable.Range(0, trials).Select(Trial));
        return sweep.Uid;
    }

    public async Task<AttemptIdentity> AddAttemptAsync(string sweepUid, int trial = 0, int number = 1)
    {
        var attempt = new AttemptIdentity(sweepUid, $"s-{trial}", Guid.NewGuid().ToString(), number);
        await Store.AddAttemptAsync(new NewAttempt(sweepUid, attempt.Trial, number, attempt.AttemptId));
        return attempt;
    }

    public static NewTrial Trial(int i) => new($"s-{i}", $"hash-{i}", i, $"configuration-{i / 5}", $$"""{"N":{{i}}}""");

    public static TrainerMessage Point(ulong sequence, ulong iteration, double success = 0.5, double loss = 1) => new()
    {
        Sequence = sequence,
        Evaluated = new Evaluated
        {
            Iteration = iteration,
            Trajectories = iteration * 10,
            EnvSteps = iteration * 100,
            Updates = iteration * 3,
            SuccessRate = success,
            Loss = loss,
            WallSeconds = sequence,
        },
    };

    public static TrainerMessage Finished(ulong sequence, ulong iteration = 10, double seconds = 4) =>
        new() { Sequence = sequence, Finished = new Finished { Iteration = iteration, WallSeconds = seconds } };

    public void Dispose()
    {
        Close();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Each look at it is at least a millisecond, what times are stored by, later than the last.</summary>
    private sealed class TickingTime : TimeProvider
    {
        private readonly Lock _lock = new();
        private DateTimeOffset _last;

        public override DateTimeOffset GetUtcNow()
        {
            lock (_lock)
            {
                var (now, next) = (base.GetUtcNow(), _last.AddMilliseconds(1));
                return _last = now > next ? now : next;
            }
        }
    }
}
