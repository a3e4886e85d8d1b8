using System.Diagnostics.Metrics;
using System.Net;
using Hem.Kubernetes;
using Hem.Operator.Metrics;
using Hem.TestCluster;

namespace Operator.Tests.Sweeps;

/// <summary>What alerts are made of: series that say what is so, and go when it is so no more.</summary>
public sealed class SeriesTests(ControlPlaneFixture fixture)
{
    private const string Silent = "hem_sweep_oldest_report_seconds{", Unsaved = "hem_sweep_oldest_checkpoint_seconds{";

    [Fact]
    public async Task A_trial_of_eight_hours_is_not_silent_since_then_for_an_operator_that_has_just_come()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Runs;
        await world.ApplyAsync(SweepBuilder.Make().Seeds(1).CheckpointsEvery("2h"));
        await Wait.UntilAsync(() => world.Measured(Silent) is not null, "it is told of");
        await world.StopOperatorAsync();
        world.Execute("UPDATE attempts SET process_started = process_started - 8 * 3600 * 1000 WHERE process_started > 0");
        world.StartOperator();

        await Wait.UntilAsync(() => world.Measured(Silent) is not null, "the next one tells of it");
        world.Measured(Silent).ShouldNotBeNull().ShouldBeLessThan(3600);
        world.Measured(Unsaved).ShouldNotBeNull().ShouldBeLessThan(3600);
        world.Measured("hem_sweep_checkpoint_interval_seconds{").ShouldBe(7200);
    }

    [Fact]
    public async Task A_trial_that_lost_its_pod_is_silent_no_more_and_waits_for_what_it_waits_for()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Runs;
        await world.ApplyAsync(SweepBuilder.Make().Seeds(3).Parallelism(1));
        await Wait.UntilAsync(() => world.Measured(Silent) is not null, "it is told of");
        Waiting(world, "Parallelism").ShouldBe(2);

        V1Pod first = world.Kubelet.Pods.Single();
        world.Kubelet.Train = pod =>
            pod.Metadata.Uid == first.Metadata.Uid ? Training.Runs : Training.Waits("ImagePullBackOff", "no such");
        await world.Client.DeleteAsync(Resources.Pods, world.Namespace, first.Metadata.Name!);
        await Wait.UntilAsync(
            () => world.Measured(Silent) is null && world.Measured(Unsaved) is null && Waiting(world, "Image") == 1, "that is seen",
            Timeouts.Normal);

        await world.EditAsync(SweepBuilder.Make().Seeds(3).Parallelism(1).Suspended());
        await Wait.UntilAsync(() => Waiting(world, "Suspended") == 3 && Waiting(world, "Image") is null, "nothing is wrong with it");
        await world.DeleteAsync();
        await Wait.UntilAsync(() => world.Measured("hem_sweep_suspended{") is null, "the series go with their sweep", Timeouts.Normal);
    }

    [Theory]
    [InlineData(null, "Starting")]
    [InlineData("unschedulable: 0/4 nodes have nvidia.com/gpu", "Unschedulable")]
    [InlineData("unschedulable: Scheduling is blocked due to non-empty scheduling gates", "Queued")]
    [InlineData("wait in queue research", "Queued")]
    [InlineData("wait: their Jobs are suspended", "Queued")]
    [InlineData("not created: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1, limited: requests.nvidia.com/gpu=4", "Quota")]
    [InlineData("cannot be started: exceeded quota: jobs, requested: count/jobs.batch=1, limited: count/jobs.batch=4", "Quota")]
    [InlineData("not created: violates PodSecurity \"restricted:latest\"", "Refused")]
    [InlineData("cannot be started: admission webhook denied the request", "Refused")]
    [InlineData("wait for another Job of the same name to be deleted", "NameTaken")]
    [InlineData("cannot pull registry.example/trainer:1", "Image")]
    [InlineData("cannot find trainer:1 on the node", "Image")]
    [InlineData("cannot start: secret \"s\" not found", "Container")]
    [InlineData("what nobody thought of", "Other")]
    public void The_reason_to_wait_is_one_of_a_few(string? words, string reason)
    {
        WaitingReason.Of(words).ShouldBe(reason);
        WaitingReason.All.ShouldContain(reason);
    }

    [Theory]
    [InlineData(HttpStatusCode.Forbidden)]
    [InlineData(HttpStatusCode.InternalServerError)]
    public async Task What_the_API_server_refuses_is_counted_as_an_error(HttpStatusCode status)
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane, start: false);
        var faults = new FaultHandler();
        world.Faults = faults.Wrap;
        FaultRule rule = faults.On(
            request => request.Method == HttpMethod.Post && request.RequestUri!.AbsolutePath.EndsWith("/jobs", StringComparison.Ordinal),
            Fault.Status(status), 3);
        using var errors = new ReconcileErrors();
        world.StartOperator();
        await world.ApplyAsync(SweepBuilder.Make().Seeds(1));
        await world.CompleteAsync(1);
        rule.Met.ShouldBe(3);
        errors.Seen.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task A_store_that_takes_nothing_is_counted_as_an_error()
    {
        using var errors = new ReconcileErrors();
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Execute("CREATE TRIGGER full BEFORE INSERT ON attempts BEGIN SELECT RAISE(FAIL, 'full'); END");
        await world.ApplyAsync(SweepBuilder.Make().Seeds(1));
        await Wait.UntilAsync(() => errors.Seen > 0, "errors are counted");
        world.Execute("DROP TRIGGER full");
        await world.CompleteAsync(1);
    }

    private static double? Waiting(SweepWorld world, string reason) =>
        world.Measured($"hem_sweep_trials_waiting{{namespace=\"{world.Namespace}\",reason=\"{reason}\"");

    /// <summary>Counts errors of the operator that is started after it, in the test that made it.</summary>
    private sealed class ReconcileErrors : IDisposable
    {
        private static readonly AsyncLocal<ReconcileErrors?> _of = new();

        private readonly MeterListener _listener = new();
        private long _seen;

        public ReconcileErrors()
        {
            _of.Value = this;
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "controller_runtime_reconcile_errors_total") listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
            {
                if (_of.Value == this && tags.Contains(new("controller", "sweep"))) Interlocked.Add(ref _seen, value);
            });
            _listener.Start();
        }

        public long Seen => Interlocked.Read(ref _seen);

        public void Dispose() => _listener.Dispose();
    }
}
