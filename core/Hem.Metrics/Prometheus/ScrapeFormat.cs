using System.Net.Http.Headers;

namespace Hem.Metrics.Prometheus;

/// <summary>The text formats of a scrape.</summary>
public enum ScrapeFormat
{
    /// <summary>Prometheus' text format 0.0.4.</summary>
    Text,

    /// <summary>OpenMetrics 1.0.0.</summary>
    OpenMetrics,
}

/// <summary>Which format a scraper wants, and what it is called.</summary>
public static class ScrapeFormats
{
    public static string ContentType(this ScrapeFormat format) => format switch
    {
        ScrapeFormat.OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        _ => "text/plain; version=0.0.4; charset=utf-8",
    };

    /// <summary>
    /// OpenMetrics 1.0.0 where the Accept header prefers it (RFC 9110, 12.5.1); else the text format, which everybody reads.
    /// </summary>
    /// <param name="accept">The header's value; null where there is none.</param>
    public static ScrapeFormat Negotiate(string? accept)
    {
        double open = 0, text = 0;
        foreach (var range in (accept ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!MediaTypeWithQualityHeaderValue.TryParse(range, out var type)) continue;
            var quality = type.Quality ?? 1;
            if (type.MediaType is "application/openmetrics-text" && Version(type) is null or "1.0.0") open = Math.Max(open, quality);
            if (type.MediaType is "text/plain" or "text/*" or "*/*") text = Math.Max(text, quality);
        }

        return open > 0 && open >= text ? ScrapeFormat.OpenMetrics : ScrapeFormat.Text;
    }

    private static string? Version(MediaTypeWithQualityHeaderValue type) =>
        type.Parameters.FirstOrDefault(parameter => parameter.Name == "version")?.Value?.Trim('"');
}
