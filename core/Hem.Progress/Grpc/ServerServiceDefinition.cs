namespace Hem.Progress.Grpc;

public delegate Task<TResponse> UnaryServerMethod<TRequest, TResponse>(TRequest request, ServerCallContext context);

public delegate Task<TResponse> ClientStreamingServerMethod<TRequest, TResponse>(
    IAsyncStreamReader<TRequest> requestStream, ServerCallContext context);

public delegate Task ServerStreamingServerMethod<TRequest, TResponse>(
    TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context);

public delegate Task DuplexStreamingServerMethod<TRequest, TResponse>(
    IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context);

/// <summary>
/// Methods and their handlers, to be mapped by <see cref="GrpcServerExtensions.MapGrpcService"/>. A handler that returns ends its call
/// with <see cref="ServerCallContext.Status"/>; one that throws <see cref="RpcException"/>, with that status; anything else it throws
/// becomes UNKNOWN, is logged, and tells the client nothing.
/// </summary>
public sealed class ServerServiceDefinition
{
    private ServerServiceDefinition(IReadOnlyList<ServerMethod> methods) => Methods = methods;

    internal IReadOnlyList<ServerMethod> Methods { get; }

    public static Builder CreateBuilder() => new();

    public sealed class Builder
    {
        private readonly List<ServerMethod> _methods = [];

        internal Builder()
        {
        }

        public Builder AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse> handler)
            where TRequest : class
            where TResponse : class => Add(method, call => call.UnaryAsync(method, handler));

        public Builder AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse> handler)
            where TRequest : class
            where TResponse : class => Add(method, call => call.ClientStreamingAsync(method, handler));

        public Builder AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse> handler)
            where TRequest : class
            where TResponse : class => Add(method, call => call.ServerStreamingAsync(method, handler));

        public Builder AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse> handler)
            where TRequest : class
            where TResponse : class => Add(method, call => call.DuplexStreamingAsync(method, handler));

        public ServerServiceDefinition Build() => new([.. _methods]);

        private Builder Add<TRequest, TResponse>(Method<TRequest, TResponse> method, Func<ServerCall, Task> invoke)
        {
            if (_methods.Any(known => known.FullName == method.FullName))
                throw new InvalidOperationException($"Method {method.FullName} has a handler already.");
            _methods.Add(new ServerMethod(method.ServiceName, method.FullName, invoke));
            return this;
        }
    }
}

internal sealed record ServerMethod(string ServiceName, string FullName, Func<ServerCall, Task> Invoke);
