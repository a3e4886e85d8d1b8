using Hem.Progress;
using Hem.Results;

namespace Hem.Tests;

/// <summary>A real store with one sweep `s` and its trials `s-0`, `s-1`, ..., and the trainers that report to a server of it.</summary>
internal abstract class TrialsBench : IAsyncDisposable
{
    public const string SweepUid = "sweep-uid";

    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly List<ProgressClient> _clients = [];

    protected TrialsBench(TimeProvider? time)
    {
        Folder = Directory.CreateTempSubdirectory("hem-progress-").FullName;
        Time = time ?? TimeProvider.System;
        Store = ResultStore.Open(Path.Combine(Folder, "store"));
    }

    public string Folder { get; }

    /// <summary>The server's.</summary>
    public TimeProvider Time { get; }

    public ResultStore Store { get; }

    public ProgressClient Connect(ProgressClientOptions options)
    {
        var client = ProgressClient.Start(options with { LongestBackoff = TimeSpan.FromMilliseconds(100) });
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
        await DisposeServerAsync();
        await Store.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    protected async Task AddTrialsAsync(string space, int trials)
    {
        await Store.UpsertSweepAsync(new ClusterSweep(SweepUid, space, "s", "", DateTimeOffset.UtcNow));
        await Store.AddTrialsAsync(SweepUid, Enumerable.Range(0, trials).Select(i => new NewTrial($"s-{i}", $"{i}", i, "c", "{}")));
    }

    /// <summary>Claims an attempt. Those before it are over as far as the store knows, though their processes may live.</summary>
    /// <param name="idOf">The identity in the store of an attempt of this trial, by its number.</param>
    protected async Task ClaimAsync(int trial, int number, Func<int, string> idOf)
    {
        if (number > 1) await Store.EndAttemptAsync(idOf(number - 1), AttemptOutcome.Disrupted);
        await Store.AddAttemptAsync(new NewAttempt(SweepUid, $"s-{trial}", number, idOf(number)));
    }

    /// <summary>Ends the server and what is its own; trainers have gone, and the store is still there.</summary>
    protected abstract ValueTask DisposeServerAsync();
}
