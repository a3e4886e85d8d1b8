using System.Text;

namespace Hem.TestCluster;

/// <summary>An answer's body with what is wrong with it.</summary>
internal sealed class FaultStream(Stream inner, Fault fault, Action<FaultStream> closed) : Stream
{
    private readonly CancellationTokenSource _broken = new();
    private readonly MemoryStream _line = new();
    private byte[] _ready = [];
    private int _readyAt;
    private long _given;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => _given; set => throw new NotSupportedException(); }

    /// <summary>Whoever reads it, now or later, finds the connection broken.</summary>
    public void Break() => _broken.Cancel();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancel = default)
    {
        if (_broken.IsCancellationRequested) throw new IOException("The connection was broken by a test.");
        if (fault.BeforeBody is { } before && _given == 0) await before(cancel).WaitAsync(cancel);
        var left = fault.CutAt - _given;
        if (left <= 0) return fault.EndsAtCut ? 0 : throw new IOException("The body was cut by a test.");
        if (buffer.Length > left) buffer = buffer[..(int)left];
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, _broken.Token);
        try
        {
            var read = fault.Line is { } change
                ? await ReadLinesAsync(buffer, change, both.Token)
                : await inner.ReadAsync(buffer, both.Token);
            _given += read;
            return read;
        }
        catch (OperationCanceledException) when (_broken.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new IOException("The connection was broken by a test.");
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancel) =>
        ReadAsync(buffer.AsMemory(offset, count), cancel).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Bodies are read asynchronously.");
    public override void Flush() => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        closed(this);
        if (disposing)
        {
            inner.Dispose();
            _line.Dispose();
        }
        base.Dispose(disposing);
    }

    private async ValueTask<int> ReadLinesAsync(Memory<byte> buffer, Func<string, string> change, CancellationToken cancel)
    {
        var some = new byte[4096];
        while (_readyAt == _ready.Length)
        {
            var read = await inner.ReadAsync(some, cancel);
            if (read == 0 && _line.Length == 0) return 0;
            using var changed = new MemoryStream();
            foreach (var b in some.AsSpan(0, read))
            {
                _line.WriteByte(b);
                if (b == (byte)'\n') Change();
            }
            if (read == 0) Change();
            (_ready, _readyAt) = (changed.ToArray(), 0);

            void Change()
            {
                changed.Write(Encoding.UTF8.GetBytes(change(Encoding.UTF8.GetString(_line.GetBuffer(), 0, (int)_line.Length))));
                _line.SetLength(0);
            }
        }
        var count = Math.Min(buffer.Length, _ready.Length - _readyAt);
        _ready.AsSpan(_readyAt, count).CopyTo(buffer.Span);
        _readyAt += count;
        return count;
    }
}
