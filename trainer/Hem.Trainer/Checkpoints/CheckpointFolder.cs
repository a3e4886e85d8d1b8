using System.Globalization;
using Hem.Trainer.Replay;

namespace Hem.Trainer.Checkpoints;

/// <summary>
/// The checkpoints of one trial in a folder: `checkpoint-N.hem` (everything but the replay) and `replay-N.log` (the trajectories, only
/// ever appended to). Saving writes what is new since the last time, so it takes as long at 3 GB of replay as at 3 MB.
/// </summary>
/// <remarks>
/// A save appends to the log and syncs it, then writes the header beside its place, syncs it, and renames it: a crash at any moment
/// leaves the previous checkpoint whole. The last two are kept. A log file is deleted once neither of them needs it. A log file takes
/// a quarter of what the buffer holds, so a checkpoint needs at most five quarters (nine with random overwriting, where trajectories
/// live up to twice as long); two that follow each other share most of them.
/// </remarks>
internal sealed class CheckpointFolder(string folder, string trial, string program, Action<string> log) : ICheckpoints
{
    private const int Kept = 2;

    private List<LogSegment> saved = [];
    private bool strangers;
    private long next = 1;

    public bool AppendsReplay => true;

    public bool TryLoad(ReplayBuffer? replay, Action<CheckpointHeader> restoreState)
    {
        DurableFolder.Create(folder);
        List<(long Number, string Path)> found = Headers();
        strangers = false;
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
            catch (OtherVersionException e)
            {
                log($"checkpoint {path} cannot be used: {e.Message}");
                strangers = true;
            }
            catch (Exception e) when (e is UnusableCheckpointException or FileNotFoundException)
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
        DurableFolder.Create(folder);
        List<LogSegment> segments = [.. saved];
        string path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"checkpoint-{next:D8}.hem"));
        string temporary = path + ".tmp";
        long bytes;
        try
        {
            bytes = replay is null ? 0 : Append(segments, replay);
            byte[] header = new CheckpointHeader(program, trial, iteration, segments, state).ToBytes();
            bytes += header.Length;
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0))
            {
                stream.Write(header);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
            DurableFolder.Sync(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Try(() => File.Delete(temporary));
            Try(() => File.Delete(path));
            Undo(segments);
            throw;
        }

        saved = segments;
        strangers = false;
        next++;
        Prune();
        return bytes;
    }

    /// <summary>Gives back the disk that a save took which failed.</summary>
    private void Undo(List<LogSegment> segments)
    {
        foreach (LogSegment added in segments.Where(segment => !saved.Exists(old => old.Id == segment.Id)))
            Try(() => File.Delete(SegmentPath(added.Id)));
        if (saved.Count == 0 || strangers)
            return;
        Try(() =>
        {
            using var stream = new FileStream(SegmentPath(saved[^1].Id), FileMode.Open, FileAccess.Write);
            if (stream.Length > saved[^1].Length)
                stream.SetLength(saved[^1].Length);
        });
    }

    private long Append(List<LogSegment> segments, ReplayBuffer replay)
    {
        long oldest = replay.Oldest;
        segments.RemoveAll(segment => segment.End <= oldest);
        long first = Math.Max(oldest, segments.Count > 0 ? segments[^1].End : 0);
        if (first == replay.AddedPerWorker)
            return 0;

        // A stranger may vouch for more of the last log than is known here.
        long quarter = Math.Max(1, replay.CapacityPerWorker / 4);
        bool roll = strangers;
        long bytes = 0;
        for (; first < replay.AddedPerWorker; roll = false)
        {
            if (roll || segments.Count == 0 || segments[^1].End - segments[^1].First >= quarter)
                segments.Add(new LogSegment(NextSegment(), first, first, 0, Checksum.Of([])));
            first = Math.Min(replay.AddedPerWorker, segments[^1].First + quarter);
            bytes += Append(segments, replay, first);
        }

        return bytes;
    }

    /// <summary>Appends to the last segment what comes after it, up to <paramref name="end"/>.</summary>
    private long Append(List<LogSegment> segments, ReplayBuffer replay, long end)
    {
        LogSegment last = segments[^1];
        var sum = new Checksum { Value = last.Crc };
        using var stream = new FileStream(SegmentPath(last.Id), FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0);

        // Whatever lies behind the part that a checkpoint vouches for is the rest of a save that did not end.
        stream.SetLength(last.Length);
        stream.Position = last.Length;
        long bytes = ReplayBlock.Write(stream, replay, last.End, end, ref sum);
        stream.Flush(flushToDisk: true);
        segments[^1] = last with { End = end, Length = last.Length + bytes, Crc = sum.Value };
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
        var needed = new HashSet<string>(StringComparer.Ordinal);
        int kept = 0;
        bool unknown = false;
        foreach ((_, string path) in Headers())
        {
            try
            {
                CheckpointHeader header = CheckpointHeader.Parse(File.ReadAllBytes(path), out _);
                if (header.Trial != trial)
                    unknown = true;
                else if (kept++ < Kept)
                    needed.UnionWith(header.Segments.Select(segment => SegmentPath(segment.Id)));
                else
                    File.Delete(path);
            }
            catch (OtherVersionException)
            {
                unknown = true;
            }
            catch (UnusableCheckpointException)
            {
                // It vouches for nothing, and is set aside at the next start.
            }
        }

        // Which logs a stranger needs is not known.
        foreach (string path in Directory.EnumerateFiles(folder, "replay-*.log").Where(path => !unknown && !needed.Contains(path)).ToList())
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
}
