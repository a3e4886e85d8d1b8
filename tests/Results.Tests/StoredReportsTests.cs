using Hem.Progress;
using Hem.Results;
using Hem.TestCluster;
using Microsoft.Extensions.Logging;
using static Results.Tests.TemporaryStore;

namespace Results.Tests;

public abstract class StoredReportsTests(PostgresFixture? postgres) : StoreTests(postgres)
{
    [Fact]
    public async Task A_point_comes_back_as_it_was_reported()
    {
        var uid = await Temporary.AddSweepAsync();
        var attempt = await Temporary.AddAttemptAsync(uid);
        await Store.StoreAsync(attempt, [Point(1, 0, success: 1.0 / 3, loss: double.NaN), Point(2, 5, loss: 0.1, coverage: 12.5)]);
        var points = Temporary.Reopen().ReadPoints(uid, "s-0");
        points.Count.ShouldBe(2);
        (points[0].SuccessRate, points[0].Loss, points[0].Attempt).ShouldBe((1.0 / 3, double.NaN, 1));
        (points[1].Iteration, points[1].Trajectories, points[1].EnvSteps, points[1].Updates, points[1].Loss, points[1].WallSeconds)
            .ShouldBe((5, 50, 500, 15, 0.1, 2.0));
        points.Select(point => point.GoalCoverage).ShouldBe([null, 12.5]);
        Store.ReadLatestPoints(uid).ShouldHaveSingleItem().Iteration.ShouldBe(5);
    }

    [Fact]
    public async Task Repeats_are_skipped_and_the_acknowledged_sequence_survives()
    {
        var uid = await Temporary.AddSweepAsync();
        var attempt = await Temporary.AddAttemptAsync(uid);
        (await Store.AcknowledgedUpToAsync(attempt)).ShouldBe(0UL);
        await Store.StoreAsync(attempt, [Point(1, 0), Point(2, 1)]);
        await Store.StoreAsync(attempt, [Point(1, 0), Point(2, 1), Point(3, 2)]);
        (await Temporary.Reopen().AcknowledgedUpToAsync(attempt)).ShouldBe(3UL);
        Store.ReadPoints(uid).Select(p => p.Iteration).ShouldBe([0, 1, 2]);
        Store.FindTrial(uid, "s-0")!.DifferingRepeats.ShouldBe(0);
    }

    [Theory]
    [InlineData(5.0, 5.0, 0)]
    [InlineData(5.0, 6.0, 1)]
    [InlineData(null, 6.0, 0)]   // of an older program, or stored by an older Hem
    [InlineData(5.0, null, 0)]
    public async Task A_repeat_that_knows_less_or_more_of_the_goals_differs_only_where_both_know(double? first, double? second, int differ)
    {
        var uid = await Temporary.AddSweepAsync();
        var attempt = await Temporary.AddAttemptAsync(uid);
        await Store.StoreAsync(attempt, [Point(1, 3, coverage: first), Point(2, 3, coverage: second)]);
        Store.ReadPoints(uid).ShouldHaveSingleItem().GoalCoverage.ShouldBe(first);
        Store.FindTrial(uid, "s-0")!.DifferingRepeats.ShouldBe(differ);
    }

    [Fact]
    public async Task A_gap_is_refused_and_nothing_of_that_call_is_kept()
    {
        var uid = await Temporary.AddSweepAsync();
        var attempt = await Temporary.AddAttemptAsync(uid);
        var e = await Should.ThrowAsync<StoreException>(Store.StoreAsync(attempt, [Point(1, 0), Point(3, 2)]));
        e.Message.ShouldContain("report 3");
        Store.ReadPoints(uid).ShouldBeEmpty();
        (await Store.AcknowledgedUpToAsync(attempt)).ShouldBe(0UL);
    }

    [Fact]
    public async Task The_first_point_of_an_iteration_stays_and_a_differing_repeat_is_counted_and_logged()
    {
        Temporary.Close();
        var log = new ListLogger();
        using var store = Temporary.Open(new StoreOptions { Logger = log });
        var uid = (await store.UpsertSweepAsync("s", "")).Uid;
        await store.AddTrialsAsync(uid, [Trial(0)]);
        await store.AddAttemptAsync(new NewAttempt(uid, "s-0", 1, "a1"));
        await store.EndAttemptAsync("a1", AttemptOutcome.Disrupted);
        await store.AddAttemptAsync(new NewAttempt(uid, "s-0", 2, "a2"));

        await store.StoreAsync(new(uid, "s-0", "a1", 1), [Point(1, 0, 0.5), Point(2, 1, 0.6, double.NaN), Point(3, 2, 0.7)]);
        // The same curve again, as a resumed attempt tells it: other times, one other value.
        await store.StoreAsync(new(uid, "s-0", "a2", 2), [Point(1, 1, 0.6, double.NaN), Point(2, 2, 0.8), Point(3, 3, 0.9)]);

        store.ReadPoints(uid).Select(p => (p.Iteration, p.SuccessRate, p.Attempt))
            .ShouldBe([(0, 0.5, 1), (1, 0.6, 1), (2, 0.7, 1), (3, 0.9, 2)]);
        store.FindTrial(uid, "s-0")!.DifferingRepeats.ShouldBe(1);
        log.Lines.ShouldHaveSingleItem().ShouldContain("iteration 2");
    }

