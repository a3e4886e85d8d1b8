using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Hem.Operator.Metrics;

namespace Operator.Tests.Progress;

/// <summary>Adds up what one instance of the operator's metrics counts.</summary>
internal sealed class MetricCounts : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, long> _counts = new(StringComparer.Ordinal);

    public MetricCounts(OperatorMetrics metrics)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == metrics.Meter) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            var of = string.Join(",", tags.ToArray().Select(tag => tag.Value));
            _counts.AddOrUpdate($"{instrument.Name}{{{of}}}", value, (_, before) => before + value);
        });
        _listener.Start();
    }

    /// <summary>For instance <c>hem_progress_rejected_total{/hem.v1.Progress/Report,PermissionDenied}</c>.</summary>
    public long this[string name] => _counts.GetValueOrDefault(name);

    public long Rejected(string method, string code) => this[$"hem_progress_rejected_total{{/hem.v1.{method},{code}}}"];

    public void Dispose() => _listener.Dispose();
}
