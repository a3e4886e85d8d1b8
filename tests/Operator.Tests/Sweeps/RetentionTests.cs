using Hem.Operator.Sweeps;
using Hem.Results;
using Microsoft.Extensions.Logging.Abstractions;
using Operator.Tests.Progress;

namespace Operator.Tests.Sweeps;

/// <summary>How long the results of deleted sweeps are kept.</summary>
public sealed class RetentionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hem-retention-").FullName;

    [Fact]
    public async Task Results_are_deleted_when_their_sweep_was_deleted_long_enough_ago_and_nothing_of_it_runs()
    {
        var time = new ManualTime();
        using ResultStore store = ResultStore.Open(_folder, new StoreOptions { Time = time });
        foreach (string uid in new[] { "there", "old", "runs", "new" })
        {
            await store.UpsertSweepAsync(new ClusterSweep(uid, "default", uid, "{}", time.GetUtcNow()));
            await store.AddTrialsAsync(uid, [new NewTrial($"{uid}-0", "0", 0, "c", "{}")]);
        }

        await store.AddAttemptAsync(new NewAttempt("runs", "runs-0", 1, "attempt"));
        await store.MarkSweepDeletedAsync("old");
        await store.MarkSweepDeletedAsync("runs");
        time.Advance(TimeSpan.FromDays(60));
        await store.MarkSweepDeletedAsync("new");
        time.Advance(TimeSpan.FromDays(31));

        await RunAsync();
        Known().ShouldBe(["there", "runs", "new"]);
        store.ReadTrials("old").ShouldBeEmpty();
        store.ReadTrials("there").Count().ShouldBe(1);

        await store.AddHeldTimeAsync(new HeldTimeRecord("attempt", "pod", time.GetUtcNow(), time.GetUtcNow()));
        await store.EndAttemptAsync("attempt", AttemptOutcome.Left);
        await RunAsync();
        Known().ShouldBe(["there", "new"]);
        time.Advance(TimeSpan.FromDays(60));
        await RunAsync();
        Known().ShouldBe(["there"]);

        Task RunAsync() => Retention.DeleteAsync(store, TimeSpan.FromDays(90), NullLogger.Instance, time);

        IEnumerable<string> Known() => new[] { "there", "old", "runs", "new" }.Where(uid => store.FindSweepByUid(uid) is not null);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
