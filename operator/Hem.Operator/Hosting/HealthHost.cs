using System.Net;
using Hem.Metrics;
using Hem.Metrics.Prometheus;
using Hem.Progress;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

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
        WebApplicationBuilder builder = BareServer.CreateBuilder(shutdown: TimeSpan.FromSeconds(1));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(listen));
        WebApplication application = builder.Build();
        application.UseRouting();
        RequestDelegate well = http => http.Response.WriteAsync("ok\n");
        application.MapMethods("/healthz", ["GET", "HEAD"], well);
        application.MapMethods("/readyz", ["GET", "HEAD"], well);
        application.MapPrometheusScrapingEndpoint(metrics);
        await application.StartOrDisposeAsync(cancel);
        return new HealthHost(application);
    }

    /// <summary>Where it listens, http://...</summary>
    public string Address => _application.Urls.First();

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync();
        await _application.DisposeAsync();
    }
}
