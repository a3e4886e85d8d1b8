using System.Globalization;
using System.Runtime.InteropServices;
using Hem.Trainer.Replay;

namespace Hem.Trainer.Checkpoints;

/// <summary>
/// The checkpoints of one trial in a folder: `checkpoint-N.hem` (everything but the replay) and `replay-N.log` (the trajectories, only
/// ever appended to). Saving writes what is new since the last time, so it takes as long at 3 GB of replay as at 3 MB.
/// </summary>
/// <remarks>
/// A save appends to the log and syncs it, then writes the header beside its place, syncs it, and renames it: a crash at any moment
/// leaves the previous checkpoint whole. The last two are kept. A log file is deleted once neither of them needs it.
/// </remarks>
internal sealed partial class CheckpointFolder(string folder, string trial, string program, Action<string> log) : ICheckpoints
{
    private const int Kept = 2;

    private List<LogSegment> saved = [];
    private long next = 1;

    public bool TryLoad(ReplayBuffer? replay, Action<CheckpointHeader> restoreState)
    {
        Directory.CreateDirectory(folder);
        List<(long Number, string Path)> found = Headers();
        next = found.Count > 0 ? found[0].Number + 1 : 1;
        foreach ((_, string path) in found)
        {
            try
            {
                CheckpointHeader header = CheckpointHeader.Parse(File.ReadAllBytes(path), out _);
                if (header.Trial != trial)
                {
                    throw new ForeignCheckpointException(
                        $"{path} is a checkpoint of another trial ({header.Trial}), not of {trial}; nothing was touched. "
                        + "Give this trial a folder of its own.");
                }

                foreach (LogSegment segment in header.Segments)
                    Verify(segment);

                foreach (LogSegment segment in header.Segments)
                {
                    using FileStream stream = File.OpenRead(SegmentPath(segment.Id));
                    using var part = new BufferedStream(new PrefixStream(stream, segment.Length), 1 << 20);
                    ReplayBlock.ReadAll(part, replay ?? throw new UnusableCheckpointException("it holds a replay, this trainer has none"));
                }

                restoreState(header);
                saved = [.. header.Segments];
                return true;
            }
            catch (Exception e) when (e is UnusableCheckpointException or IOException)
            {
                log($"checkpoint {path} cannot be used: {e.Message}");
                SetAside(path);
            }
        }

        if (found.Count > 0)
            log("no checkpoint could be used: starting from zero");

        saved = [];
        return false;
    }

