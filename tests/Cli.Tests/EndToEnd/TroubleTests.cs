using System.Diagnostics;
using Cli.Tests.Support;
using Hem.Cli.Processes;
using Hem.Results;

namespace Cli.Tests.EndToEnd;

/// <summary>What a machine does to a run: programs that vanish, wrappers that are killed, stores that are moved, full disks.</summary>
public sealed class TroubleTests : IDisposable
{
    private readonly SweepWorkspace _work = new();

    public void Dispose() => _work.Dispose();

    [Theory]
    [InlineData("#!/bin/sh\n", false)]
    [InlineData("#!/no/such/interpreter\n", true)]
    public async Task A_start_that_fails_wedges_nothing(string broken, bool executable)
    {
        // The first trial waits for the file "go", so that something runs while the others cannot be started.
        string script = $"#!/bin/sh\nwhile [ ! -e {_work.Folder["go"]} ]; do sleep 0.05; done\nexec {Programs.Trainer}\n";
        _work.Folder.Write("trainer.sh", script, executable: true);
        _work.Write(seeds: 3, more: "  trainer: {command: [./trainer.sh]}");
        HemProcess hem = _work.Start();
        await Patience.UntilAsync(() => hem.Output.Split("started").Length > 2, "two trainers to start");

        Replace(broken, executable);
        Process.Start("/bin/sh", ["-c", "kill -9 -" + _work.Trainers[0].Pid]).WaitForExit();
        await Patience.UntilAsync(() => hem.Output.Contains("cannot start"), "a start to fail");
        Replace(script, true);
        _work.Folder.Write("go", "");

        (await hem.EndAsync()).ShouldBe(0, hem.Output + hem.Error);
        hem.Output.ShouldNotContain("in the store already");
        _work.Trials.ShouldAllBe(trial => trial.Finished != null);
        _work.Attempts.ShouldContain(attempt =>
            attempt.Outcome == AttemptOutcome.Left && attempt.Reason!.StartsWith("never launched: cannot start"));
    }

    [Fact]
    public async Task A_trainer_whose_wrapper_was_killed_never_runs_beside_its_successor()
    {
        _work.Folder.Write("wrap.sh", $"#!/bin/sh\n{Programs.Trainer}\nexit $?\n", executable: true);
        _work.WriteLong("  trainer: {command: [./wrap.sh]}");
        HemProcess hem = _work.Start();
        await _work.TrainingAsync();
        hem.Kill();
        await hem.EndAsync();
        AttemptRecord[] attempts = [.. _work.Attempts.Where(attempt => attempt.Ended is null)];
        ProcessIdentity[] children = [.. _work.Trainers.Select(wrapper => ProcessIdentity.Of(
            int.Parse(File.ReadAllText($"/proc/{wrapper.Pid}/task/{wrapper.Pid}/children").Split(' ')[0]))!)];
        children.ShouldNotBeEmpty();
        foreach (ProcessIdentity wrapper in _work.Trainers)
            Process.Start("/bin/kill", ["-9", $"{wrapper.Pid}"]).WaitForExit();
        children.ShouldContain(child => child.IsAlive);

        HemProcess next = _work.Start();
        await Patience.UntilAsync(() => next.Output.Contains("started"), "the next attempt");

        children.ShouldAllBe(child => !child.IsAlive);
        (await next.EndAsync()).ShouldBe(0, next.Output + next.Error);
        _work.Attempts.Where(attempt => attempts.Any(old => old.Id == attempt.Id)).ShouldAllBe(
            attempt => attempt.Outcome == AttemptOutcome.Disrupted || attempt.Outcome == AttemptOutcome.Completed);
    }

