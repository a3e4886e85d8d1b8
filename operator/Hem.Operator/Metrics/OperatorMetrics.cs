using System.Diagnostics.Metrics;

namespace Hem.Operator.Metrics;

/// <summary>What the operator measures. One instance a process; tests make their own.</summary>
internal sealed class OperatorMetrics : IDisposable
{
    public const string MeterName = "Hem.Operator";

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _reports;
    private readonly Histogram<double> _store;
    private readonly Counter<long> _rejected;
    private readonly Counter<long> _tokenReviews;
    private readonly UpDownCounter<long> _streams;
    private readonly Counter<long> _answers;

    public OperatorMetrics()
    {
        _reports = _meter.CreateCounter<long>("hem_reports_received_total", description: "Reports of trainers that were stored, by kind.");
        _store = _meter.CreateHistogram<double>("hem_report_store_duration_seconds", "s",
            "How long reports took to be stored, from their arrival to their acknowledgement.", null,
            new() { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5] });
        _rejected = _meter.CreateCounter<long>("hem_progress_rejected_total",
            description: "Calls of trainers that were refused or broken off, by method and gRPC status.");
        _streams = _meter.CreateUpDownCounter<long>("hem_progress_streams", description: "Trainers that are connected now.");
        _tokenReviews = _meter.CreateCounter<long>("hem_token_reviews_total",
            description: "TokenReviews asked of the API server, by result (accepted, refused, failed).");
        _answers = _meter.CreateCounter<long>("hem_answers_total",
            description: "Requests for answers (reports, rankings), by file and HTTP status.");
    }

    internal Meter Meter => _meter;

    public void ReportsStored(string kind, long count) => _reports.Add(count, new KeyValuePair<string, object?>("kind", kind));

    public void StoreTook(TimeSpan time) => _store.Record(time.TotalSeconds);

    public void CallRejected(string method, string code) => _rejected.Add(1, new("method", method), new("code", code));

    public void StreamOpened() => _streams.Add(1);

    public void StreamClosed() => _streams.Add(-1);

    public void TokenReviewed(string result) => _tokenReviews.Add(1, new KeyValuePair<string, object?>("result", result));

    public void Answered(string file, int status) => _answers.Add(1, new("file", file), new("code", status));

    public void Dispose() => _meter.Dispose();
}
