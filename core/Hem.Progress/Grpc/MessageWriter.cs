using System.Buffers;
using System.Buffers.Binary;

namespace Hem.Progress.Grpc;

/// <summary>
/// Puts messages into a transport's buffer: one byte "not compressed", four bytes length (big-endian), the message. Not thread-safe.
/// </summary>
internal sealed class MessageWriter<T>(
    IBufferWriter<byte> output, Action<T, SerializationContext> serialize, int maxMessageSize = int.MaxValue)
{
    public const int HeaderSize = 5;

    private readonly Context _context = new(output, maxMessageSize);

    /// <returns>bytes written</returns>
    /// <exception cref="RpcException">the message is too large; nothing of it is written</exception>
    public int Write(T message)
    {
        _context.Begin();
        serialize(message, _context);
        return _context.End();
    }

    private sealed class Context(IBufferWriter<byte> output, int maxMessageSize) : SerializationContext
    {
        private int _length;
        private bool _complete;

        public void Begin() => (_length, _complete) = (-1, false);

        public int End() =>
            _complete
                ? HeaderSize + _length
                : throw new InvalidOperationException("The serializer returned without completing the message.");

        public override void SetPayloadLength(int payloadLength)
        {
            if (_length >= 0)
                throw new InvalidOperationException("The message's length is set already.");
            if (payloadLength > maxMessageSize)
                throw new RpcException(new Status(
                    StatusCode.ResourceExhausted, $"A message of {payloadLength} bytes is larger than the limit of {maxMessageSize}."));
            _length = payloadLength;
            var header = output.GetSpan(HeaderSize);
            header[0] = 0;
            BinaryPrimitives.WriteInt32BigEndian(header[1..], payloadLength);
            output.Advance(HeaderSize);
        }

        public override IBufferWriter<byte> GetBufferWriter() =>
            _length >= 0 ? output : throw new InvalidOperationException("Set the message's length before writing it.");

        public override void Complete() => _complete = true;

        public override void Complete(byte[] payload)
        {
            SetPayloadLength(payload.Length);
            output.Write(payload);
            _complete = true;
        }
    }
}
