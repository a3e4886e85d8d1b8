using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Google.Protobuf;

namespace Hem.Progress.Grpc;

/// <summary>
/// Takes messages out of a transport's buffer, as many as have arrived before it asks for more; what it has not taken holds the peer
/// back by flow control. Bytes that are no gRPC end it with an <see cref="RpcException"/> that it throws again from then on.
/// One read at a time.
/// </summary>
/// <param name="compressedStatus">what a compressed message means here, given the peer's grpc-encoding</param>
internal sealed class MessageReader<T>(
    PipeReader input, Func<DeserializationContext, T> deserialize, int maxMessageSize, Status compressedStatus)
{
    private readonly Payload _payload = new();
    private ReadOnlySequence<byte> _buffer;
    private bool _holding;
    private bool _ended;
    private RpcException? _fault;

    public T? Current { get; private set; }

    public ValueTask<bool> MoveNextAsync(CancellationToken cancellationToken) =>
        TryTake() ? new ValueTask<bool>(true) : ReadAsync(cancellationToken);

    /// <summary>Gives the bytes that it holds back to the transport. Only when no read is in progress.</summary>
    public void Release()
    {
        if (!_holding)
            return;
        _holding = false;
        var start = _buffer.Start;
        _buffer = default;
        input.AdvanceTo(start);
    }

    private async ValueTask<bool> ReadAsync(CancellationToken cancellationToken)
    {
        while (!_ended)
        {
            if (_holding)
            {
                _holding = false;
                input.AdvanceTo(_buffer.Start, _buffer.End);
                _buffer = default;
            }
            var result = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
            _buffer = result.Buffer;
            _holding = true;
            _ended = result.IsCompleted;
            if (TryTake())
                return true;
            if (result.IsCanceled)
                throw new OperationCanceledException();
        }
        if (_buffer.Length > 0)
            throw Fault(StatusCode.Internal, "The stream ended inside a message.");
        Current = default;
        return false;
    }

    private bool TryTake()
    {
        if (_fault is not null)
            throw _fault;
        if (!_holding || _buffer.Length < MessageWriter<T>.HeaderSize)
            return false;
        Span<byte> header = stackalloc byte[MessageWriter<T>.HeaderSize];
        if (_buffer.FirstSpan.Length >= header.Length)
            _buffer.FirstSpan[..header.Length].CopyTo(header);
        else
            _buffer.Slice(0, header.Length).CopyTo(header);
        var length = BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        if (header[0] > 1)
            throw Fault(StatusCode.Internal, $"A message begins with {header[0]}, which is neither 0 (plain) nor 1 (compressed).");
        if (header[0] == 1)
            throw Fault(compressedStatus.StatusCode, compressedStatus.Detail);
        if (length > (uint)maxMessageSize)
            throw Fault(StatusCode.ResourceExhausted, $"A message of {length} bytes is larger than the limit of {maxMessageSize}.");
        if (_buffer.Length - header.Length < length)
            return false;
        _payload.Bytes = _buffer.Slice(header.Length, length);
        try
        {
            Current = deserialize(_payload);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Fault(StatusCode.Internal, $"A message cannot be parsed: {e.Message}");
        }
        _buffer = _buffer.Slice(_payload.Bytes.End);
        return true;
    }

    private RpcException Fault(StatusCode code, string detail) => _fault = new RpcException(new Status(code, detail));

    private sealed class Payload : DeserializationContext
    {
        public ReadOnlySequence<byte> Bytes { get; set; }
        public override int PayloadLength => (int)Bytes.Length;
        public override byte[] PayloadAsNewBuffer() => Bytes.ToArray();
        public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => Bytes;
    }
}
