using System.Buffers;

namespace Hem.Progress.Grpc;

/// <summary>Which sides of a call are streams.</summary>
public enum MethodType
{
    Unary,
    ClientStreaming,
    ServerStreaming,
    DuplexStreaming,
}

/// <summary>A method of a service, as both ends know it.</summary>
public sealed class Method<TRequest, TResponse>(
    MethodType type,
    string serviceName,
    string name,
    Marshaller<TRequest> requestMarshaller,
    Marshaller<TResponse> responseMarshaller)
{
    public MethodType Type { get; } = type;

    /// <summary>With its package: <c>hem.v1.Progress</c>.</summary>
    public string ServiceName { get; } = serviceName;

    public string Name { get; } = name;
    public Marshaller<TRequest> RequestMarshaller { get; } = requestMarshaller;
    public Marshaller<TResponse> ResponseMarshaller { get; } = responseMarshaller;

    /// <summary>The HTTP path: <c>/hem.v1.Progress/Report</c>.</summary>
    public string FullName { get; } = $"/{serviceName}/{name}";
}

/// <summary>How a message becomes bytes and bytes a message.</summary>
public sealed class Marshaller<T>(Action<T, SerializationContext> serializer, Func<DeserializationContext, T> deserializer)
{
    public Marshaller(Func<T, byte[]> serializer, Func<byte[], T> deserializer)
        : this((message, context) => context.Complete(serializer(message)), context => deserializer(context.PayloadAsNewBuffer()))
    {
    }

    public Action<T, SerializationContext> ContextualSerializer { get; } = serializer;
    public Func<DeserializationContext, T> ContextualDeserializer { get; } = deserializer;
}

/// <summary>
/// Where a serializer writes: either <see cref="Complete(byte[])"/> alone, or <see cref="SetPayloadLength"/>, then exactly that many
/// bytes to <see cref="GetBufferWriter"/>, then <see cref="Complete()"/>.
/// </summary>
public abstract class SerializationContext
{
    public abstract void Complete(byte[] payload);
    public abstract void SetPayloadLength(int payloadLength);
    public abstract IBufferWriter<byte> GetBufferWriter();
    public abstract void Complete();
}

/// <summary>What a deserializer reads. The bytes are lent until it returns.</summary>
public abstract class DeserializationContext
{
    public abstract int PayloadLength { get; }
    public abstract byte[] PayloadAsNewBuffer();
    public abstract ReadOnlySequence<byte> PayloadAsReadOnlySequence();
}
