using System.Diagnostics;
using Hem.Progress;
using Hem.Results;
using Hem.TestCluster;
using static Results.Tests.TemporaryStore;

namespace Results.Tests;

public abstract class ResultStoreTests(PostgresFixture? postgres) : StoreTests(postgres)
{
    [Fact]
    public async Task A_sweep_keeps_its_identity_until_it_is_deleted()
    {
        var first = await Store.UpsertSweepAsync("s", "one");
        var second = await Store.UpsertSweepAsync("s", "two");
        second.Uid.ShouldBe(first.Uid);
        second.Spec.ShouldBe("two");
        Temporary.Reopen().FindSweep("s").ShouldBe(second);

        await Store.DeleteSweepAsync(first.Uid);
        Store.FindSweep("s").ShouldBeNull();
        (await Store.UpsertSweepAsync("s", "two")).Uid.ShouldNotBe(first.Uid);
        Store.ReadSweeps().Count.ShouldBe(1);
    }

    [Fact]
    public async Task Deleting_a_sweep_takes_all_of_it_and_nothing_else()
    {
        var uid = await Temporary.AddSweepAsync(trials: 250);
        var attempt = await Temporary.AddAttemptAsync(uid, trial: 249);
        await Store.StoreAsync(attempt, [Point(1, 0)]);
        var other = await Store.UpsertSweepAsync("other", "");
        await Store.AddTrialsAsync(other.Uid, [Trial(0)]);

        await Store.DeleteSweepAsync(uid);

        Store.ReadTrials(uid).ShouldBeEmpty();
        Store.ReadPoints(uid).ShouldBeEmpty();
        Store.ReadLiveAttempts().ShouldBeEmpty();
        Store.ReadTrials(other.Uid).Count().ShouldBe(1);
        var e = await Should.ThrowAsync<StoreException>(Store.StoreAsync(attempt, [Point(2, 1)]));
        e.Fault.ShouldBe(StoreFault.Conflict);
    }

    [Fact]
    public async Task Adding_trials_again_adds_only_the_new_ones()
    {
        var uid = await Temporary.AddSweepAsync(trials: 3);
        (await Store.AddTrialsAsync(uid, Enumerable.Range(0, 5).Select(Trial))).ShouldBe(2);
        Store.ReadTrials(uid).Select(t => t.Name).ShouldBe(["s-0", "s-1", "s-2", "s-3", "s-4"]);
        var trial = Store.FindTrial(uid, "s-4")!;
        (trial.Hash, trial.Seed, trial.ConfigurationId, trial.Parameters).ShouldBe(("hash-4", 4L, "configuration-0", """{"N":4}"""));
    }

    [Fact]
    public async Task A_trial_of_the_same_name_with_another_hash_is_refused_and_nothing_of_that_call_is_kept()
    {
        var uid = await Temporary.AddSweepAsync();
        var e = await Should.ThrowAsync<StoreException>(Store.AddTrialsAsync(uid, [Trial(7), Trial(0) with { Hash = "other" }]));
        e.Fault.ShouldBe(StoreFault.Conflict);
        Store.ReadTrials(uid).Count().ShouldBe(1);
    }

    [Fact]
    public async Task An_attempt_is_recorded_with_its_process_and_its_end_counts_once()
    {
        var uid = await Temporary.AddSweepAsync();
        await Store.AddAttemptAsync(new NewAttempt(uid, "s-0", 1, "a1"));
        await Store.AddAttemptAsync(new NewAttempt(uid, "s-0", 1, "a1"));
        await Store.SetProcessAsync("a1", 4711, 99);
        var live = Store.ReadLiveAttempts().ShouldHaveSingleItem();
        (live.Id, live.Trial, live.SweepUid, live.ProcessId, live.ProcessStarted)
            .ShouldBe(("a1", "s-0", uid, 4711, 99L));

        (await Store.EndAttemptAsync("a1", AttemptOutcome.Failed, "out of memory", 137)).ShouldBeTrue();
        (await Store.EndAttemptAsync("a1", AttemptOutcome.Disrupted)).ShouldBeFalse();
        await Store.AddAttemptAsync(new NewAttempt(uid, "s-0", 2, "a2"));
        await Store.EndAttemptAsync("a2", AttemptOutcome.Disrupted);
        await Store.AddAttemptAsync(new NewAttempt(uid, "s-0", 3, "a3"));
        await Store.EndAttemptAsync("a3", AttemptOutcome.Failed, "bad configuration", 64, permanent: true);

        var trial = Temporary.Reopen().FindTrial(uid, "s-0")!;
        (trial.Failures, trial.Disruptions, trial.FailedPermanently, trial.LastAttempt).ShouldBe((2, 1, true, 3));
        var attempts = Store.ReadAttempts(uid, "s-0");
        attempts.Select(a => a.Outcome).ShouldBe([AttemptOutcome.Failed, AttemptOutcome.Disrupted, AttemptOutcome.Failed]);
        (attempts[0].Reason, attempts[0].ExitCode).ShouldBe(("out of memory", 137));
        Store.ReadLiveAttempts().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("lives", 3, "attempt 2 has not ended")]
    [InlineData("lives", 2, "attempt 2 has not ended")]
    [InlineData("ended", 2, "attempt 2 is in the store already")]
    [InlineData("ended", 1, "attempt 2 is in the store already")]
    [InlineData("finished", 3, "attempt 2 has not ended")]
    [InlineData("finished, ended", 3, "the trial is complete")]
    public async Task An_attempt_is_refused_where_the_record_knows_better(string second, int number, string why)
    {
        var uid = await Temporary.AddSweepAsync();
        await Store.EndAttemptAsync((await Temporary.AddAttemptAsync(uid)).AttemptId, AttemptOutcome.Disrupted);
        var live = await Temporary.AddAttemptAsync(uid, number: 2);
        if (second.Contains("finished")) await Store.StoreAsync(live, [Finished(1)]);
        if (second.Contains("ended")) await Store.EndAttemptAsync(live.AttemptId, AttemptOutcome.Disrupted);

        var e = await Should.ThrowAsync<StoreException>(Temporary.AddAttemptAsync(uid, number: number));

        e.Fault.ShouldBe(StoreFault.Conflict);
        e.Message.ShouldBe($"trial s-0: attempt {number} is refused: {why}.");
        Store.ReadAttempts(uid, "s-0").Select(attempt => attempt.Number).ShouldBe([1, 2]);
        Store.FindTrial(uid, "s-0")!.LastAttempt.ShouldBe(2);
    }

