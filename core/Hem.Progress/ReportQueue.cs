using Google.Protobuf;

namespace Hem.Progress;

/// <summary>
/// The reports that are not acknowledged yet, in order, numbered from 1 by when they were put in. Numbers here are this process's own;
/// the sequence on the wire is this number plus an offset that the connection knows. Thread-safe.
/// </summary>
internal sealed class ReportQueue
{
    private readonly Lock _lock = new();
    private readonly Queue<TrainerMessage> _reports = [];
    private readonly List<(ulong Number, TaskCompletionSource Done)> _waiting = [];
    private TaskCompletionSource _added = NewSource();
    private bool _reported;
    private Exception? _closed;

    /// <summary>Every report up to this number is acknowledged.</summary>
    public ulong Acknowledged { get; private set; }

    /// <summary>Number of the last report.</summary>
    public ulong Last
    {
        get
        {
            lock (_lock) return Acknowledged + (ulong)_reports.Count;
        }
    }

    public void Add(TrainerMessage report)
    {
        lock (_lock)
        {
            _reported = true;
            _reports.Enqueue(report);
            _added.TrySetResult();
        }
    }

    /// <summary>Puts what an earlier attempt left in front. Before the first report only.</summary>
    public void Restore(IReadOnlyList<TrainerMessage> reports)
    {
        lock (_lock)
        {
            if (_reported) throw new InvalidOperationException("Restore what the checkpoint holds before the first report.");
            foreach (var report in reports) _reports.Enqueue(report);
            _reported = _reports.Count > 0;
            _added.TrySetResult();
        }
    }

    public IReadOnlyList<TrainerMessage> Unacknowledged()
    {
        lock (_lock) return [.. _reports];
    }

    public void Acknowledge(ulong number)
    {
        lock (_lock)
        {
            while (Acknowledged < number && _reports.TryDequeue(out _)) Acknowledged++;
            for (var i = _waiting.Count - 1; i >= 0; i--)
            {
                if (_waiting[i].Number > Acknowledged) continue;
                _waiting[i].Done.TrySetResult();
                _waiting.RemoveAt(i);
            }
        }
    }

    /// <summary>Up to <paramref name="most"/> reports from number <paramref name="from"/> on; waits until there is one.</summary>
    public async ValueTask<IReadOnlyList<TrainerMessage>> TakeAsync(ulong from, int most, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task added;
            lock (_lock)
            {
                var skip = (int)(from - Acknowledged - 1);
                if (skip < _reports.Count) return [.. _reports.Skip(skip).Take(most)];
                if (_added.Task.IsCompleted) _added = NewSource();
                added = _added.Task;
            }

            await added.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Completes when everything that is in the queue now is acknowledged.</summary>
    public Task WhenEmptyAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_closed is not null) return Task.FromException(_closed);
            if (_reports.Count == 0) return Task.CompletedTask;
            var done = NewSource();
            _waiting.Add((Acknowledged + (ulong)_reports.Count, done));
            return done.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Nothing will be acknowledged any more: fails those who wait.</summary>
    public void Close(Exception why)
    {
        lock (_lock)
        {
            _closed ??= why;
            foreach (var (_, done) in _waiting) done.TrySetException(_closed);
            _waiting.Clear();
        }
    }

    /// <summary>Reports as bytes for a checkpoint. A `Failed` is about its own attempt alone and does not travel.</summary>
    public static byte[] Write(IEnumerable<TrainerMessage> reports)
    {
        using var stream = new MemoryStream();
        foreach (var report in reports)
            if (report.ReportCase != TrainerMessage.ReportOneofCase.Failed) report.WriteDelimitedTo(stream);
        return stream.ToArray();
    }

    public static IReadOnlyList<TrainerMessage> Read(ReadOnlySpan<byte> bytes)
    {
        using var stream = new MemoryStream(bytes.ToArray());
        var reports = new List<TrainerMessage>();
        try
        {
            while (stream.Position < stream.Length) reports.Add(TrainerMessage.Parser.ParseDelimitedFrom(stream));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidDataException("The checkpoint's unacknowledged reports are damaged.", e);
        }

        return reports;
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
