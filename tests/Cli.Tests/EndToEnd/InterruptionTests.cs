using Cli.Tests.Support;
using Hem.Cli.Processes;
using Hem.Results;

namespace Cli.Tests.EndToEnd;

public sealed class InterruptionTests : IDisposable
{
    private readonly SweepWorkspace _work = new();

    public void Dispose() => _work.Dispose();

    [Fact]
    public async Task Ctrl_C_saves_and_leaves_and_the_same_command_goes_on_to_the_same_curves()
    {
        _work.WriteLong();
        HemProcess hem = _work.Start();
        await _work.TrainingAsync();
        hem.Interrupt();

        (await hem.EndAsync()).ShouldBe(130, hem.Output + hem.Error);
        hem.Output.ShouldContain($"To go on: hem run {_work.File} --store {_work.Store}\n");
        _work.Trainers.ShouldBeEmpty();
        _work.Attempts.ShouldAllBe(attempt => attempt.Outcome == AttemptOutcome.Left || attempt.Outcome == AttemptOutcome.Completed);
        _work.Trials.ShouldContain(trial => trial.Finished == null);

        (await _work.RunAsync()).ExitCode.ShouldBe(0);
        _work.Trials.ShouldAllBe(trial => trial.Failures == 0 && trial.Disruptions == 0);
        _work.Curves.ShouldBe(await SweepWorkspace.UndisturbedAsync());
    }

    [Fact]
    public async Task Ctrl_C_twice_leaves_at_once()
    {
        // A trainer that never leaves by itself.
        _work.Folder.Write("stubborn.sh", "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1000; done\n", executable: true);
        _work.Write(more: "  trainer: {command: [./stubborn.sh]}");
        HemProcess hem = _work.Start();
        await Patience.UntilAsync(() => hem.Output.Contains("started"), "a trainer to start");

        hem.Interrupt();
        await Patience.UntilAsync(() => hem.Output.Contains("Ctrl-C again leaves at once"), "hem to stop");
        hem.Interrupt();

        (await hem.EndAsync()).ShouldBe(130, hem.Output + hem.Error);
        hem.Error.ShouldContain("left at once");
    }

    [Fact]
    public async Task Leaving_at_once_while_nothing_was_asked_to_stop_yet_still_asks_the_trainers_to_save()
    {
        // Says when it is asked, and how often.
        _work.Folder.Write(
            "trainer.sh", "#!/bin/sh\ntrap 'echo asked' TERM\necho ready\nwhile :; do sleep 0.02; done\n", executable: true);
        _work.Write(more: "  trainer: {command: [./trainer.sh]}");
        HemProcess hem = _work.Start();
        await Patience.UntilAsync(() => Logs().Count(log => log.Contains("ready")) == 2, "two trainers to be ready");
        hem.Interrupt();
        await Patience.UntilAsync(() => Logs().Count(log => log.Contains("asked")) == 2, "the trainers to be asked");

        hem.Interrupt();

        (await hem.EndAsync()).ShouldBe(130, hem.Output + hem.Error);
        await Patience.UntilAsync(() => Logs().Count(log => log.Split("asked").Length == 3) == 2, "the trainers to be asked again");

        IEnumerable<string> Logs() => Directory.Exists(_work.Store)
            ? Directory.EnumerateFiles(_work.Store, "attempt-1.log", SearchOption.AllDirectories).Select(File.ReadAllText)
            : [];
    }

    [Fact]
    public async Task A_hangup_saves_and_leaves_and_a_second_one_hurries_nobody()
    {
        // The shell in front of a trainer stays until it may go: hem still waits for it when the second hangup comes.
        string go = _work.Folder["go"];
        _work.Folder.Write(
            "trainer.sh",
            $"#!/bin/sh\ntrap : TERM\n{Programs.Trainer} &\nwhile [ ! -e {go} ]; do sleep 0.02; done\nwait $!\n", executable: true);
        _work.WriteLong("  trainer: {command: [./trainer.sh]}");
        HemProcess hem = _work.Start();
        await _work.TrainingAsync();

        hem.HangUp();
        await Patience.UntilAsync(() => hem.Output.Contains("save and leave"), "hem to stop");
        hem.HangUp();
        await Patience.UntilAsync(() => !hem.HangupIsPending, "hem to take the second hangup");
        hem.HasExited.ShouldBeFalse(hem.Output + hem.Error);
        _work.Folder.Write("go", "");

        (await hem.EndAsync()).ShouldBe(130, hem.Output + hem.Error);
        hem.Output.ShouldContain("Saved and stopped");
        _work.Trainers.ShouldBeEmpty();
        _work.Attempts.ShouldAllBe(attempt => attempt.Outcome == AttemptOutcome.Left || attempt.Outcome == AttemptOutcome.Completed);
    }

