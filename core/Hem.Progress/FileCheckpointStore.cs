using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Hem.Progress;

/// <summary>
/// Checkpoints as files, <c>ROOT/SWEEP-UID/TRIAL/COUNT-ITERATION-SHA256.checkpoint</c>. The last two of a trial are kept; each
/// appears whole (written beside, synced, renamed) or not at all. Files that are not named as it names its own,
/// it neither counts nor touches, wherever under the root they are.
/// Thread-safe; one process at a time.
/// </summary>
public sealed class FileCheckpointStore : ICheckpointStore
{
    private const int Kept = 2;
    private const string Suffix = ".checkpoint";
    private const string PartSuffix = ".checkpoint-part";

    // Where our files are: two folders below the root, behind no link.
    private static readonly EnumerationOptions Plain = new()
    {
        AttributesToSkip = FileAttributes.ReparsePoint,
        MatchType = MatchType.Simple,
        IgnoreInaccessible = true,
    };

    private readonly string _root;
    private readonly long _limitPerTrial;
    private readonly long _limitInAll;
    private readonly Lock _lock = new();
    private readonly Dictionary<(string SweepUid, string Trial), CheckpointRefusal> _refusals = [];
    private long _used;

    /// <param name="limitPerTrial">Most bytes of one checkpoint, and of those kept of one trial together.</param>
    /// <param name="limitInAll">Most bytes of all checkpoints together.</param>
    public FileCheckpointStore(string root, long limitPerTrial = 64L << 20, long limitInAll = 16L << 30)
    {
        (_root, _limitPerTrial, _limitInAll) = (root, limitPerTrial, limitInAll);
        Directory.CreateDirectory(root);
        foreach (var sweep in Directory.EnumerateDirectories(root, "*", Plain))
        {
            foreach (var folder in Directory.EnumerateDirectories(sweep, "*", Plain))
            {
                foreach (var entry in Entries(folder)) _used += new FileInfo(entry.Path).Length;
                // The rest of an upload that was cut short.
                foreach (var part in Directory.EnumerateFiles(folder, "*" + PartSuffix, Plain))
                    if (Guid.TryParseExact(Path.GetFileName(part)[..^PartSuffix.Length], "N", out _)) File.Delete(part);
            }
        }
    }

    /// <summary>Bytes that all checkpoints take now, those on their way in among them.</summary>
    public long Used
    {
        get
        {
            lock (_lock) return _used;
        }
    }

    /// <summary>
    /// The trials whose newest checkpoint found no room (since this store was opened; forgotten once one of the trial is taken, or the
    /// trial's are deleted).
    /// </summary>
    /// <param name="sweepUid">Of this sweep alone; null: of all.</param>
    public IReadOnlyList<CheckpointRefusal> ReadRefusals(string? sweepUid = null)
    {
        lock (_lock)
        {
            return _refusals.Count == 0 ? [] : [.. _refusals.Values.Where(refusal => sweepUid is null || refusal.SweepUid == sweepUid)];
        }
    }

    /// <summary>The UIDs of the sweeps that have checkpoints.</summary>
    public IReadOnlyList<string> ReadSweepUids() => [.. Directory.EnumerateDirectories(_root, "*", Plain).Select(Path.GetFileName)!];

    public ICheckpointUpload BeginPut(AttemptIdentity attempt, long iteration)
    {
        Directory.CreateDirectory(Folder(attempt.SweepUid, attempt.Trial));
        return new Upload(this, attempt.SweepUid, attempt.Trial, iteration);
    }

    public (long Iteration, Stream Data)? OpenNewest(AttemptIdentity attempt)
    {
        foreach (var entry in Entries(Folder(attempt.SweepUid, attempt.Trial)))
        {
            FileStream data;
            try
            {
                data = File.OpenRead(entry.Path);
            }
            catch (FileNotFoundException)
            {
                continue;
            }

            // One that the disk has damaged gives way to the one before.
            if (Convert.ToHexStringLower(SHA256.HashData(data)) == entry.Sha256)
            {
                data.Position = 0;
                return (entry.Iteration, data);
            }

            data.Dispose();
        }

        return null;
    }

