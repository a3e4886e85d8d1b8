using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hem.Results.Sqlite;

/// <summary>
/// The one lock of a store: an operating system's lock on the file `lock`, which goes with its holder however that ends, so that a lock
/// is never stale. Who holds it stands beside it in `lock.holder`, for people and for the message to the second one.
/// </summary>
internal sealed class StoreLock : IDisposable
{
    private const int Tries = 10;
    private static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(20);

    private readonly FileStream _file;
    private readonly string _holderPath;

    private StoreLock(FileStream file, string holderPath)
    {
        _file = file;
        _holderPath = holderPath;
    }

    public static StoreLock Acquire(string directory, TimeProvider time)
    {
        var (path, holderPath) = (LockIn(directory), HolderIn(directory));
        var held = new StoreLock(Open(directory, path), holderPath);
        try
        {
            held.WriteHolder(time);
            return held;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            held.Dispose();
            throw StoreException.FromIo(e, holderPath);
        }
    }

    // FileShare.None is flock(LOCK_EX | LOCK_NB) on Unix, and the handle is not inherited by child processes. Whoever only asks whether
    // the lock is held has it for a moment (see FindHolder), so one refusal is no answer yet.
    private static FileStream Open(string directory, string path)
    {
        for (var tries = Tries; ; tries--)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (IsSharingViolation(e))
            {
                if (tries <= 1) throw Locked(directory, e);
                Thread.Sleep(BetweenTries);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw StoreException.FromIo(e, path);
            }
        }
    }

    private static StoreException Locked(string directory, IOException e)
    {
        var holder = Read(HolderIn(directory));
        return new StoreException(StoreFault.Locked, holder is null
            ? $"{directory}: the store is in use by another process. Wait for it, or choose another store with --store."
            : $"{directory}: the store is in use by process {holder.ProcessId} on {holder.Host} since "
              + $"{holder.Since.ToLocalTime():yyyy-MM-dd HH:mm:ss} (`{holder.Command}`). "
              + "Wait for it, stop it, or choose another store with --store.", e)
        { Holder = holder };
    }

    /// <summary>Who holds the lock now, or null: it is tried for, shared, so that askers do not see each other.</summary>
    public static StoreHolder? FindHolder(string directory)
    {
        try
        {
            using var file = new FileStream(LockIn(directory), FileMode.Open, FileAccess.Read, FileShare.Read);
            return null;
        }
        catch (IOException e) when (IsSharingViolation(e))
        {
            return Read(HolderIn(directory)) ?? new StoreHolder(0, "unknown", DateTimeOffset.UnixEpoch, Environment.MachineName);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string LockIn(string directory) => Path.Combine(directory, "lock");

    private static string HolderIn(string directory) => Path.Combine(directory, "lock.holder");

    private static StoreHolder? Read(string holderPath)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(holderPath), StoreHolderJson.Default.StoreHolder);
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool IsSharingViolation(IOException e) =>
        RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? (e.HResult & 0xffff) is 32 or 33 : (e.HResult & 0xffff) is 11 or 35;

    private void WriteHolder(TimeProvider time)
    {
        var holder = new StoreHolder(Environment.ProcessId, Command(), time.GetUtcNow(), Environment.MachineName);
        var temporary = _holderPath + ".new";
        File.WriteAllText(temporary, JsonSerializer.Serialize(holder, StoreHolderJson.Default.StoreHolder));
        File.Move(temporary, _holderPath, overwrite: true);
    }

    /// <summary>As it was typed: the program without its place, and its arguments.</summary>
    private static string Command()
    {
        var words = Environment.GetCommandLineArgs();
        if (words.Length > 0) words[0] = Path.GetFileNameWithoutExtension(words[0]);
        return string.Join(' ', words.Select(word => word.Length == 0 || word.Any(char.IsWhiteSpace) ? $"'{word}'" : word));
    }

    public void Dispose()
    {
        try
        {
            File.Delete(_holderPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The lock itself is what counts.
        }

        _file.Dispose();
    }
}

/// <summary>How a <see cref="StoreHolder"/> is written, in a way that trimmed programs keep.</summary>
[JsonSerializable(typeof(StoreHolder))]
internal sealed partial class StoreHolderJson : JsonSerializerContext;