    public long Save(ReplayBuffer? replay, long iteration, byte[] state)
    {
        Directory.CreateDirectory(folder);
        List<LogSegment> segments = [.. saved];
        long written = replay is null ? 0 : Append(segments, replay);
        byte[] header = new CheckpointHeader(program, trial, iteration, segments, state).ToBytes();
        string path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"checkpoint-{next:D8}.hem"));
        string temporary = path + ".tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0))
            {
                stream.Write(header);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
            SyncFolder();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Try(() => File.Delete(temporary));
            throw;
        }

        saved = segments;
        next++;
        Prune();
        return written + header.Length;
    }

    private long Append(List<LogSegment> segments, ReplayBuffer replay)
    {
        long oldest = replay.AddedPerWorker - replay.CountPerWorker;
        segments.RemoveAll(segment => segment.End <= oldest);
        long first = Math.Max(oldest, segments.Count > 0 ? segments[^1].End : 0);
        if (first == replay.AddedPerWorker)
            return 0;

        // A segment takes about a quarter of the buffer: on disk lies at most one and a half times what the buffer holds.
        bool roll = segments.Count == 0 || segments[^1].End - segments[^1].First >= Math.Max(1, replay.CapacityPerWorker / 4);
        LogSegment last = roll ? new LogSegment(NextSegment(), first, first, 0, Checksum.Of([])) : segments[^1];
        var sum = new Checksum { Value = last.Crc };
        long bytes;
        using (var stream = new FileStream(SegmentPath(last.Id), FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0))
        {
            // Whatever lies behind the part that a checkpoint vouches for is the rest of a save that did not end.
            stream.SetLength(last.Length);
            stream.Position = last.Length;
            try
            {
                bytes = ReplayBlock.Write(stream, replay, first, replay.AddedPerWorker, ref sum);
                stream.Flush(flushToDisk: true);
            }
            catch (IOException)
            {
                Try(() => stream.SetLength(last.Length));
                throw;
            }
        }

        last = last with { End = replay.AddedPerWorker, Length = last.Length + bytes, Crc = sum.Value };
        if (roll)
            segments.Add(last);
        else
            segments[^1] = last;

        return bytes;
    }

    /// <summary>A number that no log file has, so that a segment that an older checkpoint needs is never written over.</summary>
    private int NextSegment()
    {
        int largest = 0;
        foreach (string path in Directory.EnumerateFiles(folder, "replay-*.log"))
        {
            ReadOnlySpan<char> number = Path.GetFileNameWithoutExtension(path).AsSpan("replay-".Length);
            if (int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int id))
                largest = Math.Max(largest, id);
        }

        return largest + 1;
    }

    private void Verify(LogSegment segment)
    {
        string path = SegmentPath(segment.Id);
        if (!File.Exists(path))
        {
            throw new UnusableCheckpointException($"its replay log {path} is missing");
        }

        using FileStream stream = File.OpenRead(path);
        Checksum sum = Checksum.Start;
        byte[] buffer = new byte[1 << 20];
        long left = segment.Length;
        while (left > 0)
        {
            int got = stream.Read(buffer, 0, (int)Math.Min(left, buffer.Length));
            if (got == 0)
            {
                throw new UnusableCheckpointException($"its replay log {path} is {left} bytes too short");
            }

            sum.Add(buffer.AsSpan(0, got));
            left -= got;
        }

        if (sum.Value != segment.Crc)
        {
            throw new UnusableCheckpointException($"the checksum of its replay log {path} does not agree");
        }
    }

    private void Prune() => Try(() =>
    {
        List<(long Number, string Path)> headers = Headers();
        foreach ((_, string path) in headers.Skip(Kept))
            File.Delete(path);

        var needed = new HashSet<string>(StringComparer.Ordinal);
        foreach ((_, string path) in headers.Take(Kept))
        {
            try
            {
                IReadOnlyList<LogSegment> segments = CheckpointHeader.Parse(File.ReadAllBytes(path), out _).Segments;
                needed.UnionWith(segments.Select(segment => SegmentPath(segment.Id)));
            }
            catch (UnusableCheckpointException)
            {
                // It vouches for nothing.
            }
        }

        foreach (string path in Directory.EnumerateFiles(folder, "replay-*.log").Where(path => !needed.Contains(path)).ToList())
            File.Delete(path);

        foreach (string path in Directory.EnumerateFiles(folder, "*.unusable").ToList())
            File.Delete(path);
    });

    /// <summary>A header that cannot be used must not vouch for a log that is written to again.</summary>
    private static void SetAside(string path) => Try(() => File.Move(path, path + ".unusable", overwrite: true));

    private List<(long Number, string Path)> Headers()
    {
        var found = new List<(long Number, string Path)>();
        foreach (string path in Directory.EnumerateFiles(folder, "checkpoint-*.hem"))
        {
            ReadOnlySpan<char> number = Path.GetFileNameWithoutExtension(path).AsSpan("checkpoint-".Length);
            if (long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long value))
                found.Add((value, path));
        }

        found.Sort((a, b) => b.Number.CompareTo(a.Number));
        return found;
    }

    private string SegmentPath(int id) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"replay-{id:D6}.log"));

    private static void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Tidying up can wait for the next save.
        }
    }

    private void SyncFolder()
    {
        int file = Open(folder, 0);
        if (file >= 0)
        {
            _ = Sync(file);
            _ = Close(file);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Sync(int file);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);
}
