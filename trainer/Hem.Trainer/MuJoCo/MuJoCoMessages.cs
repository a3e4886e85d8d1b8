using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Hem.Trainer.MuJoCo;

/// <summary>
/// What MuJoCo has to say. By itself it would write both kinds into MUJOCO_LOG.TXT where the program stands, and end the process after an
/// error. Here a warning is a line on standard error (the first few: a simulation that diverges warns in every episode and is
/// counted), and so is an error before the process ends with status 1: its code does not expect to be returned to, and no
/// exception may pass through it. So whatever could make an error is checked before MuJoCo is called.
/// </summary>
internal static unsafe class MuJoCoMessages
{
    private const int MostWarnings = 10;

    private static int warnings;

    /// <summary>Warnings of this process so far.</summary>
    public static int Warnings => Volatile.Read(ref warnings);

    /// <summary>Points the library's two handlers here.</summary>
    public static void Take(nint library)
    {
        *(nint*)NativeLibrary.GetExport(library, "mju_user_error") = (nint)(delegate* unmanaged[Cdecl]<byte*, void>)&OnError;
        *(nint*)NativeLibrary.GetExport(library, "mju_user_warning") = (nint)(delegate* unmanaged[Cdecl]<byte*, void>)&OnWarning;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnWarning(byte* message)
    {
        int number = Interlocked.Increment(ref warnings);
        if (number <= MostWarnings)
            Say($"MuJoCo warns: {Marshal.PtrToStringUTF8((nint)message)}{(number == MostWarnings ? " (the last that is shown)" : "")}");
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnError(byte* message)
    {
        Say($"{Environment.StackTrace}\nMuJoCo cannot go on: {Marshal.PtrToStringUTF8((nint)message)}");
        QuickExit(1);
    }

    private static void Say(string line)
    {
        try
        {
            Console.Error.WriteLine(line);
            Console.Error.Flush();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Nobody listens.
        }
    }

    /// <summary>Ends the process at once: its other threads may be inside MuJoCo too.</summary>
    [DllImport("libc", EntryPoint = "_exit")]
    private static extern void QuickExit(int status);
}
