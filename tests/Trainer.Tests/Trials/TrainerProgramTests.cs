using System.Diagnostics;
using Hem.Core.Sweeps;
using Hem.Progress;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Trials;

namespace Trainer.Tests.Trials;

/// <summary>The trial contract, kept by the real program against the real progress server.</summary>
public class TrainerProgramTests
{
    private static readonly ParameterSet Small = ParameterSet.Of(
        ("algorithm", "hem"), ("task", "flipbit-10"), ("workers", 2), ("N", 5), ("batchSize", 16), ("updates", 5), ("iterations", 5),
        ("hiddenLayers", 1), ("hiddenUnits", 16), ("evaluationEpisodes", 20));

    /// <summary>Long enough for a test to do something meanwhile.</summary>
    private static readonly ParameterSet Long = Small.With("iterations", 1000);

    private static readonly ParameterSet Endless = Small.With("iterations", 1_000_000).With("updates", 1);

    [Fact]
    public async Task A_trial_reports_every_point_then_finished_and_exits_with_0()
    {
        await using var harness = new TrialHarness(Small);
        await harness.ServeAsync();
        TrainerProcess process = harness.Start();
        (await harness.EndAsync(process)).ShouldBe(0, process.Log);
        harness.Sink.Curve.Select(point => point.Iteration).ShouldBe([0UL, 1, 2, 3, 4, 5]);
        harness.Sink.Reports[^1].Report.Finished.Iteration.ShouldBe(5UL);
        harness.Sink.Curve.ShouldAllBe(point => point.WallSeconds > 0);
        KillTests.Check(harness, harness.Trial.Seed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Asked_to_leave_it_saves_and_leaves_in_time_and_the_next_attempt_goes_on(bool bySignal)
    {
        await using var harness = new TrialHarness(Endless);
        await harness.ServeAsync();
        TrainerProcess first = harness.Start();
        await harness.UntilAsync(() => harness.Sink.Curve.Count > 5, first);
        var clock = Stopwatch.StartNew();
        if (bySignal)
            first.Terminate();
        else
            harness.Service.Stop(first.Attempt, "suspended");
        (await harness.EndAsync(first)).ShouldBe(143, first.Log);
        // 5 s, on a machine that has nothing else to do.
        if (Environment.GetEnvironmentVariable("HEM_SOAK") is { Length: > 0 }) clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
        first.Log.ShouldContain(bySignal ? "as asked: signal" : "as asked: suspended");
        Directory.GetFiles(harness.CheckpointFolder!, "checkpoint-*.hem").ShouldHaveSingleItem();

        ulong reached = harness.Sink.Curve[^1].Iteration;
        TrainerProcess second = harness.Start();
        await harness.UntilAsync(() => harness.Sink.Curve[^1].Iteration > reached + 5, second);
        second.Log.ShouldContain("resumed after");
        harness.Sink.Differences.ShouldBeEmpty();
    }

    [Fact]
    public async Task Asked_to_save_it_saves_and_goes_on()
    {
        await using var harness = new TrialHarness(Endless);
        await harness.ServeAsync();
        TrainerProcess process = harness.Start();
        await harness.UntilAsync(() => harness.Sink.Curve.Count > 3, process);
        harness.Sink.Has(TrainerMessage.ReportOneofCase.Checkpointed).ShouldBeFalse();
        harness.Service.Save(process.Attempt).ShouldBeTrue();
        await harness.UntilAsync(() => harness.Sink.Has(TrainerMessage.ReportOneofCase.Checkpointed), process);
        int points = harness.Sink.Curve.Count;
        await harness.UntilAsync(() => harness.Sink.Curve.Count > points, process);
    }

    [Fact]
    public async Task While_the_server_is_away_it_trains_on_and_nothing_is_lost()
    {
        await using var harness = new TrialHarness(Long);
        await harness.ServeAsync();
        TrainerProcess process = harness.Start();
        await harness.UntilAsync(() => harness.Sink.Curve.Count > 2, process);
        await harness.StopServingAsync();
        await harness.UntilAsync(() => process.Log.Contains("trained 1000 iterations", StringComparison.Ordinal), process);
        process.HasExited.ShouldBeFalse();
        harness.Sink.Curve.Count.ShouldBeLessThan(1001);
        await harness.ServeAsync();
        (await harness.EndAsync(process)).ShouldBe(0, process.Log);
        KillTests.Check(harness, harness.Trial.Seed);
    }

    [Fact]
    public async Task Killed_while_the_server_is_away_the_reports_in_the_checkpoint_are_sent_by_the_next_attempt()
    {
        await using var harness = new TrialHarness(Long);
        await harness.ServeAsync();
        TrainerProcess first = harness.Start();
        await harness.UntilAsync(() => harness.Sink.Curve.Count > 2, first);
        await harness.StopServingAsync();

        // At the end it waits for the acknowledgement, and saves meanwhile.
        await harness.UntilAsync(
            () => Directory.Exists(harness.CheckpointFolder) && Directory.GetFiles(harness.CheckpointFolder!, "*.hem").Length > 0, first);
        int before = harness.Sink.Curve.Count;
        first.Kill();
        await harness.EndAsync(first);
        await harness.ServeAsync();
        TrainerProcess second = harness.Start();
        (await harness.EndAsync(second)).ShouldBe(0, second.Log);
        second.Log.ShouldContain("resumed after 1000");
        before.ShouldBeLessThan(1001);
        KillTests.Check(harness, harness.Trial.Seed);
    }

    [Fact]
    public async Task Until_it_is_granted_it_touches_no_checkpoint()
    {
        await using var harness = new TrialHarness(Endless);
        await harness.ServeAsync();
        TrainerProcess holder = harness.Start();
        await harness.UntilAsync(() => harness.Sink.Curve.Count > 0, holder);
        harness.CheckpointFolder = harness.Folder["second"];
        TrainerProcess waiting = harness.Start();
        await harness.UntilAsync(() => harness.Service.IsConnected(waiting.Attempt), waiting);
        harness.Service.Save(waiting.Attempt);
        Directory.Exists(harness.CheckpointFolder).ShouldBeFalse();
        holder.Kill();
        await harness.EndAsync(holder);
        await harness.UntilAsync(() => Directory.Exists(harness.CheckpointFolder), waiting);
        waiting.Terminate();
        (await harness.EndAsync(waiting)).ShouldBe(143);
    }

    [Fact]
    public async Task When_its_attempt_is_over_before_it_was_granted_it_leaves_with_143()
    {
        await using var harness = new TrialHarness(Endless);
        await harness.ServeAsync();
        TrainerProcess holder = harness.Start();
        await harness.UntilAsync(() => harness.Service.IsConnected(holder.Attempt), holder);
        TrainerProcess waiting = harness.Start();
        await harness.UntilAsync(() => harness.Service.IsConnected(waiting.Attempt), waiting);
        await harness.Service.EndAsync(waiting.Attempt);
        (await waiting.ExitAsync()).ShouldBe(143, waiting.Log);
    }

    [Fact]
    public async Task Told_to_stop_while_it_waits_it_leaves_with_143()
    {
        await using var harness = new TrialHarness(Endless);
        await harness.ServeAsync();
        TrainerProcess holder = harness.Start();
        await harness.UntilAsync(() => harness.Service.IsConnected(holder.Attempt), holder);
        TrainerProcess waiting = harness.Start();
        await harness.UntilAsync(() => harness.Service.IsConnected(waiting.Attempt), waiting);
        harness.Service.Stop(waiting.Attempt, "no longer wanted");
        (await harness.EndAsync(waiting)).ShouldBe(143, waiting.Log);
    }

    [Fact]
    public async Task The_checkpoint_of_another_trial_is_refused_plainly_and_for_good()
    {
        await using var harness = new TrialHarness(Small);
        await harness.ServeAsync();
        new Hem.Trainer.Checkpoints.CheckpointFolder(harness.CheckpointFolder!, "another", "test", _ => { }).Save(null, 1, [1]);
        TrainerProcess process = harness.Start();
        (await harness.EndAsync(process)).ShouldBe(64, process.Log);
        Failed failed = harness.Sink.Reports[^1].Report.Failed;
        failed.Permanent.ShouldBeTrue();
        failed.Reason.ShouldContain("another trial");
    }

    [Fact]
    public async Task A_torn_checkpoint_gives_way_to_the_previous_one_and_the_curve_stays_the_same()
    {
        await using var harness = new TrialHarness(Long, checkpointSeconds: 0.01);
        await harness.ServeAsync();
        TrainerProcess first = harness.Start();
        await harness.UntilAsync(() => harness.Sink.Reports.Count(entry => entry.Report.Checkpointed is not null) > 2, first);
        first.Kill();
        await harness.EndAsync(first);
        string newest = Directory.GetFiles(harness.CheckpointFolder!, "*.hem").Max()!;
        File.WriteAllBytes(newest, File.ReadAllBytes(newest)[..^100]);
        TrainerProcess second = harness.Start();
        (await harness.EndAsync(second)).ShouldBe(0, second.Log);
        second.Log.ShouldContain("cannot be used: it is torn");
        second.Log.ShouldContain("resumed after");
        KillTests.Check(harness, harness.Trial.Seed);
    }

    [Fact]
    public async Task Without_a_folder_checkpoints_go_through_the_server()
    {
        await using var harness = new TrialHarness(Long, checkpointSeconds: 0.01, remoteCheckpoints: true);
        await harness.ServeAsync();
        TrainerProcess first = harness.Start();
        await harness.UntilAsync(() => harness.Sink.Reports.Count(entry => entry.Report.Checkpointed is not null) > 2, first);
        first.Kill();
        await harness.EndAsync(first);
        TrainerProcess second = harness.Start();
        (await harness.EndAsync(second)).ShouldBe(0, second.Log);
        second.Log.ShouldContain("resumed after");
        KillTests.Check(harness, harness.Trial.Seed);
    }

    [Fact]
    public async Task On_a_full_disk_it_says_so_and_trains_on()
    {
        using TinyDisk? disk = TinyDisk.TryMount(megabytes: 1);
        Assert.SkipWhen(disk is null, "needs the right to mount a tmpfs");
        Should.Throw<IOException>(() => File.WriteAllBytes(Path.Combine(disk.Path, "ballast"), new byte[2 << 20]));
        await using var harness = new TrialHarness(Long, checkpointSeconds: 0.05);
        harness.CheckpointFolder = Path.Combine(disk.Path, "trial");
        Directory.CreateDirectory(harness.CheckpointFolder);
        await harness.ServeAsync();
        TrainerProcess process = harness.Start();
        (await harness.EndAsync(process)).ShouldBe(0, process.Log);
        process.Log.ShouldContain("no checkpoint was saved: No space left on device");
        KillTests.Check(harness, harness.Trial.Seed);
    }

    [Fact]
    public async Task A_bad_configuration_is_reported_with_every_fault_and_ends_with_64()
    {
        await using var harness = new TrialHarness(Small);
        await harness.ServeAsync();
        harness.Environment["HEM_TRIAL"] = harness.Trial.ToJson()
            .Replace("\"N\":5", "\"N\":0", StringComparison.Ordinal).Replace("\"updates\":5", "\"updates\":-1", StringComparison.Ordinal);
        TrainerProcess process = harness.Start();
        (await harness.EndAsync(process)).ShouldBe(64, process.Log);
        Failed failed = harness.Sink.Reports[^1].Report.Failed;
        failed.Permanent.ShouldBeTrue();
        failed.Reason.ShouldContain("parameters.N");
        failed.Reason.ShouldContain("parameters.updates");
    }

    [Fact]
    public async Task A_network_that_it_could_not_save_is_a_bad_configuration()
    {
        await using var harness = new TrialHarness(
            ParameterSet.Of(("algorithm", "hem"), ("task", "flipbit-10"), ("hiddenLayers", 16), ("hiddenUnits", 4096)));
        await harness.ServeAsync();
        TrainerProcess process = harness.Start();
        (await harness.EndAsync(process)).ShouldBe(64, process.Log);
        harness.Sink.Reports[^1].Report.Failed.Reason.ShouldContain("parameters.hiddenUnits");
    }

    [Fact]
    public void Everything_that_it_does_not_have_is_named_at_once()
    {
        string Refusal(params (string Name, ParameterValue Value)[] parameters) =>
            Refuse(ParameterTable.Resolve(ParameterSet.Of(parameters)), new TrainerSettings());

        string Refuse(ParameterSet parameters, TrainerSettings settings)
        {
            var trial = new TrialDocument(HemSweep.CurrentApiVersion, "test", "test-0", 1, parameters, settings);
            return Should.Throw<BadConfigurationException>(() => AlgorithmCatalog.Create(trial)).Message;
        }

        ParameterSet strange = ParameterTable.Resolve(Small).With("algorithm", "alchemy").With("task", "labyrinth");
        string all = Refuse(strange, new TrainerSettings(Device: "abacus"));
        all.ShouldContain("not alchemy");
        all.ShouldContain("not labyrinth");
        all.ShouldContain("not on abacus");
        Refusal(("algorithm", "hem"), ("task", "flipbit-10"), ("hiddenLayers", 16), ("hiddenUnits", 4096))
            .ShouldContain("parameters.hiddenUnits");
    }

    [Fact]
    public async Task Asked_to_leave_while_its_checkpoint_is_on_the_way_it_leaves_with_143()
    {
        var slow = new SlowCheckpoints();
        await using var harness = new TrialHarness(Endless, checkpoints: slow);
        await harness.ServeAsync();
        TrainerProcess process = harness.Start();
        await harness.UntilAsync(() => slow.Asked, process);
        process.Terminate();
        (await harness.EndAsync(process)).ShouldBe(143, process.Log);
        process.Log.ShouldContain("leaving before training, as asked: signal");
    }

    [Fact]
    public void Help_and_a_start_without_a_trial_say_what_to_do()
    {
        var output = new StringWriter();
        var error = new StringWriter();
        TrainerProgram.Execute(["--help"], _ => null, output, error).ShouldBe(0);
        foreach (string word in (string[])["HEM_TRIAL", "HEM_CHECKPOINT_DIR", "143", "hem run FILE"])
            output.ToString().ShouldContain(word);
        TrainerProgram.Execute([], _ => null, output, error).ShouldBe(64);
        error.ToString().ShouldContain("HEM_TRIAL is not set");
        error.ToString().ShouldContain("hem run FILE");
        TrainerProgram.Execute(["--bogus"], _ => null, output, error).ShouldBe(64);
    }

    /// <summary>Has a checkpoint of which nothing ever comes.</summary>
    private sealed class SlowCheckpoints : ICheckpointStore
    {
        private volatile bool asked;

        public bool Asked => asked;

        public (long Iteration, Stream Data)? OpenNewest(AttemptIdentity attempt)
        {
            asked = true;
            return (1, new System.IO.Pipelines.Pipe().Reader.AsStream());
        }

        public ICheckpointUpload BeginPut(AttemptIdentity attempt, long iteration) => throw new IOException("not here");

        public void Delete(string sweepUid, string trial)
        {
        }
    }
}
