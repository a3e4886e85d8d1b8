using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Results;
using Hem.TestCluster;
using Operator.Tests.Sweeps;

namespace Operator.Tests.Hosting;

/// <summary>Several operators on one PostgreSQL database.</summary>
public sealed class ReplicaTests(ControlPlaneFixture fixture, PostgresFixture postgres)
{
    [Fact]
    public async Task All_are_ready_and_when_the_leader_is_cut_off_another_goes_on_and_trains_nothing_twice()
    {
        PostgresServer server = await postgres.ServerAsync();
        string results = server.ConnectionString(await server.CreateDatabaseAsync());
        await using HostWorld world = await HostWorld.CreateAsync(fixture.ControlPlane);
        world.Options = world.Options with { Results = () => results };
        world.Kubelet.Train = _ => Training.Runs;
        var faults = new FaultHandler();
        HostWorld.Life first = world.Start(faults);
        HemSweepResource sweep = await world.ApplyAsync(SweepBuilder.Make().Seeds(4).Parallelism(2));
        await Wait.UntilAsync(() => world.Kubelet.Running == 2, "two trials train", Timeouts.Normal);
        HostWorld.Life second = world.Start();
        await Wait.UntilAsync(
            async () => await IsReadyAsync(first) && await IsReadyAsync(second), "both are ready", Timeouts.Normal);
        second.Host.IsLeading.ShouldBeFalse();

        faults.Kill();
        await Wait.UntilAsync(() => second.Host.IsLeading, "the second leads", Timeouts.Normal);
        world.Kubelet.Train = _ => Training.Finishes;

        await Wait.UntilAsync(
            async () => (await world.SweepAsync())?.Status is { State: SweepState.Complete }, "the sweep is complete", Timeouts.Normal);
        // On a machine that is late with renewals the lease may have gone to and fro.
        await Wait.UntilAsync(() => second.Host is { IsLeading: true, Store: not null }, "the second has the store", Timeouts.Normal);
        ResultStore store = second.Host.Store!;
        string uid = sweep.Metadata.Uid!;
        store.ReadTrials(uid).Count(trial => trial.Finished is not null).ShouldBe(4);
        store.ReadAttempts(uid).Select(attempt => (attempt.Number, attempt.Outcome)).Distinct()
            .ShouldBe([(1, Hem.Results.AttemptOutcome.Completed)]);
    }

    private static async Task<bool> IsReadyAsync(HostWorld.Life life)
    {
        using var http = new HttpClient();
        return life.Host.HealthAddress is { } address && (await http.GetAsync($"{address}/readyz")).IsSuccessStatusCode;
    }
}
