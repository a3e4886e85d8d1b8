using Hem.Progress;
using Hem.Results;
using Hem.TestCluster;
using static Results.Tests.TemporaryStore;

namespace Results.Tests;

/// <summary>Sweeps of a cluster: namespaces, several UIDs of one name over time, pods of an attempt.</summary>
public abstract class ClusterTests(PostgresFixture? postgres) : StoreTests(postgres)
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Sweeps_of_one_name_in_two_namespaces_and_on_one_machine_are_three()
    {
        var machine = await Store.UpsertSweepAsync("s", "here");
        await Store.UpsertSweepAsync(Sweep("u1", "a"));
        await Store.UpsertSweepAsync(Sweep("u2", "b"));
        (await Store.UpsertSweepAsync("s", "here too")).Uid.ShouldBe(machine.Uid);

        Store.ReadSweeps().Select(s => (s.Namespace, s.Uid)).ShouldBe([("", machine.Uid), ("a", "u1"), ("b", "u2")]);
        Store.FindSweep("s")!.Uid.ShouldBe(machine.Uid);
        Store.FindSweep("s", "b")!.Uid.ShouldBe("u2");
        Store.FindSweep("s", "c").ShouldBeNull();
    }

    [Fact]
    public async Task A_sweep_is_found_again_by_its_UID_and_takes_the_new_spec()
    {
        await Store.UpsertSweepAsync(Sweep("u1", spec: "one"));
        var again = await Store.UpsertSweepAsync(Sweep("u1", spec: "two"));
        again.Spec.ShouldBe("two");
        again.Created.ShouldBe(Noon);
        Store.FindSweepByUid("u1").ShouldBe(again);
        Store.ReadSweeps("a", "s").ShouldBe([again]);
    }

    [Fact]
    public async Task A_sweep_deleted_and_created_again_is_another_and_the_results_of_the_first_stay()
    {
        await Store.UpsertSweepAsync(Sweep("u1"));
        await Store.AddTrialsAsync("u1", [Trial(0)]);
        (await Store.MarkSweepDeletedAsync("u1")).ShouldBeTrue();
        (await Store.MarkSweepDeletedAsync("u1")).ShouldBeFalse();
        Store.FindSweep("s", "a").ShouldBeNull();
        Store.ReadTrials("u1").ShouldNotBeEmpty();

        await Store.UpsertSweepAsync(Sweep("u2", created: Noon.AddMinutes(1)));
        await Store.AddTrialsAsync("u2", [Trial(0)]);
        Store.FindSweep("s", "a")!.Uid.ShouldBe("u2");
        Store.ReadSweeps("a", "s").Select(s => (s.Uid, s.Deleted is null)).ShouldBe([("u2", true), ("u1", false)]);

        Store.ReadDeletedSweeps(DateTimeOffset.UtcNow.AddMinutes(1)).Select(s => s.Uid).ShouldBe(["u1"]);
        Store.ReadDeletedSweeps(Noon).ShouldBeEmpty();
        await Store.DeleteSweepAsync("u1");
        Temporary.Reopen().ReadSweeps("a", "s").Select(s => s.Uid).ShouldBe(["u2"]);
        Store.FindSweepByUid("u1").ShouldBeNull();
        Store.ReadTrials("u2").ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_new_UID_of_a_name_says_that_the_old_one_was_deleted()
    {
        await Store.UpsertSweepAsync(Sweep("u1"));
        await Store.UpsertSweepAsync(Sweep("u2", created: Noon));
        Store.FindSweep("s", "a")!.Uid.ShouldBe("u2");
        Store.FindSweepByUid("u1")!.Deleted.ShouldNotBeNull();
    }

    [Fact]
    public async Task An_old_view_of_a_sweep_takes_nothing_from_the_current_one()
    {
        await Store.UpsertSweepAsync(Sweep("u2", created: Noon.AddHours(1)));
        (await Store.UpsertSweepAsync(Sweep("u1"))).Deleted.ShouldNotBeNull();
        Store.FindSweep("s", "a")!.Uid.ShouldBe("u2");

        (await Store.UpsertSweepAsync(Sweep("u1", spec: "late"))).Deleted.ShouldNotBeNull();
        Store.FindSweep("s", "a")!.Uid.ShouldBe("u2");
    }

    [Fact]
    public async Task Each_pod_of_an_attempt_counts_its_reports_from_1()
    {
        await AttemptAsync();
        var (first, second) = (await PodAsync("pod-1"), await PodAsync("pod-2"));
        await Store.StoreAsync(first, [Point(1, 0), Point(2, 1)]);
        (await Store.AcknowledgedUpToAsync(first)).ShouldBe(2UL);
        (await Store.AcknowledgedUpToAsync(second)).ShouldBe(0UL);

        await Store.StoreAsync(second, [Point(1, 1), Point(2, 2), Finished(3)]);
        Temporary.Reopen();
        (await Store.AcknowledgedUpToAsync(first)).ShouldBe(2UL);
        (await Store.AcknowledgedUpToAsync(second)).ShouldBe(3UL);
        Store.ReadPoints("u1").Select(p => (p.Iteration, p.Attempt)).ShouldBe([(0L, 1), (1L, 1), (2L, 1)]);
        Store.FindTrial("u1", "s-0")!.Finished.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_pod_is_one_attempts_and_known_after_that_ended()
    {
        await AttemptAsync();
        (await Store.BindPodAsync(new("u1", "s-0", 2, "pod-1", "s-0-2-x"))).ShouldBeNull();
        await PodAsync("pod-1");
        (await Store.BindPodAsync(new("u1", "s-0", 1, "pod-1", "s-0-1-x")))!.Ended.ShouldBeNull();
        await Store.EndAttemptAsync("u1/s-0/1", AttemptOutcome.Failed, "gone");

        Store.FindAttemptOfPod("pod-1")!.Outcome.ShouldBe(AttemptOutcome.Failed);
        Store.FindAttemptOfPod("pod-9").ShouldBeNull();
        await Store.AddAttemptAsync(new("u1", "s-0", 2, "u1/s-0/2"));
        var e = await Should.ThrowAsync<StoreException>(Store.BindPodAsync(new("u1", "s-0", 2, "pod-1", "s-0-2-x")));
        e.Fault.ShouldBe(StoreFault.Conflict);
        e.Message.ShouldContain("is attempt 1 of s-0, not 2");
    }

    [Fact]
    public async Task Pods_go_with_their_sweep()
    {
        await AttemptAsync();
        var pod = await PodAsync("pod-1");
        await Store.DeleteSweepAsync("u1");
        Store.FindAttemptOfPod("pod-1").ShouldBeNull();
        (await Should.ThrowAsync<StoreException>(Store.StoreAsync(pod, [Point(1, 0)]))).Fault.ShouldBe(StoreFault.Conflict);
    }

    [Fact]
    public async Task The_version_of_a_report_changes_with_whatever_the_report_shows_and_with_nothing_else()
    {
        await AttemptAsync();
        await Store.UpsertSweepAsync(Sweep("u2", "b"));
        HashSet<string> versions = [];
        await ChangesAsync(() => PodAsync("pod-1"), false);
        await ChangesAsync(() => Store.UpsertSweepAsync(Sweep("u1", spec: "edited")), true);
        await ChangesAsync(() => Store.UpsertSweepAsync(Sweep("u2", "b", "edited")), false);
        await ChangesAsync(() => Store.StoreAsync(new("u1", "s-0", "pod-1", 1), [Point(1, 0)]), true);
        await ChangesAsync(() => Store.StoreAsync(new("u1", "s-0", "pod-1", 1), [Point(1, 0)]), false);
        await ChangesAsync(() => Store.StoreAsync(new("u1", "s-0", "pod-1", 1), [Finished(2)]), true);
        await ChangesAsync(() => Store.EndAttemptAsync("u1/s-0/1", AttemptOutcome.Completed), true);
        await ChangesAsync(() => Store.MarkSupersededAsync("u1", ["s-0"]), true);
        await ChangesAsync(() => Store.MarkSweepDeletedAsync("u1"), true);
        Store.ReadReportVersion("nobody").ShouldBe("");

        async Task ChangesAsync(Func<Task> change, bool changes)
        {
            versions.Add(Store.ReadReportVersion("u1"));
            await change();
            versions.Contains(Store.ReadReportVersion("u1")).ShouldBe(!changes);
        }
    }

    private static ClusterSweep Sweep(string uid, string @namespace = "a", string spec = "spec", DateTimeOffset? created = null) =>
        new(uid, @namespace, "s", spec, created ?? Noon);

    private async Task AttemptAsync()
    {
        await Store.UpsertSweepAsync(Sweep("u1"));
        await Store.AddTrialsAsync("u1", [Trial(0)]);
        await Store.AddAttemptAsync(new("u1", "s-0", 1, "u1/s-0/1"));
    }

    private async Task<AttemptIdentity> PodAsync(string uid)
    {
        (await Store.BindPodAsync(new("u1", "s-0", 1, uid, "s-0-1-x")))!.Number.ShouldBe(1);
        return new("u1", "s-0", uid, 1);
    }
}

public sealed class ClusterInSqliteTests() : ClusterTests(postgres: null);

public sealed class ClusterInPostgresTests(PostgresFixture postgres) : ClusterTests(postgres);
