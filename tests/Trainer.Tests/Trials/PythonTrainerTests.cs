using Hem.Core.Sweeps;
using Hem.Progress;
using Hem.Tests;

namespace Trainer.Tests.Trials;

/// <summary>A trainer of another language on stock gRPC (tests/PythonTrainer) keeps the contract with the real server.</summary>
public class PythonTrainerTests
{
    private static readonly ParameterSet Parameters = ParameterSet.Of(("algorithm", "hem"), ("task", "flipbit-10"), ("iterations", 40));

    [Fact]
    public async Task It_trains_to_the_end()
    {
        Require();
        await using var harness = new TrialHarness(Parameters);
        await harness.ServeAsync();
        TrainerProcess process = harness.Start(PythonTrainer.Python, PythonTrainer.Program);
        (await harness.EndAsync(process)).ShouldBe(0, process.Log);
        harness.Sink.Curve.Count.ShouldBe(41);
        harness.Sink.Reports[^1].Report.Finished.Iteration.ShouldBe(40UL);
    }

    [Fact]
    public async Task Asked_to_leave_it_leaves_with_143_and_goes_on_alike_though_the_server_was_away()
    {
        Require();
        await using var harness = new TrialHarness(Parameters);
        harness.Environment["HEM_TOY_SECONDS"] = "0.05";
        await harness.ServeAsync();
        TrainerProcess first = harness.Start(PythonTrainer.Python, PythonTrainer.Program);
        await harness.UntilAsync(() => harness.Sink.Curve.Count > 3, first);
        await harness.StopServingAsync();
        first.Terminate();
        (await harness.EndAsync(first)).ShouldBe(143, first.Log);
        await harness.ServeAsync();
        TrainerProcess second = harness.Start(PythonTrainer.Python, PythonTrainer.Program);
        (await harness.EndAsync(second)).ShouldBe(0, second.Log);
        harness.Sink.Curve.Select(point => point.Iteration).ShouldBe(Enumerable.Range(0, 41).Select(i => (ulong)i));
        harness.Sink.Differences.ShouldBeEmpty();
    }

    [Fact]
    public async Task Killed_it_goes_on_from_its_checkpoint_and_gives_the_same_curve()
    {
        Require();
        await using var harness = new TrialHarness(Parameters, checkpointSeconds: 0.2);
        harness.Environment["HEM_TOY_SECONDS"] = "0.05";
        await harness.ServeAsync();
        TrainerProcess first = harness.Start(PythonTrainer.Python, PythonTrainer.Program);
        await harness.UntilAsync(() => harness.Sink.Reports.Any(entry => entry.Report.Checkpointed is { Iteration: > 3 }), first);
        first.Kill();
        await harness.EndAsync(first);
        TrainerProcess second = harness.Start(PythonTrainer.Python, PythonTrainer.Program);
        (await harness.EndAsync(second)).ShouldBe(0, second.Log);
        second.Log.ShouldContain("resumed at iteration");
        harness.Sink.Reports.First(entry => entry.Attempt.AttemptNumber == 2 && entry.Report.Evaluated is not null)
            .Report.Evaluated.Iteration.ShouldBeGreaterThan(0UL);
        harness.Sink.Curve.Select(point => point.Iteration).ShouldBe(Enumerable.Range(0, 41).Select(i => (ulong)i));
        harness.Sink.Curve.Zip(harness.Sink.Curve.Skip(1)).ShouldAllBe(pair => pair.First.WallSeconds < pair.Second.WallSeconds);
        harness.Sink.Differences.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task When_its_attempt_is_over_it_touches_nothing_and_leaves_with_143(bool connected)
    {
        Require();
        await using var harness = new TrialHarness(Parameters);
        harness.Environment["HEM_TOY_SECONDS"] = "0.2";
        await harness.ServeAsync();
        TrainerProcess process = harness.Start(PythonTrainer.Python, PythonTrainer.Program);
        await harness.UntilAsync(() => harness.Sink.Curve.Count > 0, process);
        if (!connected)
            await harness.StopServingAsync();
        await harness.Service.EndAsync(process.Attempt);
        if (!connected)
            await harness.ServeAsync();
        (await process.ExitAsync()).ShouldBe(143, process.Log);
        process.Log.ShouldContain("this attempt is over");
        Directory.GetFiles(harness.CheckpointFolder!).ShouldBeEmpty();
    }

    [Fact]
    public async Task It_leaves_the_checkpoint_of_another_trial_alone_and_fails_for_good()
    {
        Require();
        await using var harness = new TrialHarness(Parameters);
        string file = Path.Combine(Directory.CreateDirectory(harness.CheckpointFolder!).FullName, "toy.json");
        File.WriteAllText(file, """{"trial": "another", "format": 1, "tail": []}""");
        await harness.ServeAsync();
        TrainerProcess process = harness.Start(PythonTrainer.Python, PythonTrainer.Program);
        (await harness.EndAsync(process)).ShouldBe(64, process.Log);
        harness.Sink.Reports.ShouldHaveSingleItem().Report.Failed.Permanent.ShouldBeTrue();
        File.ReadAllText(file).ShouldContain("another");
    }

    [Fact]
    public async Task Without_a_checkpoint_folder_it_trains_all_the_same()
    {
        Require();
        await using var harness = new TrialHarness(Parameters) { CheckpointFolder = null };
        await harness.ServeAsync();
        TrainerProcess process = harness.Start(PythonTrainer.Python, PythonTrainer.Program);
        (await harness.EndAsync(process)).ShouldBe(0, process.Log);
        harness.Sink.Curve.Count.ShouldBe(41);
    }

    private static void Require() => Assert.SkipUnless(PythonTrainer.CanRun, PythonTrainer.Needs);
}
