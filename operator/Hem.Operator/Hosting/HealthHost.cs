using System.Net;
using Hem.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hem.Operator.Hosting;

/// <summary>
/// Says to whoever asks that the process is well, <c>/healthz</c> and <c>/readyz</c>, and how it is doing, <c>/metrics</c>. Every replica
/// is ready, whether it leads or not.
/// </summary>
internal sealed class HealthHost : IAsyncDisposable
{
    private readonly WebApplication _application;

    private HealthHost(WebApplication application) => _application = application;

    /// <exception cref="IOException">The address cannot be listened on.</exception>
    public static async Task<HealthHost> StartAsync(
        IPEndPoint listen, MetricsPipeline metrics, CancellationToken cancel = default)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(listen);
        });
        WebApplication application = builder.Build();
        application.UseRouting();
        RequestDelegate well = http => http.Response.WriteAsync("ok\n");
        application.MapMethods("/healthz", ["GET", "HEAD"], well);
        application.MapMethods("/readyz", ["GET", "HEAD"], well);
        application.MapMethods("/metrics", ["GET", "HEAD"], http =>
        {
            (http.Response.ContentType, ReadOnlyMemory<byte> body) = metrics.Scrape(http.Request.Headers.Accept);
            http.Response.ContentLength = body.Length;
            return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask : http.Response.Body.WriteAsync(body).AsTask();
        });
        try
        {
            await application.StartAsync(cancel);
        }
        catch
        {
            await application.DisposeAsync();
            throw;
        }

        return new HealthHost(application);
    }

    /// <summary>Where it listens, http://...</summary>
    public string Address => _application.Urls.First();

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync();
        await _application.DisposeAsync();
    }

    /// <summary>Signals are the program's business, not the server's.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
