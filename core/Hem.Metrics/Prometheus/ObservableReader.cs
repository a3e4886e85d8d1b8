using System.Diagnostics.Metrics;

namespace Hem.Metrics.Prometheus;

/// <summary>What all observable instruments of one name say now.</summary>
/// <param name="instrument">One of them.</param>
internal sealed class ObservedFamily(Instrument instrument)
{
    public Instrument Instrument { get; set; } = instrument;

    /// <summary>How many series there are.</summary>
    public int Count { get; set; }

    /// <summary>Their lines, which are the same in all formats, labels by name.</summary>
    public SampleText Samples { get; } = new(256);
}

/// <summary>
/// Asks the observable instruments of some meters, anew for each scrape. OpenTelemetry's SDK keeps the place of every series that an
/// instrument has ever had: in a program that lives long, sweeps and trials of later days would find none left.
/// </summary>
internal sealed class ObservableReader : IDisposable
{
    private readonly MeterListener _listener;
    private readonly int _limit;
    private readonly Dictionary<string, ObservedFamily> _families = new(StringComparer.Ordinal);
    private KeyValuePair<string, object?>[] _labels = new KeyValuePair<string, object?>[16];

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
        _listener.SetMeasurementEventCallback<int>((instrument, value, labels, _) => Begin(instrument, labels)?.AddValue(value));
        _listener.SetMeasurementEventCallback<long>((instrument, value, labels, _) => Begin(instrument, labels)?.AddValue(value));
        _listener.SetMeasurementEventCallback<double>((instrument, value, labels, _) => Begin(instrument, labels)?.AddValue(value));
        _listener.Start();
    }

    /// <summary>By name; good until the next reading. One at a time.</summary>
    public IReadOnlyDictionary<string, ObservedFamily> Read()
    {
        foreach (var family in _families.Values)
        {
            family.Count = 0;
            family.Samples.Clear();
        }

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

    /// <returns>Where the value goes; null where there are enough.</returns>
    private SampleText? Begin(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        if (!_families.TryGetValue(instrument.Name, out var family))
            _families.Add(instrument.Name, family = new ObservedFamily(instrument));
        if (family.Count == _limit) return null;
        family.Count++;
        family.Instrument = instrument;
        family.Samples.Add(instrument.Name);
        family.Samples.AddLabels(Sorted(labels));
        return family.Samples;
    }

    /// <summary>By insertion: whoever has many labels has nearly sorted ones.</summary>
    private ReadOnlySpan<KeyValuePair<string, object?>> Sorted(ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        if (_labels.Length < labels.Length) _labels = new KeyValuePair<string, object?>[2 * labels.Length];
        for (var i = 0; i < labels.Length; i++)
        {
            var place = i;
            for (; place > 0 && string.CompareOrdinal(_labels[place - 1].Key, labels[i].Key) > 0; place--)
                _labels[place] = _labels[place - 1];
            _labels[place] = labels[i];
        }

        return _labels.AsSpan(0, labels.Length);
    }
}
