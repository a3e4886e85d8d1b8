using System.Diagnostics;
using Cli.Tests.Support;
using Hem.Cli.Processes;

namespace Cli.Tests.Processes;

public sealed class SupervisedProcessTests : IDisposable
{
    private static readonly Dictionary<string, string> NoVariables = [];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_process_gets_its_environment_and_writes_to_its_log_and_its_exit_code_is_seen()
    {
        (_, Task<ExitStatus> end) = Start("echo out $WHO; echo err >&2; exit 7", new() { ["WHO"] = "me" });

        (await end.Within("the end")).ShouldBe(new ExitStatus(7, null));
        File.ReadAllText(_folder["log"]).ShouldBe("out me\nerr\n");
    }

    [Fact]
    public async Task A_log_is_appended_to()
    {
        await Start("echo one").End.Within("the end");
        await Start("echo two").End.Within("the end");

        File.ReadAllText(_folder["log"]).ShouldBe("one\ntwo\n");
    }

    [Fact]
    public async Task A_process_leads_a_session_of_its_own_with_the_usual_signals()
    {
        // A shell that waits blocks signals, for a moment: its successor tells.
        (SupervisedProcess process, Task<ExitStatus> end) =
            Start("cat /proc/$$/stat; exec grep -E 'Sig(Blk|Ign)' /proc/self/status");

        await end.Within("the end");
        string[] lines = File.ReadAllLines(_folder["log"]);
        string[] fields = lines[0][(lines[0].LastIndexOf(')') + 2)..].Split(' ');
        fields[2].ShouldBe($"{process.Identity.Pid}");  // process group
        fields[3].ShouldBe($"{process.Identity.Pid}");  // session
        lines[1].ShouldBe("SigBlk:\t0000000000000000");
        // glibc's posix_spawn leaves its own two internal signals, 32 and 33, ignored.
        (Convert.ToUInt64(lines[2]["SigIgn:\t".Length..], 16) & 0x7fff_ffff).ShouldBe(0UL);
    }

    [Fact]
    public async Task Terminate_reaches_the_children_of_a_shell_too()
    {
        (SupervisedProcess process, Task<ExitStatus> end) = Start("sleep 1000 & echo ready; wait");
        await Ready();

        process.Terminate();

        (await end.Within("the end")).ShouldBe(new ExitStatus(null, 15));
    }

    [Fact]
    public async Task What_a_process_left_running_in_its_session_is_ended_with_it()
    {
        (_, Task<ExitStatus> end) = Start("sleep 1000 & echo $!; exit 0");
        await end.Within("the end");

        int stray = int.Parse(File.ReadAllText(_folder["log"]));
        await Patience.UntilAsync(() => ProcessIdentity.Of(stray)?.IsAlive != true, "the stray process to end");
    }

    [Fact]
    public async Task Kill_ends_what_ignores_SIGTERM()
    {
        (SupervisedProcess process, Task<ExitStatus> end) = Start("trap '' TERM; echo ready; while :; do sleep 1000; done");
        await Ready();
        process.Terminate();
        end.IsCompleted.ShouldBeFalse();

        process.Kill();

        (await end.Within("the end")).ShouldBe(new ExitStatus(null, 9));
    }

    [Fact]
    public void A_missing_program_is_said_plainly()
    {
        SpawnException e = Should.Throw<SpawnException>(
            () => SupervisedProcess.Start(["/no/such/program"], NoVariables, _folder["log"], _ => { }));

        e.Message.ShouldBe("cannot start /no/such/program: No such file or directory");
    }

    [Fact]
    public async Task A_process_that_is_not_our_child_is_adopted_signalled_and_its_end_seen()
    {
        // The shell starts a process in a session of its own and leaves: its parent is then no longer ours.
        string pidFile = _folder["pid"];
        using Process shell = Process.Start("/bin/sh", ["-c", $"setsid sh -c 'echo $$ > {pidFile}; exec sleep 1000' & exit 0"]);
        await shell.WaitForExitAsync().Within("the shell");
        await Patience.UntilAsync(() => File.Exists(pidFile) && File.ReadAllText(pidFile).EndsWith('\n'), "the orphan's pid");
        ProcessIdentity orphan = ProcessIdentity.Of(int.Parse(File.ReadAllText(pidFile))).ShouldNotBeNull();
        var end = new TaskCompletionSource<ExitStatus>();

        SupervisedProcess.TryAdopt(orphan, end.SetResult, out SupervisedProcess process).ShouldBeTrue();
        process.Terminate();

        (await end.Task.Within("the end")).ShouldBe(ExitStatus.Unseen);
        orphan.IsAlive.ShouldBeFalse();
    }

    [Fact]
    public async Task A_pid_that_another_process_has_by_now_is_neither_adopted_nor_signalled()
    {
        (SupervisedProcess other, Task<ExitStatus> end) = Start("echo ready; exec sleep 1000");
        await Ready();
        ProcessIdentity predecessor = other.Identity with { StartTime = other.Identity.StartTime - 1 };

        SupervisedProcess.TryAdopt(predecessor, _ => { }, out SupervisedProcess wrong).ShouldBeFalse();
        wrong.Kill();

        end.IsCompleted.ShouldBeFalse();
        other.Identity.IsAlive.ShouldBeTrue();
        other.Kill();
        await end.Within("the end");
    }

    [Fact]
    public async Task A_process_is_found_by_what_its_environment_says()
    {
        string id = Guid.NewGuid().ToString();
        (SupervisedProcess process, Task<ExitStatus> end) = Start("sleep 1000 & echo ready; wait", new() { ["HEM_ATTEMPT"] = id });
        await Ready();

        IReadOnlyDictionary<string, ProcessIdentity> found = ProcessIdentity.FindByEnvironment("HEM_ATTEMPT");

        found[id].ShouldBe(process.Identity);
        process.Kill();
        await end.Within("the end");
        ProcessIdentity.FindByEnvironment("HEM_ATTEMPT").Keys.ShouldNotContain(id);
    }

    private (SupervisedProcess Process, Task<ExitStatus> End) Start(string script, Dictionary<string, string>? environment = null)
    {
        var end = new TaskCompletionSource<ExitStatus>(TaskCreationOptions.RunContinuationsAsynchronously);
        Dictionary<string, string> variables = environment ?? [];
        variables["PATH"] = "/usr/bin:/bin";
        return (SupervisedProcess.Start(["/bin/sh", "-c", script], variables, _folder["log"], end.SetResult), end.Task);
    }

    private Task Ready() =>
        Patience.UntilAsync(
            () => File.Exists(_folder["log"]) && File.ReadAllText(_folder["log"]).Contains("ready"), "the script to be ready");
}
