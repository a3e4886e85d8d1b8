using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Hem.Kubernetes.Tests.Support;

/// <summary>Hears what the library measures from now on.</summary>
internal sealed class MetricReader : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<(string Name, double Value, KeyValuePair<string, object?>[] Tags)> _heard = new();

    public MetricReader()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == KubernetesMetrics.MeterName) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Hear(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Hear(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Hear(instrument, value, tags));
        _listener.Start();
    }

    public double Sum(string name, params (string Name, string Value)[] tags) => Values(name, tags).Sum();

    public IReadOnlyList<double> Values(string name, params (string Name, string Value)[] tags) =>
    [
        .. _heard.Where(heard => heard.Name == name
            && tags.All(tag => heard.Tags.Any(t => t.Key == tag.Name && (string?)t.Value == tag.Value)))
            .Select(heard => heard.Value),
    ];

    /// <summary>The gauges, read now.</summary>
    public double Gauge(string name, params (string Name, string Value)[] tags)
    {
        _heard.Clear();
        _listener.RecordObservableInstruments();
        return Values(name, tags).ShouldHaveSingleItem();
    }

    private void Hear(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _heard.Enqueue((instrument.Name, value, tags.ToArray()));

    public void Dispose() => _listener.Dispose();
}