    [Fact]
    public async Task Of_many_who_claim_the_same_attempt_at_once_one_gets_it()
    {
        var uid = await Temporary.AddSweepAsync();
        var claims = Enumerable.Range(0, 20).Select(_ => Task.Run(() => Temporary.AddAttemptAsync(uid))).ToArray();
        await Task.WhenAll(claims.Select(claim => claim.ContinueWith(_ => { })));
        var held = (await claims.Where(claim => claim.IsCompletedSuccessfully).ShouldHaveSingleItem()).AttemptId;
        Store.ReadLiveAttempts().ShouldHaveSingleItem().Id.ShouldBe(held);
    }

    [Fact]
    public async Task A_trial_with_an_attempt_is_not_deleted_nor_are_those_of_the_same_call()
    {
        var uid = await Temporary.AddSweepAsync(3);
        await Store.EndAttemptAsync((await Temporary.AddAttemptAsync(uid, trial: 1)).AttemptId, AttemptOutcome.Left);

        var e = await Should.ThrowAsync<StoreException>(Store.DeleteTrialsAsync(uid, ["s-0", "s-1"]));

        (e.Fault, e.Message).ShouldBe((StoreFault.Conflict, "trial s-1: has an attempt, and so its record is not deleted."));
        Store.ReadTrials(uid).Count().ShouldBe(3);
        await Store.DeleteTrialsAsync(uid, ["s-0", "s-0", "nobody"]);
        Store.ReadTrials(uid).Select(trial => trial.Name).ShouldBe(["s-1", "s-2"]);
    }

    [Fact]
    public async Task Superseded_trials_keep_their_points_and_can_come_back()
    {
        var uid = await Temporary.AddSweepAsync(2);
        await Store.StoreAsync(await Temporary.AddAttemptAsync(uid), [Point(1, 0)]);
        await Store.MarkSupersededAsync(uid, ["s-0"]);
        Store.ReadTrials(uid).Select(t => t.Superseded).ShouldBe([true, false]);
        Store.ReadPoints(uid).Count().ShouldBe(1);
        await Store.MarkSupersededAsync(uid, ["s-0"], superseded: false);
        Store.ReadTrials(uid).ShouldAllBe(t => !t.Superseded);
        await Store.DeleteTrialsAsync(uid, ["s-1"]);
        Store.ReadTrials(uid).ShouldHaveSingleItem().Name.ShouldBe("s-0");
    }

    [Fact]
    public async Task Durations_gather_complete_trials_by_configuration_over_all_sweeps()
    {
        foreach (var name in new[] { "a", "b" })
        {
            var sweep = await Store.UpsertSweepAsync(name, "");
            await Store.AddTrialsAsync(sweep.Uid, [Trial(0), Trial(1), Trial(2)]);
            for (var i = 0; i < 2; i++)
            {
                var attempt = new AttemptIdentity(sweep.Uid, $"s-{i}", name + i, 1);
                await Store.AddAttemptAsync(new NewAttempt(sweep.Uid, attempt.Trial, 1, attempt.AttemptId));
                await Store.StoreAsync(attempt, [Finished(1, iteration: 10, seconds: 4 + i)]);
            }
        }

        var duration = Store.ReadDurations().ShouldHaveSingleItem();
        (duration.ConfigurationId, duration.Trials, duration.MeanWallSeconds, duration.MaxWallSeconds, duration.MeanIterations)
            .ShouldBe(("configuration-0", 4, 4.5, 5, 10));
    }

    [Fact]
    public async Task A_hundred_thousand_trials_are_added_and_read_back()
    {
        var watch = Stopwatch.StartNew();
        var uid = await Temporary.AddSweepAsync(trials: 100_000);
        var added = watch.Elapsed;
        watch.Restart();
        Temporary.Reopen().ReadTrials(uid).Count(t => t.Finished is null).ShouldBe(100_000);
        TestContext.Current.SendDiagnosticMessage(
            $"100,000 trials: added in {added.TotalSeconds:F2} s, read in {watch.Elapsed.TotalSeconds:F2} s");
    }

    [Fact]
    public async Task A_query_left_half_way_does_not_disturb_the_next()
    {
        var uid = await Temporary.AddSweepAsync(trials: 10);
        Store.ReadTrials(uid).First().Name.ShouldBe("s-0");
        Store.ReadTrials(uid).Count().ShouldBe(10);
        foreach (var outer in Store.ReadTrials(uid).Take(2)) Store.ReadTrials(uid).Count().ShouldBe(10);
    }
}

public sealed class ResultStoreInSqliteTests() : ResultStoreTests(postgres: null);

public sealed class ResultStoreInPostgresTests(PostgresFixture postgres) : ResultStoreTests(postgres);
