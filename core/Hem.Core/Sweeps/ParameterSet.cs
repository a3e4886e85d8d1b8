using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Hem.Core.Sweeps;

/// <summary>
/// Named values: immutable, sorted by name (ordinal), equal when all names and values are. Small (some thirty parameters at most in
/// practice), so it is two sorted arrays and not a hash table.
/// </summary>
public sealed class ParameterSet : IReadOnlyDictionary<string, ParameterValue>, IEquatable<ParameterSet>
{
    private readonly string[] names;
    private readonly ParameterValue[] values;

    private ParameterSet(string[] names, ParameterValue[] values) => (this.names, this.values) = (names, values);

    public static ParameterSet Empty { get; } = new([], []);

    public int Count => names.Length;
    public IEnumerable<string> Keys => names;
    public IEnumerable<ParameterValue> Values => values;

    /// <exception cref="KeyNotFoundException">The name is not set.</exception>
    public ParameterValue this[string key] =>
        TryGetValue(key, out var value) ? value : throw new KeyNotFoundException($"no parameter '{key}' is set");

    /// <exception cref="ArgumentException">A name is given twice.</exception>
    public static ParameterSet From(IEnumerable<KeyValuePair<string, ParameterValue>> values)
    {
        var entries = values.ToArray();
        Array.Sort(entries, (a, b) => string.CompareOrdinal(a.Key, b.Key));
        for (var i = 1; i < entries.Length; i++)
        {
            if (entries[i].Key == entries[i - 1].Key) throw new ArgumentException($"'{entries[i].Key}' is given twice", nameof(values));
        }
        return entries.Length == 0
            ? Empty
            : new(Array.ConvertAll(entries, entry => entry.Key), Array.ConvertAll(entries, entry => entry.Value));
    }

    public static ParameterSet Of(params ReadOnlySpan<(string Name, ParameterValue Value)> values)
    {
        var entries = new KeyValuePair<string, ParameterValue>[values.Length];
        for (var i = 0; i < entries.Length; i++) entries[i] = KeyValuePair.Create(values[i].Name, values[i].Value);
        return From(entries);
    }

    public bool ContainsKey(string key) => IndexOf(key) >= 0;

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out ParameterValue value)
    {
        var index = IndexOf(key);
        value = index >= 0 ? values[index] : null;
        return index >= 0;
    }

    /// <summary>The value of a name, or null where it is not set.</summary>
    public ParameterValue? Find(string name) => IndexOf(name) is >= 0 and var index ? values[index] : null;

    /// <summary>A copy in which <paramref name="name"/> has this value, set before or not.</summary>
    public ParameterSet With(string name, ParameterValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var index = IndexOf(name);
        if (index >= 0)
        {
            var changed = (ParameterValue[])values.Clone();
            changed[index] = value;
            return new(names, changed);
        }

        index = ~index;
        return new([.. names.AsSpan(0, index), name, .. names.AsSpan(index)], [.. values.AsSpan(0, index), value, .. values.AsSpan(index)]);
    }

    /// <summary>A copy in which what <paramref name="overlay"/> sets goes before what this set holds.</summary>
    public ParameterSet With(ParameterSet overlay)
    {
        if (overlay.Count == 0) return this;
        if (Count == 0) return overlay;
        var mergedNames = new string[Count + overlay.Count];
        var mergedValues = new ParameterValue[Count + overlay.Count];
        int i = 0, j = 0, n = 0;
        while (i < Count || j < overlay.Count)
        {
            var order = i == Count ? 1 : j == overlay.Count ? -1 : string.CompareOrdinal(names[i], overlay.names[j]);
            (mergedNames[n], mergedValues[n]) = order < 0 ? (names[i], values[i]) : (overlay.names[j], overlay.values[j]);
            if (order <= 0) i++;
            if (order >= 0) j++;
            n++;
        }
        Array.Resize(ref mergedNames, n);
        Array.Resize(ref mergedValues, n);
        return new(mergedNames, mergedValues);
    }

    /// <summary>A copy without <paramref name="name"/>.</summary>
    public ParameterSet Without(string name) => IndexOf(name) is >= 0 and var index
        ? new([.. names.AsSpan(0, index), .. names.AsSpan(index + 1)], [.. values.AsSpan(0, index), .. values.AsSpan(index + 1)])
        : this;

    /// <summary>Canonical JSON (RFC 8785).</summary>
    public string ToJson()
    {
        var builder = new StringBuilder();
        CanonicalJson.Append(builder, this);
        return builder.ToString();
    }

    public override string ToString() => ToJson();

    public Enumerator GetEnumerator() => new(this);
    IEnumerator<KeyValuePair<string, ParameterValue>> IEnumerable<KeyValuePair<string, ParameterValue>>.GetEnumerator() => GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool Equals(ParameterSet? other) =>
        ReferenceEquals(this, other)
        || (other is not null && names.AsSpan().SequenceEqual(other.names) && values.AsSpan().SequenceEqual(other.values));

    public override bool Equals(object? obj) => Equals(obj as ParameterSet);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var (name, value) in this)
        {
            hash.Add(name, StringComparer.Ordinal);
            hash.Add(value);
        }
        return hash.ToHashCode();
    }

    private int IndexOf(string name)
    {
        int low = 0, high = names.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = string.CompareOrdinal(names[middle], name);
            if (order == 0) return middle;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }
        return ~low;
    }

    /// <summary>In order of names, without allocation.</summary>
    public struct Enumerator : IEnumerator<KeyValuePair<string, ParameterValue>>
    {
        private readonly ParameterSet set;
        private int index;

        internal Enumerator(ParameterSet set) => (this.set, index) = (set, -1);

        public readonly KeyValuePair<string, ParameterValue> Current => new(set.names[index], set.values[index]);
        readonly object IEnumerator.Current => Current;
        public bool MoveNext() => ++index < set.names.Length;
        public void Reset() => index = -1;
        public readonly void Dispose() { }
    }
}
