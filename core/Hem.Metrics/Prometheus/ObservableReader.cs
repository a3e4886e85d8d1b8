using System.Diagnostics.Metrics;
using System.Globalization;

namespace Hem.Metrics.Prometheus;

/// <summary>What an observable instrument says now.</summary>
/// <param name="Labels">Sorted by name.</param>
/// <param name="Value">Its number, as text.</param>
internal readonly record struct ObservedSample(KeyValuePair<string, object?>[] Labels, string Value);

/// <summary>All observable instruments of one name.</summary>
internal sealed class ObservedFamily(Instrument instrument)
{
    public Instrument Instrument { get; } = instrument;

    public List<ObservedSample> Samples { get; } = [];
}

/// <summary>
/// Asks the observable instruments of some meters, anew for each scrape. OpenTelemetry's SDK keeps the place of every series that an
/// instrument has ever had: in a program that lives long, sweeps and trials of later days would find none left.
/// </summary>
internal sealed class ObservableReader : IDisposable
{
    private readonly MeterListener _listener;
    private readonly int _limit;
    private SortedDictionary<string, ObservedFamily> _families = [];

    /// <param name="meters">Names of meters.</param>
    /// <param name="limit">Series that one instrument may have; the rest is left out.</param>
    public ObservableReader(IEnumerable<string> meters, int limit)
    {
        HashSet<string> names = [.. meters];
        _limit = limit;
        _listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.IsObservable && names.Contains(instrument.Meter.Name)) listener.EnableMeasurementEvents(instrument);
            },
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, labels, _) => Add(instrument, Text(value), labels));
        _listener.SetMeasurementEventCallback<long>((instrument, value, labels, _) => Add(instrument, Text(value), labels));
        _listener.SetMeasurementEventCallback<double>(
            (instrument, value, labels, _) => Add(instrument, PrometheusSerializer.Number(value), labels));
        _listener.Start();
    }

    /// <summary>By name, ordinally.</summary>
    public SortedDictionary<string, ObservedFamily> Read()
    {
        _families = new(StringComparer.Ordinal);
        try
        {
            _listener.RecordObservableInstruments();
        }
        catch (AggregateException)
        {
            // The others have been asked all the same: a scrape without one series is better than none.
        }

        return _families;
    }

    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, string value, ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        if (!_families.TryGetValue(instrument.Name, out var family))
            _families.Add(instrument.Name, family = new ObservedFamily(instrument));
        if (family.Samples.Count == _limit) return;
        var sorted = labels.ToArray();
        Array.Sort(sorted, static (one, other) => string.CompareOrdinal(one.Key, other.Key));
        family.Samples.Add(new ObservedSample(sorted, value));
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
