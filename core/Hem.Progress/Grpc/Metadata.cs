using System.Collections;
using System.Text;

namespace Hem.Progress.Grpc;

/// <summary>
/// Headers or trailers of a call: pairs of a lower-case key and a value. Keys that end in <c>-bin</c> carry bytes, all others printable
/// ASCII. A key may occur more than once.
/// </summary>
public sealed class Metadata : IList<Metadata.Entry>
{
    /// <summary>Keys with this end carry bytes.</summary>
    public const string BinaryHeaderSuffix = "-bin";

    public static readonly Metadata Empty = new() { IsReadOnly = true };

    private readonly List<Entry> _entries = [];

    public int Count => _entries.Count;
    public bool IsReadOnly { get; private init; }

    public Entry this[int index]
    {
        get => _entries[index];
        set
        {
            CheckWritable();
            _entries[index] = value;
        }
    }

    /// <summary>The last entry of this key, or null.</summary>
    public Entry? Get(string key) => _entries.FindLast(entry => entry.Key == key);

    /// <summary>The last value of this key, or null.</summary>
    public string? GetValue(string key) => Get(key)?.Value;

    /// <summary>The last bytes of this key, or null.</summary>
    public byte[]? GetValueBytes(string key) => Get(key)?.ValueBytes;

    /// <summary>Every entry of this key, in order.</summary>
    public IEnumerable<Entry> GetAll(string key) => _entries.Where(entry => entry.Key == key);

    public void Add(string key, string value) => Add(new Entry(key, value));
    public void Add(string key, byte[] valueBytes) => Add(new Entry(key, valueBytes));

    public void Add(Entry item)
    {
        CheckWritable();
        _entries.Add(item);
    }

    public void Clear()
    {
        CheckWritable();
        _entries.Clear();
    }

    public void Insert(int index, Entry item)
    {
        CheckWritable();
        _entries.Insert(index, item);
    }

    public bool Remove(Entry item)
    {
        CheckWritable();
        return _entries.Remove(item);
    }

    public void RemoveAt(int index)
    {
        CheckWritable();
        _entries.RemoveAt(index);
    }

    public bool Contains(Entry item) => _entries.Contains(item);
    public int IndexOf(Entry item) => _entries.IndexOf(item);
    public void CopyTo(Entry[] array, int arrayIndex) => _entries.CopyTo(array, arrayIndex);
    public IEnumerator<Entry> GetEnumerator() => _entries.GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private void CheckWritable()
    {
        if (IsReadOnly)
            throw new InvalidOperationException("This metadata is read-only.");
    }

    /// <summary>One key and its value.</summary>
    public sealed class Entry
    {
        private readonly byte[]? _bytes;
        private readonly string? _text;

        /// <summary>Text: printable ASCII; the key must not end in <c>-bin</c>.</summary>
        /// <exception cref="ArgumentException">the key or the value may not travel</exception>
        public Entry(string key, string value)
        {
            Key = CheckKey(key);
            if (IsBinary)
                throw new ArgumentException($"Metadata key '{Key}' ends in '{BinaryHeaderSuffix}': give its value as bytes.", nameof(key));
            ArgumentNullException.ThrowIfNull(value);
            if (value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
                throw new ArgumentException($"The value of metadata key '{Key}' has other than printable ASCII characters.", nameof(value));
            _text = value;
        }

        /// <summary>Bytes: the key must end in <c>-bin</c>.</summary>
        /// <exception cref="ArgumentException">the key may not travel</exception>
        public Entry(string key, byte[] valueBytes)
        {
            Key = CheckKey(key);
            if (!IsBinary)
                throw new ArgumentException($"Metadata key '{Key}' has no '{BinaryHeaderSuffix}' at its end: give text.", nameof(key));
            ArgumentNullException.ThrowIfNull(valueBytes);
            _bytes = valueBytes;
        }

        private Entry(string key, string? text, byte[]? bytes) => (Key, _text, _bytes) = (key, text, bytes);

        public string Key { get; }
        public bool IsBinary => Key.EndsWith(BinaryHeaderSuffix, StringComparison.Ordinal);
        public string Value => _text ?? throw new InvalidOperationException($"Metadata key '{Key}' is binary: read ValueBytes.");
        public byte[] ValueBytes => _bytes ?? Encoding.ASCII.GetBytes(_text!);

        // Without the value, which may be a token.
        public override string ToString() => $"[Entry: key={Key}, {_bytes?.Length ?? _text!.Length} {(IsBinary ? "bytes" : "characters")}]";

        // From the wire: the peer's HTTP layer has checked it already, and what it let through is shown as it is.
        internal static Entry Received(string key, string text) => new(key, text, null);
        internal static Entry Received(string key, byte[] bytes) => new(key, null, bytes);

        private static string CheckKey(string key)
        {
            ArgumentException.ThrowIfNullOrEmpty(key);
            var lower = key.ToLowerInvariant();
            foreach (var c in lower)
            {
                if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c is not ('.' or '-' or '_'))
                    throw new ArgumentException($"Metadata key '{key}' may have only a-z, 0-9, '.', '-' and '_'.", nameof(key));
            }
            return lower;
        }
    }
}