    [Fact]
    public async Task Of_many_points_at_once_those_that_are_new_are_stored_and_those_that_differ_are_counted()
    {
        var uid = await Temporary.AddSweepAsync();
        var first = await Temporary.AddAttemptAsync(uid);
        await Store.StoreAsync(first, [.. Points(0, 90)]);
        await Store.EndAttemptAsync(first.AttemptId, AttemptOutcome.Disrupted);
        var second = await Temporary.AddAttemptAsync(uid, number: 2);

        await Store.StoreAsync(second, [.. Points(10, 200, differing: 50)]);

        var stored = Store.ReadPoints(uid).ToList();
        stored.Select(point => point.Iteration).ShouldBe(Enumerable.Range(0, 210).Select(i => (long)i));
        stored.Select(point => point.Attempt).ShouldBe(Enumerable.Range(0, 210).Select(i => i < 90 ? 1 : 2));
        stored[7].Loss.ShouldBe(double.NaN);
        stored[50].SuccessRate.ShouldBe(0.5);
        Store.FindTrial(uid, "s-0")!.DifferingRepeats.ShouldBe(1);

        // Every seventh has no loss.
        static IEnumerable<TrainerMessage> Points(int from, int count, int differing = -1) => Enumerable.Range(0, count).Select(i =>
            Point((ulong)i + 1, (ulong)(from + i), from + i == differing ? 0.75 : 0.5, (from + i) % 7 == 0 ? double.NaN : from + i));
    }

    [Fact]
    public async Task The_first_Finished_is_the_one_that_counts()
    {
        var uid = await Temporary.AddSweepAsync();
        var first = await Temporary.AddAttemptAsync(uid);
        await Store.EndAttemptAsync(first.AttemptId, AttemptOutcome.Disrupted);
        var second = await Temporary.AddAttemptAsync(uid, number: 2);
        await Store.StoreAsync(first, [Finished(1, iteration: 80, seconds: 12.5)]);
        await Store.StoreAsync(second, [Finished(1, iteration: 90, seconds: 1)]);
        var finished = Temporary.Reopen().FindTrial(uid, "s-0")!.Finished!;
        (finished.Iteration, finished.WallSeconds, finished.StoppedEarly).ShouldBe((80, 12.5, false));
    }

    [Fact]
    public async Task Failed_and_Checkpointed_are_kept_with_the_attempt()
    {
        var uid = await Temporary.AddSweepAsync();
        var attempt = await Temporary.AddAttemptAsync(uid);
        await Store.StoreAsync(attempt,
        [
            new TrainerMessage { Sequence = 1, Checkpointed = new Checkpointed { Iteration = 12, Bytes = 5 } },
            new TrainerMessage { Sequence = 2, Failed = new Failed { Reason = "loss is NaN", Permanent = true } },
        ]);
        var stored = Store.ReadAttempts(uid).ShouldHaveSingleItem();
        (stored.CheckpointIteration, stored.FailedReason, stored.FailedPermanently, stored.AcknowledgedUpTo)
            .ShouldBe((12L, "loss is NaN", true, 2UL));
    }

    [Fact]
    public async Task Many_callers_at_once_share_commits_and_each_gets_its_own_answer()
    {
        var uid = await Temporary.AddSweepAsync(trials: 20);
        var attempts = new List<AttemptIdentity>();
        for (var i = 0; i < 20; i++) attempts.Add(await Temporary.AddAttemptAsync(uid, i));
        var stranger = new AttemptIdentity(uid, "s-0", "nobody", 9);
        var tasks = new List<Task>();
        var refused = new List<Task>();
        for (ulong sequence = 1; sequence <= 100; sequence++)
        {
            foreach (var attempt in attempts) tasks.Add(Store.StoreAsync(attempt, [Point(sequence, sequence)]));
            refused.Add(Store.StoreAsync(stranger, [Point(sequence, sequence)]));
        }

        await Task.WhenAll(tasks);
        foreach (var task in refused) (await Should.ThrowAsync<StoreException>(task)).Fault.ShouldBe(StoreFault.Conflict);
        Store.ReadPoints(uid).Count().ShouldBe(2000);
        foreach (var attempt in attempts) (await Store.AcknowledgedUpToAsync(attempt)).ShouldBe(100UL);
    }

    private sealed class ListLogger : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel level) => true;

        public void Log<TState>(
            LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception));
    }
}

public sealed class StoredReportsInSqliteTests() : StoredReportsTests(postgres: null);

public sealed class StoredReportsInPostgresTests(PostgresFixture postgres) : StoredReportsTests(postgres);