    [Fact]
    public async Task A_trainer_of_a_store_that_was_moved_is_stopped_and_its_trial_goes_on_in_the_new_place()
    {
        _work.WriteLong();
        HemProcess hem = _work.Start();
        await _work.TrainingAsync();
        hem.Kill();
        await hem.EndAsync();
        IReadOnlyList<ProcessIdentity> orphans = _work.Trainers;
        orphans.ShouldNotBeEmpty();
        string moved = _work.Folder["moved"];
        Directory.Move(_work.Store, moved);

        HemProcess next = await _work.HemAsync("run", _work.File, "--store", moved);

        next.ExitCode.ShouldBe(0, next.Output + next.Error);
        next.Output.ShouldContain("it reports to unix:");
        orphans.ShouldAllBe(orphan => !orphan.IsAlive);
        using ResultStore store = ResultStore.OpenReadOnly(moved);
        string uid = store.FindSweep(SweepWorkspace.Name)!.Uid;
        store.ReadTrials(uid).ShouldAllBe(trial => trial.Finished != null);
        store.ReadAttempts(uid).ShouldContain(
            attempt => attempt.Outcome == AttemptOutcome.Disrupted && attempt.Reason!.Contains("it reports to"));
    }

    [Fact]
    public async Task A_full_disk_pauses_the_sweep_and_it_goes_on_when_there_is_space()
    {
        if (Environment.UserName != "root") Assert.Skip("only root may mount a small file system");
        string disk = Directory.CreateDirectory(_work.Store).FullName;
        using Process mount = Process.Start("mount", ["-t", "tmpfs", "-o", "size=48m,mode=0700", "tmpfs", disk]);
        await mount.WaitForExitAsync();
        if (mount.ExitCode != 0) Assert.Skip("this machine lets nobody mount a file system");
        try
        {
            // A trainer that fails when there is no space, so that nothing runs while hem waits for some.
            (string full, string go) = (_work.Folder["full"], _work.Folder["go"]);
            _work.Folder.Write(
                "trainer.sh",
                $"#!/bin/sh\nwhile [ ! -e {go} ]; do [ -e {full} ] && exit 3; sleep 0.05; done\nexec {Programs.Trainer}\n",
                executable: true);
            _work.Write(seeds: 1, more: "  trainer: {command: [./trainer.sh]}");
            HemProcess hem = _work.Start("--parallelism", "1");
            await Patience.UntilAsync(() => hem.HasExited || hem.Output.Contains("started"), "a trainer to start");
            hem.HasExited.ShouldBeFalse(hem.Output + hem.Error);
            string ballast = Path.Combine(disk, "ballast");
            Fill(ballast);
            _work.Folder.Write("full", "");
            await Patience.UntilAsync(
                () => hem.Output.Contains("Trying again every 5 s."), "hem to say that the disk is full", Patience.Long);
            hem.HasExited.ShouldBeFalse();
            _work.Folder.Write("go", "");
            File.Delete(ballast);

            (await hem.EndAsync()).ShouldBe(0, hem.Output + hem.Error);
            _work.Trials.ShouldAllBe(trial => trial.Finished != null);
        }
        finally
        {
            using Process unmount = Process.Start("umount", ["-l", disk]);
            await unmount.WaitForExitAsync();
        }

        static void Fill(string path)
        {
            using var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Delete, bufferSize: 0);
            try
            {
                while (true) stream.Write(new byte[4096]);
            }
            catch (IOException)
            {
                // Full.
            }
        }
    }

    [Fact]
    public async Task A_standard_output_that_takes_nothing_costs_no_trial()
    {
        _work.Write();
        string command = $"{Programs.Hem} run {_work.File} --store {_work.Store} > /dev/full";
        var start = new ProcessStartInfo("/bin/sh", ["-c", command]) { RedirectStandardError = true };
        using Process shell = Process.Start(start)!;
        string error = await shell.StandardError.ReadToEndAsync().Within("hem", Patience.Long);
        await shell.WaitForExitAsync();

        shell.ExitCode.ShouldBe(74, error);
        error.ShouldStartWith("hem: standard output: ");
        _work.Trials.ShouldAllBe(trial => trial.Finished != null);
    }

    // In place of the old file, never into it: a shell reads its script while it runs.
    private void Replace(string text, bool executable)
    {
        _work.Folder.Write("new.sh", text, executable);
        File.Move(_work.Folder["new.sh"], _work.Folder["trainer.sh"], overwrite: true);
    }
}
