using Hem.Metrics.Prometheus;

namespace Metrics.Tests;

public class NegotiationTests
{
    [Theory]
    [InlineData(null, ScrapeFormat.Text)]
    [InlineData("", ScrapeFormat.Text)]
    [InlineData("*/*", ScrapeFormat.Text)]
    [InlineData("text/html, nonsense;;;", ScrapeFormat.Text)]
    [InlineData("application/openmetrics-text", ScrapeFormat.OpenMetrics)]
    [InlineData("application/openmetrics-text; version=0.0.1", ScrapeFormat.Text)]
    [InlineData("application/openmetrics-text; version=1.0.0; q=0.4, text/plain; q=0.5", ScrapeFormat.Text)]
    [InlineData(
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
        + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        ScrapeFormat.OpenMetrics)]
    public void A_scraper_gets_the_format_that_it_prefers(string? accept, ScrapeFormat format) =>
        ScrapeFormats.Negotiate(accept).ShouldBe(format);
}
