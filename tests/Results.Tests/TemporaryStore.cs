using Hem.Progress;
using Hem.Results;
using Hem.Results.Postgres;
using Hem.TestCluster;
using Npgsql;

namespace Results.Tests;

/// <summary>A store in a folder or in a schema of its own, gone afterwards.</summary>
internal sealed class TemporaryStore : IDisposable
{
    private readonly TickingTime _time = new();
    private readonly string? _folder;
    private ResultStore? _store;

    /// <summary>In SQLite.</summary>
    public TemporaryStore() => Place = _folder = Directory.CreateTempSubdirectory("hem-results-").FullName;

    private TemporaryStore(string place) => Place = place;

    /// <summary>The store's folder, or the connection string of its database.</summary>
    public string Place { get; }

    public string Folder => _folder ?? throw new InvalidOperationException("It is in no folder.");

    public ResultStore Store => _store ??= Open();

    /// <param name="postgres">Null: in SQLite.</param>
    public static async Task<TemporaryStore> CreateAsync(PostgresServer? postgres)
    {
        if (postgres is null) return new TemporaryStore();
        var schema = $"s{Guid.NewGuid():N}";
        await using var connection = new NpgsqlConnection(ConnectionString.Parse(postgres.ConnectionString("postgres")).ToString());
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"CREATE SCHEMA {schema}", connection);
        await command.ExecuteNonQueryAsync();
        return new TemporaryStore(postgres.ConnectionString("postgres") + $"?Search%20Path={schema}");
    }

    public ResultStore Open(StoreOptions? options = null) => Open(Place, options ?? new StoreOptions { Time = _time });

    public static ResultStore Open(string place, StoreOptions? options = null) =>
        place.StartsWith("postgresql:") ? ResultStore.OpenPostgres(() => place, options) : ResultStore.Open(place, options);

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

    public static TrainerMessage Point(ulong sequence, ulong iteration, double success = 0.5, double loss = 1, double? coverage = null)
    {
        var point = new Evaluated
        {
            Iteration = iteration,
            Trajectories = iteration * 10,
            EnvSteps = iteration * 100,
            Updates = iteration * 3,
            SuccessRate = success,
            Loss = loss,
            WallSeconds = sequence,
        };
        if (coverage is { } goals) point.GoalCoverage = goals;
        return new() { Sequence = sequence, Evaluated = point };
    }

    public static TrainerMessage Finished(ulong sequence, ulong iteration = 10, double seconds = 4) =>
        new() { Sequence = sequence, Finished = new Finished { Iteration = iteration, WallSeconds = seconds } };

    public void Dispose()
    {
        Close();
        if (_folder is not null) Directory.Delete(_folder, recursive: true);
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
