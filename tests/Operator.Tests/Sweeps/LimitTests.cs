using System.Text;
using System.Text.Json;
using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Sweeps;
using Hem.TestCluster;

namespace Operator.Tests.Sweeps;

/// <summary>What the operator costs the API server.</summary>
public sealed class LimitTests(ControlPlaneFixture fixture)
{
    [Fact]
    public async Task A_trial_costs_at_most_six_writes()
    {
        const int Trials = 10;
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane, start: false);
        var faults = new FaultHandler();
        world.Faults = faults.Wrap;
        world.StartOperator();
        await world.ApplyAsync(SweepBuilder.Make().Seeds(Trials).Parallelism(3));
        await world.CompleteAsync(Trials);
        await world.TrialsAsync(all => all.Count(trial => trial.Status?.Phase == HemTrialPhase.Succeeded) == Trials, "all say so");
        await Wait.UntilAsync(async () => (await world.JobsAsync()).Length == 0, "the Jobs are deleted");
        int writes = faults.Requests.Count(request => request.Method != HttpMethod.Get
            && (request.Uri.AbsolutePath.Contains("/hemtrials", StringComparison.Ordinal)
                || request.Uri.AbsolutePath.Contains("/jobs", StringComparison.Ordinal)));
        writes.ShouldBeLessThanOrEqualTo(6 * Trials);
        writes.ShouldBeGreaterThanOrEqualTo(4 * Trials);
    }

    [Fact]
    public async Task Twenty_thousand_trials_make_a_small_status_and_few_objects()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Unschedulable("0/1 nodes are available: 1 Insufficient cpu.");
        await world.ApplyAsync(SweepBuilder.Make().Axis("N", 5, 10).Seeds(10_000).Parallelism(5));
        HemSweepStatus status = await world.StatusAsync(one => one is { Trials: 20_000, Running: 5, Waiting: 19_995 }, "all are counted");
        JsonSerializer.SerializeToUtf8Bytes(status, HemJson.Default.HemSweepStatus).Length.ShouldBeLessThan(4096);
        (await world.TrialsAsync()).Length.ShouldBeLessThanOrEqualTo(5 + Planner.Window);
        (await world.JobsAsync()).Length.ShouldBe(5);
    }

    [Fact]
    public void The_largest_status_stays_under_4_KiB()
    {
        string[] faults = [.. Enumerable.Range(0, 500).Select(i => $"spec.grid.N[{i}]: \"{i}\" must be a whole number from 1 to 100,000")];
        var observed = new ObservedSweep(new DesiredSweep { Trials = [], Parallelism = 1, Faults = faults });
        SweepStatus status = Planner.Plan(observed, DateTimeOffset.UnixEpoch).Status;
        var best = new BestConfiguration
        {
            Configuration = new string('x', HemSweepStatus.LongestLabel),
            Id = new string('0', 16),
            Score = 0.12345,
            Measure = "interquartileMean",
            Interval = [0.1234, 0.5678],
            Seeds = 100_000,
        };
        HemSweepStatus mapped = StatusMapper.Sweep(status, best, DateTimeOffset.UnixEpoch, null, DateTimeOffset.UnixEpoch, []);
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(mapped, HemJson.Default.HemSweepStatus);
        json.Length.ShouldBeLessThan(HemSweepStatus.MostBytes);
        Encoding.UTF8.GetString(json).ShouldContain("500 faults");
    }

    [Fact]
    public async Task A_sweeps_status_is_not_left_behind_by_its_trials()
    {
        const int Trials = 40;
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane, options: options => options with
        {
            StatusWritesPerSecond = 1,
            SweepStatusInterval = TimeSpan.FromSeconds(1),
        });
        world.Kubelet.Train = _ => Training.Runs;
        await world.ApplyAsync(SweepBuilder.Make().Seeds(Trials + 1).Parallelism(Trials + 1));
        await Wait.UntilAsync(() => world.Kubelet.Running == Trials + 1, "all train", Timeouts.Normal);
        // One goes on, so that the sweep has no final status to write.
        world.Kubelet.Train = pod => world.Kubelet.IsFirst(pod) ? Training.Runs : Training.Finishes;
        await world.StatusAsync(status => status.Done == Trials, "the sweep says what is done");
        (await world.TrialsAsync()).Count(trial => trial.Status?.Phase == HemTrialPhase.Succeeded).ShouldBeLessThan(Trials);
    }

    [Fact]
    public async Task Statuses_are_written_at_the_rate_that_is_allowed_and_final_ones_first()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane, start: false, options: options => options with
        {
            StatusWritesPerSecond = 5,
            SweepStatusInterval = TimeSpan.FromSeconds(1),
        });
        var faults = new FaultHandler();
        world.Faults = faults.Wrap;
        world.StartOperator();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await world.ApplyAsync(SweepBuilder.Make().Seeds(20).Parallelism(20));
        await world.CompleteAsync(20);
        await world.TrialsAsync(all => all.Count(trial => trial.Status?.Phase == HemTrialPhase.Succeeded) == 20, "all say so");
        int[] writes =
        [
            faults.Requests.Count(request => request.Uri.AbsolutePath.EndsWith("/status", StringComparison.Ordinal)),
            faults.Requests.Count(request => request.Uri.AbsolutePath.EndsWith("/hemsweeps/s/status", StringComparison.Ordinal)),
        ];
        int seconds = (int)Math.Ceiling(clock.Elapsed.TotalSeconds);
        writes[0].ShouldBeLessThanOrEqualTo(5 + 5 * seconds);
        writes[1].ShouldBeLessThanOrEqualTo(1 + seconds);
    }
}
