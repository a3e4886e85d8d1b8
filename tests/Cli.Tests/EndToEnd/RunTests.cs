using System.Diagnostics;
using System.Text.Json.Nodes;
using Cli.Tests.Support;
using Hem.Results;
using Hem.Tests;

namespace Cli.Tests.EndToEnd;

public sealed class RunTests : IDisposable
{
    private readonly SweepWorkspace _work = new();

    public void Dispose() => _work.Dispose();

    [Fact]
    public async Task A_sweep_runs_to_its_report()
    {
        _work.Write();

        HemProcess hem = await _work.RunAsync();

        hem.ExitCode.ShouldBe(0, hem.Output + hem.Error);
        hem.Error.ShouldBeEmpty();
        _work.Trials.Count.ShouldBe(4);
        _work.Trials.ShouldAllBe(trial => trial.Finished != null && trial.LastAttempt == 1);
        _work.Attempts.ShouldAllBe(attempt => attempt.Outcome == AttemptOutcome.Completed);
        hem.Output.ShouldContain("small is complete: 4 trials");
        string report = hem.Output.Split('\n').Single(line => line.StartsWith("Report: "))["Report: ".Length..];
        report.ShouldBe("results/reports/small/report.html");
        File.ReadAllText(_work.Folder[report]).ShouldContain("N=2");
        Directory.EnumerateFiles(Path.Combine(_work.Store, "trials"), "token-*", SearchOption.AllDirectories).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_finished_sweep_says_so_without_training_again()
    {
        _work.Write();
        await _work.RunAsync();
        IReadOnlyList<string> curves = _work.Curves;

        HemProcess again = await _work.RunAsync();

        again.ExitCode.ShouldBe(0);
        again.Output.ShouldContain("small was complete already: 4 trials, nothing to run.");
        again.Output.ShouldContain("Report: ");
        again.Output.ShouldNotContain("started");
        _work.Attempts.Count.ShouldBe(4);
        _work.Curves.ShouldBe(curves);
    }

    [Fact]
    public async Task An_edit_runs_only_the_difference()
    {
        _work.Write();
        await _work.RunAsync();
        IReadOnlyList<string> curves = _work.Curves;

        _work.Write(n: "[4, 8]", seeds: 3);
        HemProcess hem = await _work.RunAsync("--json");

        hem.ExitCode.ShouldBe(0, hem.Output + hem.Error);
        // N=4 had two of its three seeds, N=8 is new, N=2 is out of the ranking now.
        hem.Events.Count(e => (string?)e["event"] == "started").ShouldBe(4);
        _work.Trials.Count(trial => trial.Superseded).ShouldBe(2);
        _work.Trials.Count(trial => !trial.Superseded && trial.Finished is not null).ShouldBe(6);
        curves.ShouldBeSubsetOf(_work.Curves);
        JsonObject end = hem.Events[^1];
        ((string?)end["event"]).ShouldBe("end");
        ((int?)end["done"]).ShouldBe(6);
        end["ranking"].ShouldNotBeNull();
    }

    [Fact]
    public async Task Two_runs_of_a_sweep_in_two_stores_give_the_same_curves()
    {
        _work.Write();
        using var other = new SweepWorkspace();
        other.Write();

        await Task.WhenAll(_work.RunAsync(), other.RunAsync("--parallelism", "1"));

        _work.Curves.ShouldBe(other.Curves);
    }

    [Fact]
    public async Task A_store_with_a_path_too_long_for_a_socket_works()
    {
        _work.Write(n: "[2]", seeds: 1);
        string deep = _work.Folder[string.Join('/', Enumerable.Repeat("a-rather-long-name", 8))];

        HemProcess hem = await _work.HemAsync("run", _work.File, "--store", deep);

        hem.ExitCode.ShouldBe(0, hem.Output + hem.Error);
    }

    [Fact]
    public async Task A_second_run_on_a_store_is_told_who_holds_it()
    {
        _work.WriteLong();
        HemProcess first = _work.Start();
        await _work.TrainingAsync();

        HemProcess second = await _work.RunAsync();

        second.ExitCode.ShouldBe(69);
        second.Error.ShouldContain($"process {first.Id}");
        second.Error.ShouldNotContain("   at ");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_trainer_in_Python_on_stock_gRPC_can_be_a_trial(bool minimal)
    {
        Assert.SkipUnless(PythonTrainer.CanRun, PythonTrainer.Needs);
        string program = minimal ? PythonTrainer.Minimal : PythonTrainer.Program;
        _work.Write(more: $"  trainer: {{command: [{PythonTrainer.Python}, '{program}']}}");

        HemProcess hem = await _work.RunAsync();

        hem.ExitCode.ShouldBe(0, hem.Output + hem.Error);
        _work.Trials.ShouldAllBe(trial => trial.Finished != null && trial.LastAttempt == 1);
        _work.Curves.Count.ShouldBe(4 * 4);
    }

    [Fact]
    public async Task A_sweep_that_its_spec_suspends_starts_nothing()
    {
        _work.Write(more: "  suspend: true");

        HemProcess hem = await _work.RunAsync();

        hem.ExitCode.ShouldBe(3, hem.Output + hem.Error);
        hem.Output.ShouldContain("suspended by its spec");
        _work.Attempts.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_budget_ends_a_sweep()
    {
        _work.WriteLong(more: "  budget: {wallClock: 1s}");

        HemProcess hem = await _work.RunAsync();

        hem.ExitCode.ShouldBe(3, hem.Output + hem.Error);
        _work.Trainers.ShouldBeEmpty();
        _work.Attempts.ShouldContain(attempt => attempt.Outcome == AttemptOutcome.Left);
    }

    [Fact]
    public async Task What_the_trainer_does_not_have_is_said_before_anything_starts()
    {
        _work.Folder.Write("sweep.yaml", """
            apiVersion: hem.dev/v1alpha1
            kind: HemSweep
            metadata: {name: small}
            spec:
              base: {algorithm: hem, task: flipbit-4, iterations: 1}
              trainer: {gpus: 1}
              seeds: {count: 2}
            """);

        HemProcess hem = await _work.RunAsync();

        hem.ExitCode.ShouldBe(69, hem.Output + hem.Error);
        hem.Error.ShouldStartWith("hem: hem-trainer does not have device cuda: it has hem, ");
        hem.Error.ShouldEndWith(" with cpu. Name a trainer that has it in spec.trainer.command. Nothing was started.\n");
        _work.Attempts.ShouldBeEmpty();
        HemProcess validate = await _work.HemAsync("validate", _work.File);
        validate.ExitCode.ShouldBe(0, validate.Output + validate.Error);
        validate.Error.ShouldStartWith("hem: warning: hem-trainer does not have device cuda");
        HemProcess plan = await _work.HemAsync("plan", _work.File, "--store", _work.Store);
        plan.Error.ShouldStartWith("hem: warning: hem-trainer does not have");
    }

    [Fact]
    public async Task Complete_trials_of_an_earlier_version_that_leave_the_ranking_are_counted_at_the_start()
    {
        _work.Write(n: "[2, 4]");
        await _work.RunAsync();
        _work.Write(n: "[4, 6]");

        HemProcess hem = await _work.RunAsync();
        HemProcess again = await _work.RunAsync();

        hem.Output.ShouldContain("2 finished trials of an earlier version of small leave the ranking");
        again.Output.ShouldNotContain("leave the ranking");
    }

    [Theory]
    [InlineData("  trainer: {threads: 1, command: [./trainer.sh]}", 1)]
    [InlineData("  trainer: {threads: 3, command: [./trainer.sh]}", 3)]
    [InlineData("  trainer: {command: [./trainer.sh]}", 0)]
    public async Task Threads_that_are_set_are_kept_and_cores_are_spread_where_they_are_not(string trainer, int threads)
    {
        _work.Folder.Write("trainer.sh", $"#!/bin/sh\necho \"$HEM_TRIAL\"\nexec {Programs.Trainer}\n", executable: true);
        _work.Write(n: "[2]", seeds: 1, more: trainer);

        await _work.RunAsync("--parallelism", "1");

        string log = File.ReadAllText(Directory.GetFiles(_work.Store, "attempt-1.log", SearchOption.AllDirectories).Single());
        log.ShouldContain($"\"threads\":{(threads > 0 ? threads : Environment.ProcessorCount)},");
    }
}
