using System.Diagnostics.Metrics;
using Hem.Results;

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
    private readonly Counter<long> _statusWrites;
    private Func<StoreSize>? _disk;
    private Func<DateTimeOffset?>? _certificateEnd;
    private Func<bool>? _isLeading;

    public OperatorMetrics(TimeProvider? time = null)
    {
        Sweeps = new SweepMetrics(_meter, time ?? TimeProvider.System);
        _reports = _meter.CreateCounter<long>("hem_reports_received_total", description: "Reports of trainers that were stored, by kind.");
        _store = _meter.CreateHistogram<double>("hem_report_store_duration_seconds", "s",
            "How long reports took to be stored, from their arrival to their acknowledgement.", null,
            new() { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5] });
        _rejected = _meter.CreateCounter<long>("hem_progress_rejected_total",
            description: "Calls of trainers that were refused or broken off, by method and gRPC status.");
        _streams = _meter.CreateUpDownCounter<long>("hem_progress_streams", description: "Trainers that are connected now.");
        _tokenReviews = _meter.CreateCounter<long>("hem_token_reviews_total",
            description: "TokenReviews asked of the API server, by result (accepted, refused, failed), and those not asked for (limited).");
        _answers = _meter.CreateCounter<long>("hem_answers_total",
            description: "Requests for answers (reports, rankings), by file and HTTP status.");
        _statusWrites = _meter.CreateCounter<long>("hem_status_writes_total",
            description: "Statuses written to the API server, by kind and result (written, conflict, failed).");
        _meter.CreateObservableGauge("hem_operator_leading", () => _isLeading?.Invoke() == true ? 1 : 0, null,
            "1 while this process holds the lease and does what a leader does: its store is open, it knows what there is in the cluster "
                + "and listens to trainers; else 0.");
        _meter.CreateObservableGauge("hem_store_size_bytes", () => Of(_disk?.Invoke().Size), "By",
            "What the result store takes on its disk; the leader alone has one.");
        _meter.CreateObservableGauge("hem_store_capacity_bytes", () => Of(_disk?.Invoke().Capacity), "By",
            "How large the disk of the result store and the checkpoints is, whatever else is on it; not known of a PostgreSQL server.");
        _meter.CreateObservableGauge("hem_store_free_bytes", () => Of(_disk?.Invoke().Free), "By",
            "What is left on the disk of the result store and the checkpoints; not known of a PostgreSQL server.");
        _meter.CreateObservableGauge("hem_certificate_expiration_timestamp_seconds",
            () => Of(_certificateEnd?.Invoke() is { } end ? end.ToUnixTimeSeconds() : null), "s",
            "When the newest certificate authority of the progress service ends, Unix time. It is renewed long before.");
    }

    internal Meter Meter => _meter;

    public SweepMetrics Sweeps { get; }

    /// <summary>Where the size of the store and the end of the certificates come from while this process leads; null: nowhere.</summary>
    public void Observe(Func<StoreSize>? disk, Func<DateTimeOffset?>? certificateEnd) =>
        (_disk, _certificateEnd) = (disk, certificateEnd);

    /// <summary>Where it comes from whether this process leads and works.</summary>
    public void ObserveLeading(Func<bool> isLeading) => _isLeading = isLeading;

    public void StatusWritten(string kind, string result) => _statusWrites.Add(1, new("kind", kind), new("result", result));

    public void ReportsStored(string kind, long count) => _reports.Add(count, new KeyValuePair<string, object?>("kind", kind));

    public void StoreTook(TimeSpan time) => _store.Record(time.TotalSeconds);

    public void CallRejected(string method, string code) => _rejected.Add(1, new("method", method), new("code", code));

    public void StreamOpened() => _streams.Add(1);

    public void StreamClosed() => _streams.Add(-1);

    public void TokenReviewed(string result) => _tokenReviews.Add(1, new KeyValuePair<string, object?>("result", result));

    public void Answered(string file, int status) => _answers.Add(1, new("file", file), new("code", status));

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<long>> Of(long? value) => value is { } known ? [new(known)] : [];
}