    public void Delete(string sweepUid, string trial)
    {
        lock (_lock)
        {
            var folder = Folder(sweepUid, trial);
            foreach (var entry in Entries(folder)) Remove(entry);
            if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any()) Directory.Delete(folder);
            _refusals.Remove((sweepUid, trial));
        }
    }

    /// <summary>Deletes the checkpoints of all trials of a sweep.</summary>
    public void DeleteSweep(string sweepUid)
    {
        var folder = Path.Combine(_root, Safe(sweepUid));
        if (!Directory.Exists(folder)) return;
        foreach (var trial in Directory.EnumerateDirectories(folder, "*", Plain)) Delete(sweepUid, Path.GetFileName(trial));
        lock (_lock)
            if (!Directory.EnumerateFileSystemEntries(folder).Any()) Directory.Delete(folder);
    }

    private string Folder(string sweepUid, string trial) => Path.Combine(_root, Safe(sweepUid), Safe(trial));

    private static string Safe(string name) =>
        name.Length is > 0 and <= 128 && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
            ? name
            : throw new ArgumentException($"'{name}' cannot name a folder.");

    // Newest first.
    private static List<Entry> Entries(string folder)
    {
        if (!Directory.Exists(folder)) return [];
        return [.. Directory.EnumerateFiles(folder, "*" + Suffix, Plain).Select(Parse).OfType<Entry>().OrderByDescending(e => e.Count)];
    }

    private static Entry? Parse(string path) =>
        Path.GetFileName(path)[..^Suffix.Length].Split('-') is [var count, var iteration, var sha256]
        && long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var c)
        && long.TryParse(iteration, NumberStyles.None, CultureInfo.InvariantCulture, out var i)
        && sha256.Length == 2 * SHA256.HashSizeInBytes && sha256.All(char.IsAsciiHexDigitLower)
            ? new Entry(path, c, i, sha256)
            : null;

    private void Remove(Entry entry)
    {
        var size = new FileInfo(entry.Path).Length;
        File.Delete(entry.Path);
        _used -= size;
    }

    // Where there is no room, the older of the trial's two gives way before the new one is whole: the newer one still stands.
    private void Reserve(string sweepUid, string trial, long bytes)
    {
        lock (_lock)
        {
            if (_used + bytes > _limitInAll)
                foreach (var entry in Entries(Folder(sweepUid, trial)).Skip(1)) Remove(entry);
            if (_used + bytes > _limitInAll)
                throw Refuse(sweepUid, trial, $"the checkpoints of all trials together would be over the limit of {_limitInAll} bytes");
            _used += bytes;
        }
    }

    private CheckpointTooLargeException Refuse(string sweepUid, string trial, string reason)
    {
        lock (_lock) _refusals[(sweepUid, trial)] = new CheckpointRefusal(sweepUid, trial, reason);
        return new CheckpointTooLargeException(reason);
    }

    private void Release(long bytes)
    {
        lock (_lock) _used -= bytes;
    }

    private void Publish(string temporary, string sweepUid, string trial, long iteration, long size, string sha256)
    {
        var folder = Folder(sweepUid, trial);
        lock (_lock)
        {
            var older = Entries(folder);
            var count = older.Count == 0 ? 1 : older[0].Count + 1;
            var name = string.Create(CultureInfo.InvariantCulture, $"{count}-{iteration}-{sha256}{Suffix}");
            File.Move(temporary, Path.Combine(folder, name));
            SyncFolder(folder);
            _refusals.Remove((sweepUid, trial));
            var kept = 1;
            foreach (var entry in older)
            {
                size += new FileInfo(entry.Path).Length;
                if (++kept > Kept || size > _limitPerTrial) Remove(entry);
            }
        }
    }

    // A rename lasts through a loss of power once its folder is synced.
    private static void SyncFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = Posix.Open(folder, 0);
        if (descriptor < 0) return;
        _ = Posix.Sync(descriptor);
        _ = Posix.Close(descriptor);
    }

    private sealed record Entry(string Path, long Count, long Iteration, string Sha256);

    private sealed class Upload(FileCheckpointStore store, string sweepUid, string trial, long iteration) : ICheckpointUpload
    {
        private readonly string _path = Path.Combine(store.Folder(sweepUid, trial), $"{Guid.NewGuid():N}{PartSuffix}");
        private FileStream? _file;
        private long _size;
        private bool _committed;

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default)
        {
            if (_size + data.Length > store._limitPerTrial)
                throw store.Refuse(sweepUid, trial, $"a checkpoint of more than {store._limitPerTrial} bytes is not kept");
            store.Reserve(sweepUid, trial, data.Length);
            _size += data.Length;
            _file ??= new FileStream(_path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
            await _file.WriteAsync(data, cancellationToken).ConfigureAwait(false);
        }

        public async ValueTask CommitAsync(ReadOnlyMemory<byte> sha256, CancellationToken cancellationToken = default)
        {
            _file ??= new FileStream(_path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
            await Task.Run(() => _file.Flush(flushToDisk: true), cancellationToken).ConfigureAwait(false);
            await _file.DisposeAsync().ConfigureAwait(false);
            store.Publish(_path, sweepUid, trial, iteration, _size, Convert.ToHexStringLower(sha256.Span));
            _committed = true;
        }

        public async ValueTask DisposeAsync()
        {
            if (_committed) return;
            store.Release(_size);
            if (_file is null) return;
            await _file.DisposeAsync().ConfigureAwait(false);
            File.Delete(_path);
        }
    }

    private static class Posix
    {
        [DllImport("libc", EntryPoint = "open")]
        public static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

        [DllImport("libc", EntryPoint = "fsync")]
        public static extern int Sync(int descriptor);

        [DllImport("libc", EntryPoint = "close")]
        public static extern int Close(int descriptor);
    }
}