    [Fact]
    public async Task Kill_9_of_hem_leaves_trainers_that_the_next_run_adopts_and_never_doubles()
    {
        _work.WriteLong();
        HemProcess hem = _work.Start();
        await _work.TrainingAsync();
        hem.Kill();
        await hem.EndAsync();
        IReadOnlyList<ProcessIdentity> orphans = _work.Trainers;
        orphans.ShouldNotBeEmpty();

        HemProcess next = _work.Start("--json");
        (await next.EndAsync()).ShouldBe(0, next.Output + next.Error);

        int[] adopted =
            [.. next.Events.Where(e => (string?)e["event"] == "started" && (bool?)e["adopted"] == true).Select(e => (int)e["pid"]!)];
        adopted.ShouldNotBeEmpty();
        adopted.ShouldBeSubsetOf(orphans.Select(orphan => orphan.Pid));
        _work.Trials.ShouldAllBe(trial => trial.Finished != null && trial.LastAttempt == 1);
        _work.Curves.ShouldBe(await SweepWorkspace.UndisturbedAsync());
    }

    [Fact]
    public async Task Kill_9_of_hem_and_of_its_trainers_goes_on_from_the_checkpoints_to_the_same_curves()
    {
        _work.WriteLong();
        HemProcess hem = _work.Start();
        await _work.TrainingAsync();
        hem.Kill();
        await hem.EndAsync();
        foreach (ProcessIdentity orphan in _work.Trainers)
        {
            if (SupervisedProcess.TryAdopt(orphan, _ => { }, out SupervisedProcess process)) process.Kill();
        }

        await Patience.UntilAsync(() => _work.Trainers.Count == 0, "the trainers to end");

        (await _work.RunAsync()).ExitCode.ShouldBe(0);
        _work.Attempts.ShouldContain(attempt => attempt.Outcome == AttemptOutcome.Disrupted && attempt.Reason == "its end was not seen");
        _work.Trials.ShouldAllBe(trial => trial.Finished != null && trial.Failures == 0);
        _work.Curves.ShouldBe(await SweepWorkspace.UndisturbedAsync());
    }

    [Fact]
    public async Task Orphans_of_another_sweep_of_the_store_are_asked_to_save_and_leave()
    {
        _work.WriteLong();
        HemProcess hem = _work.Start();
        await _work.TrainingAsync();
        hem.Kill();
        await hem.EndAsync();
        IReadOnlyList<ProcessIdentity> orphans = _work.Trainers;

        string other = _work.Folder.Write(
            "other.yaml", File.ReadAllText(_work.File).Replace("name: small", "name: other").Replace("iterations: 400", "iterations: 3"));
        HemProcess next = await _work.HemAsync("run", other, "--store", _work.Store);

        next.ExitCode.ShouldBe(0, next.Output + next.Error);
        orphans.ShouldAllBe(orphan => !orphan.IsAlive);
        _work.Attempts.Where(attempt => attempt.Outcome != AttemptOutcome.Completed).ShouldAllBe(
            attempt => attempt.Outcome == AttemptOutcome.Left);
    }

    [Fact]
    public async Task Orphans_that_an_edit_no_longer_wants_are_ended()
    {
        _work.WriteLong();
        HemProcess hem = _work.Start();
        await _work.TrainingAsync();
        hem.Kill();
        await hem.EndAsync();
        IReadOnlyList<ProcessIdentity> orphans = _work.Trainers;

        _work.Write();
        HemProcess next = await _work.RunAsync();

        next.ExitCode.ShouldBe(0, next.Output + next.Error);
        orphans.ShouldAllBe(orphan => !orphan.IsAlive);
        _work.Trials.Count(trial => !trial.Superseded && trial.Finished is not null).ShouldBe(4);
    }
}
