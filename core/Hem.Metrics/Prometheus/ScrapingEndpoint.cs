using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Hem.Metrics.Prometheus;

/// <summary>Where Prometheus asks. Named as in OpenTelemetry.Exporter.Prometheus.AspNetCore.</summary>
public static class ScrapingEndpoint
{
    /// <summary>Answers GET and HEAD of <c>/metrics</c>.</summary>
    public static IEndpointConventionBuilder MapPrometheusScrapingEndpoint(this IEndpointRouteBuilder endpoints, MetricsPipeline metrics) =>
        endpoints.MapMethods("/metrics", ["GET", "HEAD"], http =>
        {
            (http.Response.ContentType, ReadOnlyMemory<byte> body) = metrics.Scrape(http.Request.Headers.Accept);
            http.Response.ContentLength = body.Length;
            return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask : http.Response.Body.WriteAsync(body).AsTask();
        });
}
