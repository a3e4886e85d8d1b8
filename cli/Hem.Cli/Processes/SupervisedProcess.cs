using System.Runtime.InteropServices;
using System.Text;

namespace Hem.Cli.Processes;

/// <summary>
/// A process of a session of its own: Ctrl-C in our terminal does not reach it and it outlives us. Its output goes straight to a file,
/// so that nothing is lost when we are killed. Either our child, or one adopted from a predecessor of ours that was killed.
/// </summary>
internal sealed unsafe class SupervisedProcess
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly bool _child;
    private bool _reaped;

    private SupervisedProcess(ProcessIdentity identity, bool child)
    {
        Identity = identity;
        _child = child;
    }

    public ProcessIdentity Identity { get; }

    public bool IsAdopted => !_child;

    /// <summary>Starts a program.</summary>
    /// <param name="command">Path of the program (no search through PATH) and its arguments.</param>
    /// <param name="environment">Its whole environment.</param>
    /// <param name="logFile">Where standard output and error are appended.</param>
    /// <param name="ended">Called once, on a thread of its own, when it has ended.</param>
    /// <exception cref="SpawnException">There is no such program, or it may not be run.</exception>
    public static SupervisedProcess Start(
        IReadOnlyList<string> command, IReadOnlyDictionary<string, string> environment, string logFile, Action<ExitStatus> ended)
    {
        int pid = Spawn(command, environment, logFile);
        // Not reaped yet, so the pid is still its own even if it has ended already.
        var process = new SupervisedProcess(ProcessIdentity.Of(pid) ?? new(pid, 0), child: true);
        Watch($"wait {pid}", () => ended(process.WaitForChild()));
        return process;
    }

    /// <summary>Takes over a process that is not our child. False where it is gone or the pid belongs to another process by now.</summary>
    public static bool TryAdopt(ProcessIdentity identity, Action<ExitStatus> ended, out SupervisedProcess process)
    {
        process = new(identity, child: false);
        // The handle first and the check after it: a handle of a reused pid is then never kept.
        int handle = Libc.PidFdOpen(identity.Pid);
        if (!identity.IsAlive)
        {
            if (handle >= 0) _ = Libc.close(handle);
            return false;
        }

        SupervisedProcess adopted = process;
        Watch($"wait {identity.Pid}", () =>
        {
            adopted.WaitForStranger(handle);
            ended(ExitStatus.Unseen);
        });
        return true;
    }

    /// <summary>Asks the process, and what it started, to save and leave.</summary>
    public void Terminate() => Signal(Libc.SIGTERM);

    /// <summary>Ends the process, and what it started, at once.</summary>
    public void Kill() => Signal(Libc.SIGKILL);

    private void Signal(int signal)
    {
        lock (_gate)
        {
            // An unreaped child keeps its pid; anybody else is looked at again right before.
            if (_reaped || (!_child && !Identity.IsAlive)) return;
            if (Libc.kill(-Identity.Pid, signal) != 0) _ = Libc.kill(Identity.Pid, signal);
        }
    }

    private ExitStatus WaitForChild()
    {
        byte* info = stackalloc byte[128];
        while (Libc.waitid(Libc.P_PID, Identity.Pid, info, Libc.WEXITED | Libc.WNOWAIT) != 0
            && Marshal.GetLastPInvokeError() == Libc.EINTR)
        {
        }

        lock (_gate)
        {
            // What the trainer left running in its session must not go on beside the next attempt.
            _ = Libc.kill(-Identity.Pid, Libc.SIGKILL);
            int status = 0;
            int result;
            while ((result = Libc.waitpid(Identity.Pid, &status, 0)) < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR)
            {
            }

            _reaped = true;
            return result == Identity.Pid ? ExitStatus.FromWaitStatus(status) : ExitStatus.Unseen;
        }
    }

    private void WaitForStranger(int handle)
    {
        if (handle >= 0)
        {
            var fd = new Libc.PollFd { Fd = handle, Events = Libc.POLLIN };
            int result;
            while ((result = Libc.poll(&fd, 1, -1)) < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR)
            {
            }

            _ = Libc.close(handle);
            if (result > 0) return;
        }

        // A kernel without pidfd (before 5.3).
        while (Identity.IsAlive) Thread.Sleep(PollInterval);
    }

    private static void Watch(string name, Action body) =>
        new Thread(() => body(), maxStackSize: 256 * 1024) { IsBackground = true, Name = name }.Start();

    private static int Spawn(IReadOnlyList<string> command, IReadOnlyDictionary<string, string> environment, string logFile)
    {
        byte* attributes = stackalloc byte[Libc.SpawnAttributesBytes];
        byte* actions = stackalloc byte[Libc.FileActionsBytes];
        byte* signals = stackalloc byte[Libc.SignalSetBytes];
        _ = Libc.posix_spawnattr_init(attributes);
        _ = Libc.posix_spawn_file_actions_init(actions);
        using var arguments = new StringVector(command);
        using var variables = new StringVector([.. environment.Select(pair => $"{pair.Key}={pair.Value}")]);
        try
        {
            // .NET ignores SIGPIPE and blocks nothing; a trainer starts as a shell would start it.
            _ = Libc.sigfillset(signals);
            Check(Libc.posix_spawnattr_setsigdefault(attributes, signals));
            _ = Libc.sigemptyset(signals);
            Check(Libc.posix_spawnattr_setsigmask(attributes, signals));
            Check(Libc.posix_spawnattr_setflags(
                attributes, Libc.POSIX_SPAWN_SETSID | Libc.POSIX_SPAWN_SETSIGDEF | Libc.POSIX_SPAWN_SETSIGMASK));
            Check(Libc.posix_spawn_file_actions_addopen(actions, 0, "/dev/null", Libc.O_RDONLY, 0));
            Check(Libc.posix_spawn_file_actions_addopen(
                actions, 1, logFile, Libc.O_WRONLY | Libc.O_CREAT | Libc.O_APPEND, Convert.ToUInt32("644", 8)));
            Check(Libc.posix_spawn_file_actions_adddup2(actions, 1, 2));
            int pid;
            Check(Libc.posix_spawn(&pid, command[0], actions, attributes, arguments.Pointer, variables.Pointer));
            return pid;
        }
        finally
        {
            _ = Libc.posix_spawnattr_destroy(attributes);
            _ = Libc.posix_spawn_file_actions_destroy(actions);
        }

        void Check(int error)
        {
            if (error != 0) throw new SpawnException(command[0], error);
        }
    }

    /// <summary>A null-terminated array of C strings.</summary>
    private sealed class StringVector : IDisposable
    {
        private readonly int _count;

        public StringVector(IReadOnlyList<string> values)
        {
            _count = values.Count;
            Pointer = (byte**)NativeMemory.AllocZeroed((nuint)(_count + 1), (nuint)sizeof(byte*));
            for (int i = 0; i < _count; i++)
            {
                int length = Encoding.UTF8.GetByteCount(values[i]);
                Pointer[i] = (byte*)NativeMemory.AllocZeroed((nuint)length + 1);
                Encoding.UTF8.GetBytes(values[i], new Span<byte>(Pointer[i], length));
            }
        }

        public byte** Pointer { get; }

        public void Dispose()
        {
            for (int i = 0; i < _count; i++) NativeMemory.Free(Pointer[i]);
            NativeMemory.Free(Pointer);
        }
    }
}
