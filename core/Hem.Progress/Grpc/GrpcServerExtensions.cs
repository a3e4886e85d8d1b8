using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hem.Progress.Grpc;

/// <summary>gRPC on an ASP.NET Core application: <c>AddGrpc</c>, <c>MapGrpcService</c>, and on Kestrel <c>ConfigureForGrpc</c>.</summary>
public static class GrpcServerExtensions
{
    public static IServiceCollection AddGrpc(this IServiceCollection services, Action<GrpcServiceOptions>? configure = null)
    {
        var options = new GrpcServiceOptions();
        configure?.Invoke(options);
        services.AddSingleton(provider => new GrpcServer(
            options, provider.GetRequiredService<ILoggerFactory>(), provider.GetRequiredService<IHostApplicationLifetime>()));
        return services;
    }

    /// <summary>Serves these methods; gRPC calls of methods that nobody has mapped are answered UNIMPLEMENTED.</summary>
    public static void MapGrpcService(this IEndpointRouteBuilder endpoints, ServerServiceDefinition serviceDefinition)
    {
        var server = endpoints.ServiceProvider.GetRequiredService<GrpcServer>();
        foreach (var method in serviceDefinition.Methods)
            endpoints.MapPost(method.FullName, (RequestDelegate)(http => server.HandleAsync(http, method)));
        if (server.FallbackMapped)
            return;
        server.FallbackMapped = true;
        endpoints.MapPost("{service}/{method}", (RequestDelegate)(http => server.HandleAsync(http, null)));
    }

    /// <summary>
    /// Endpoints that are added after this speak HTTP/2 alone (with prior knowledge, or over TLS by ALPN). At most
    /// <paramref name="maxStreamsPerConnection"/> calls a connection (more get REFUSED_STREAM, which clients queue for or see as
    /// UNAVAILABLE); a silent peer is pinged and given up after 30 + 20 s, which replaces the minimal data rates that suit downloads.
    /// </summary>
    public static void ConfigureForGrpc(this KestrelServerOptions kestrel, int maxStreamsPerConnection = 64)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.Http2.MaxStreamsPerConnection = maxStreamsPerConnection;
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
        kestrel.ConfigureEndpointDefaults(listen => listen.Protocols = HttpProtocols.Http2);
    }
}
