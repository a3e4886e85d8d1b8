using Hem.Core.Sweeps;
using Hem.Progress;
using Hem.Results;
using Hem.Results.Reports;
using Hem.TestCluster;

namespace Results.Tests.Reports;

public abstract class FromStoreTests(PostgresFixture? postgres) : StoreTests(postgres)
{
    private const string Spec =
        """
        apiVersion: hem.dev/v1alpha1
        kind: HemSweep
        metadata: {name: s}
        spec:
          base: {algorithm: hem, task: flipbit-8, iterations: 10}
          grid: {N: [5, 20]}
          seeds: {values: [1, 2]}
        """;

    [Fact]
    public async Task A_sweep_is_read_with_its_points_its_failures_and_the_trials_that_never_started()
    {
        var expansion = SweepReader.Load(System.Text.Encoding.UTF8.GetBytes(Spec), "s.yaml").Expansion!;
        var sweep = await Store.UpsertSweepAsync("s", Spec);
        var stored = expansion.Trials.Take(3).ToArray();
        await Store.AddTrialsAsync(sweep.Uid, stored.Select(trial =>
            new NewTrial(trial.Name, trial.Hash, trial.Seed, trial.ConfigurationId, ParameterTable.Resolve(trial.Parameters).ToJson())));
        await Store.AddTrialsAsync(sweep.Uid, [new("s-old", "old", 7, "c-old", """{"N":99,"algorithm":"hem","task":"flipbit-8"}""")]);
        await Store.MarkSupersededAsync(sweep.Uid, ["s-old"]);

        var done = await StartAsync(sweep.Uid, stored[0].Name);
        await Store.StoreAsync(done, [TemporaryStore.Point(1, 0, 0.1), TemporaryStore.Point(2, 5, 0.8), TemporaryStore.Finished(3)]);
        await Store.EndAttemptAsync(done.AttemptId, AttemptOutcome.Completed, null);
        var failed = await StartAsync(sweep.Uid, stored[1].Name);
        await Store.EndAttemptAsync(failed.AttemptId, AttemptOutcome.Failed, "exit code 3");
        var running = await StartAsync(sweep.Uid, stored[2].Name);
        await Store.StoreAsync(running, [TemporaryStore.Point(1, 0, 0.2)]);

        var data = ReportData.FromStore(Store, Store.FindSweep("s")!, DateTimeOffset.UnixEpoch, "s.yaml");
        data.Configurations.Count.ShouldBe(3);
        data.Configurations.Select(configuration => configuration.Superseded).ShouldBe([false, false, true]);
        data.Configurations[0].Parameters["N"].ShouldBe("5");
        data.Configurations[0].Parameters["evaluationEpisodes"].ShouldBe("200");
        data.Configurations.SelectMany(configuration => configuration.Trials).Count(trial => !trial.Superseded).ShouldBe(4);
        Trial(stored[0].Name).ShouldSatisfyAllConditions(
            trial => trial.State.ShouldBe(ReportTrialState.Complete),
            trial => trial.Points.Select(point => point.SuccessRate).ShouldBe([0.1, 0.8]));
        Trial(stored[1].Name).ShouldSatisfyAllConditions(
            trial => trial.State.ShouldBe(ReportTrialState.Waiting), trial => (trial.Failures, trial.Reason).ShouldBe((1, "exit code 3")));
        Trial(stored[2].Name).State.ShouldBe(ReportTrialState.Running);
        Trial(expansion.Trials[3].Name).ShouldSatisfyAllConditions(
            trial => trial.State.ShouldBe(ReportTrialState.Waiting), trial => trial.Attempts.ShouldBe(0));
        Report.Of(data).Headlines.Single().ShouldBe("so far (1 of 4 trials finished), N=5 scores highest, 0.80, "
            + "but one seed each is too few for an interval or a comparison.");

        ReportTrial Trial(string name) =>
            data.Configurations.SelectMany(configuration => configuration.Trials).Single(trial => trial.Name == name);
    }

    [Fact]
    public async Task Without_a_readable_spec_the_stored_trials_are_all_there_is()
    {
        var uid = await Temporary.AddSweepAsync(trials: 10);
        var data = ReportData.FromStore(Store, Store.FindSweep("s")!, DateTimeOffset.UnixEpoch);
        uid.ShouldNotBeEmpty();
        data.Configurations.Count.ShouldBe(2);
        Report.Of(data).Headlines.Single().ShouldContain("no trial has finished yet");
    }

    private async Task<AttemptIdentity> StartAsync(string uid, string trial)
    {
        var attempt = new AttemptIdentity(uid, trial, Guid.NewGuid().ToString(), 1);
        await Store.AddAttemptAsync(new NewAttempt(uid, trial, 1, attempt.AttemptId));
        return attempt;
    }
}

public sealed class FromStoreInSqliteTests() : FromStoreTests(postgres: null);

public sealed class FromStoreInPostgresTests(PostgresFixture postgres) : FromStoreTests(postgres);
