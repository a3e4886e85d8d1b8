using System.Runtime.InteropServices;

namespace Hem.Trainer.Checkpoints;

/// <summary>Folders whose entries are still there after a crash of the machine.</summary>
internal static partial class DurableFolder
{
    /// <summary>With the folders above it that do not exist, each of which is then written down in the one above it.</summary>
    public static void Create(string path)
    {
        if (Directory.Exists(path))
            return;
        string? parent = Path.GetDirectoryName(Path.GetFullPath(Path.TrimEndingDirectorySeparator(path)));
        if (parent is not null)
            Create(parent);
        Directory.CreateDirectory(path);
        if (parent is not null)
            Sync(parent);
    }

    /// <summary>Makes what was created or renamed in a folder last.</summary>
    public static void Sync(string path)
    {
        const int PermissionDenied = 13, InvalidArgument = 22;
        int file = Open(path, 0);
        bool done = file >= 0 && Flush(file) == 0;
        int error = done ? 0 : Marshal.GetLastPInvokeError();
        if (file >= 0)
            _ = Close(file);

        // A folder that may be written to but not read cannot be synced, nor can one of some network file systems.
        if (error is not (0 or PermissionDenied or InvalidArgument))
            throw new IOException($"{path} cannot be synced: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int file);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);
}
