using System.Net;
using Hem.Progress.Grpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Progress.Tests.Grpc;

/// <summary>An HTTP/2 server that answers a call with whatever a test says.</summary>
internal sealed class FakeServer(WebApplication app) : IAsyncDisposable
{
    public string Address => app.Urls.Single();

    public static async Task<FakeServer> StartAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(server =>
        {
            server.ConfigureForGrpc();
            server.Listen(IPAddress.Loopback, 0);
        });
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync();
        return new FakeServer(app);
    }

    public static IHeaderDictionary Trailers(HttpContext http) => http.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers;

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
