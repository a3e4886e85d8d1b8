using System.Runtime.InteropServices;
using System.Text.Json;

namespace Hem.Results;

/// <summary>
/// The one lock of a store: an operating system's lock on the file `lock`, which goes with its holder however that ends, so that a lock
/// is never stale. Who holds it stands beside it in `lock.holder`, for people and for the message to the second one.
/// </summary>
internal sealed class StoreLock : IDisposable
{
    private readonly FileStream _file;
    private readonly string _holderPath;

    private StoreLock(FileStream file, string holderPath)
    {
        _file = file;
        _holderPath = holderPath;
    }

    public static StoreLock Acquire(string directory, TimeProvider time)
    {
        var path = Path.Combine(directory, "lock");
        var holderPath = Path.Combine(directory, "lock.holder");
        FileStream file;
        try
        {
            // FileShare.None is flock(LOCK_EX | LOCK_NB) on Unix, and the handle is not inherited by child processes.
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StoreException(StoreFault.ReadOnly,
                $"{path}: cannot be written to. Check its permissions, or choose another store with --store.", e);
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or FileNotFoundException) && IsSharingViolation(e))
        {
            var holder = Read(holderPath);
            throw new StoreException(StoreFault.Locked, holder is null
                ? $"{directory}: the store is in use by another process. Wait for it, or choose another store with --store."
                : $"{directory}: the store is in use by process {holder.ProcessId} on {holder.Host} since "
                  + $"{holder.Since.ToLocalTime():yyyy-MM-dd HH:mm:ss} (`{holder.Command}`). "
                  + "Wait for it, stop it, or choose another store with --store.", e)
            { Holder = holder };
        }
        catch (IOException e)
        {
            throw FromIo(e, path);
        }

        var held = new StoreLock(file, holderPath);
        try
        {
            held.WriteHolder(time);
            return held;
        }
        catch (IOException e)
        {
            held.Dispose();
            throw FromIo(e, holderPath);
        }
    }

    public static StoreHolder? Read(string holderPath)
    {
        try
        {
            return JsonSerializer.Deserialize<StoreHolder>(File.ReadAllText(holderPath));
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    internal static StoreException FromIo(IOException e, string path) => (e.HResult & 0xffff) switch
    {
        28 => new(StoreFault.DiskFull, $"{path}: the disk is full. Free some space and try again.", e),
        30 => new(StoreFault.ReadOnly, $"{path}: is on a read-only file system. Choose another store with --store.", e),
        _ => new(StoreFault.Io, $"{path}: {e.Message}", e),
    };

    private static bool IsSharingViolation(IOException e) =>
        RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? (e.HResult & 0xffff) is 32 or 33 : (e.HResult & 0xffff) is 11 or 35;

    private void WriteHolder(TimeProvider time)
    {
        var holder = new StoreHolder(Environment.ProcessId, Environment.CommandLine, time.GetUtcNow(), Environment.MachineName);
        var temporary = _holderPath + ".new";
        File.WriteAllText(temporary, JsonSerializer.Serialize(holder));
        File.Move(temporary, _holderPath, overwrite: true);
    }

    public void Dispose()
    {
        try
        {
            File.Delete(_holderPath);
        }
        catch (IOException)
        {
            // The lock itself is what counts.
        }

        _file.Dispose();
    }
}
