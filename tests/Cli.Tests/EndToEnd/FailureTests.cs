using System.Text.Json.Nodes;
using Cli.Tests.Support;
using Hem.Results;

namespace Cli.Tests.EndToEnd;

public sealed class FailureTests : IDisposable
{
    private readonly SweepWorkspace _work = new();

    public void Dispose() => _work.Dispose();

    [Fact]
    public async Task A_crash_is_shown_with_its_reason_and_log_retried_and_stops_nobody_else()
    {
        UseScript("""
            case "$HEM_TRIAL" in
            *'"seed":2'*) echo "out of luck" >&2; exit 3;;
            *) exec "$TRAINER";;
            esac
            """, failures: 1);

        HemProcess hem = await _work.RunAsync();

        hem.ExitCode.ShouldBe(1, hem.Output + hem.Error);
        _work.Trials.Where(trial => trial.Seed == 1).ShouldAllBe(trial => trial.Finished != null);
        TrialRecord[] failed = [.. _work.Trials.Where(trial => trial.Seed == 2)];
        failed.ShouldAllBe(trial => trial.Finished == null && trial.LastAttempt == 2 && trial.Failures == 2);
        hem.Output.ShouldContain("N=2 seed 2: exit code 3: out of luck; retry 1 of 1");
        hem.Output.ShouldContain("N=2 seed 2 (attempt 2): exit code 3: out of luck; failed 2 times, no more retries");
        string log = $"results/trials/{failed[0].Name}/attempt-2.log";
        hem.Output.ShouldContain($"log: {log}");
        File.ReadAllText(_work.Folder[log]).ShouldBe("out of luck\n");
    }

    [Fact]
    public async Task A_trial_that_recovers_is_complete()
    {
        UseScript("""
            if [ ! -e "$HEM_CHECKPOINT_DIR/../tried" ]; then touch "$HEM_CHECKPOINT_DIR/../tried"; kill -SEGV $$; fi
            exec "$TRAINER"
            """, failures: 1);

        HemProcess hem = await _work.RunAsync();

        hem.ExitCode.ShouldBe(0, hem.Output + hem.Error);
        _work.Trials.ShouldAllBe(trial => trial.Finished != null && trial.LastAttempt == 2 && trial.Failures == 1);
        _work.Attempts.Where(attempt => attempt.Number == 1).ShouldAllBe(
            attempt => attempt.Reason == "killed by SIGSEGV" && attempt.ExitCode == 139);
    }

    [Fact]
    public async Task Exit_code_64_is_never_retried()
    {
        UseScript("echo 'no such task' >&2; exit 64", failures: 3);

        HemProcess hem = await _work.RunAsync("--json");

        hem.ExitCode.ShouldBe(1, hem.Output + hem.Error);
        _work.Trials.ShouldAllBe(trial => trial.FailedPermanently && trial.LastAttempt == 1);
        foreach (JsonObject e in hem.Events.Where(e => (string?)e["event"] == "failed"))
        {
            ((bool?)e["final"]).ShouldBe(true);
            ((string?)e["next"]).ShouldBe("no retry would help");
            ((string?)e["reason"]).ShouldBe("exit code 64: no such task");
        }
    }

    [Fact]
    public async Task Failed_trials_stay_failed_when_the_sweep_is_run_again()
    {
        UseScript("exit 64", failures: 3);
        await _work.RunAsync();

        HemProcess again = await _work.RunAsync();

        again.ExitCode.ShouldBe(1, again.Output + again.Error);
        _work.Attempts.Count.ShouldBe(4);
        again.Output.ShouldContain("4 failed for good");
        again.Output.ShouldContain($"To try them again: hem run {_work.File} --store {_work.Store} --retry-failed\n");
    }

    [Fact]
    public async Task Failed_trials_are_tried_again_when_that_is_asked_for()
    {
        UseScript("[ $N ] || exit 64", failures: 0);
        await _work.RunAsync();
        UseScript("exec \"$TRAINER\"", failures: 0);

        HemProcess again = await _work.RunAsync("--retry-failed");

        again.ExitCode.ShouldBe(0, again.Output + again.Error);
        _work.Trials.ShouldAllBe(trial => trial.Finished != null && trial.LastAttempt == 2 && trial.Failures == 0);
        _work.Attempts.Where(attempt => attempt.Number == 1).ShouldAllBe(
            attempt => attempt.Outcome == AttemptOutcome.Left && attempt.Reason == "forgiven: exit code 64");
    }

    [Fact]
    public async Task Exit_code_0_without_Finished_is_a_failure()
    {
        UseScript("exit 0", failures: 0);

        HemProcess hem = await _work.RunAsync();

        hem.ExitCode.ShouldBe(1);
        hem.Output.ShouldContain("exit code 0, but it never reported Finished");
    }

    [Fact]
    public async Task A_trainer_that_is_killed_is_retried_from_its_checkpoint_to_the_same_curve()
    {
        _work.WriteLong();
        HemProcess hem = _work.Start();
        await _work.TrainingAsync();
        _work.Trainers.ShouldNotBeEmpty();
        foreach (Hem.Cli.Processes.ProcessIdentity trainer in _work.Trainers)
        {
            if (Hem.Cli.Processes.SupervisedProcess.TryAdopt(trainer, _ => { }, out var process)) process.Kill();
        }

        (await hem.EndAsync()).ShouldBe(0, hem.Output + hem.Error);
        _work.Attempts.ShouldContain(attempt => attempt.Outcome == AttemptOutcome.Failed && attempt.ExitCode == 137);
        _work.Curves.ShouldBe(await SweepWorkspace.UndisturbedAsync());
    }

    [Fact]
    public async Task A_missing_trainer_program_is_said_plainly()
    {
        _work.Write(more: "  trainer: {command: [./no-such-trainer, --fast]}");

        HemProcess hem = await _work.RunAsync();

        hem.ExitCode.ShouldBe(69, hem.Output + hem.Error);
        hem.Error.ShouldBe(
            $"hem: spec.trainer.command: there is no program './no-such-trainer' in {_work.Folder.Path}, or it is not executable.\n");
        _work.Attempts.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_store_that_cannot_be_written_is_said_plainly()
    {
        _work.Write();

        HemProcess hem = await _work.HemAsync("run", _work.File, "--store", "/proc/hem");

        hem.ExitCode.ShouldBe(74, hem.Output + hem.Error);
        hem.Error.ShouldStartWith("hem: /proc/hem");
        hem.Error.ShouldNotContain("   at ");
    }

    private void UseScript(string body, int failures)
    {
        _work.Folder.Write("trainer.sh", $"#!/bin/sh\nTRAINER='{Programs.Trainer}'\n{body}\n", executable: true);
        _work.Write(more: $"  retries: {{failures: {failures}}}\n  trainer: {{command: [./trainer.sh]}}");
    }
}
