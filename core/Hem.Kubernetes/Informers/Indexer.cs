using System.Diagnostics.CodeAnalysis;

namespace Hem.Kubernetes;

/// <summary>
/// The objects that an informer knows, by key and by what index functions say of them. Reads are copies of the moment; the objects are
/// shared by all readers and must not be changed. Thread-safe.
/// </summary>
public sealed class Indexer<T>
    where T : class, IKubernetesObject
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Index> _indexes = new(StringComparer.Ordinal);
    private Dictionary<ObjectKey, T> _items = [];

    private sealed record Index(Func<T, IEnumerable<string>> Values)
    {
        public Dictionary<string, HashSet<ObjectKey>> Keys { get; } = new(StringComparer.Ordinal);
    }

    public int Count
    {
        get
        {
            lock (_lock) return _items.Count;
        }
    }

    public T? Get(ObjectKey key)
    {
        lock (_lock) return _items.GetValueOrDefault(key);
    }

    public T? Get(string? ns, string name) => Get(new ObjectKey(ns, name));

    public bool TryGet(ObjectKey key, [NotNullWhen(true)] out T? item)
    {
        lock (_lock) return _items.TryGetValue(key, out item);
    }

    public T[] List()
    {
        lock (_lock) return [.. _items.Values];
    }

    /// <summary>
    /// An index of a name, by the values that <paramref name="values"/> gives for an object, for the objects there are already, too. It
    /// must give the same for the same object always, and never throw.
    /// </summary>
    public void AddIndex(string name, Func<T, IEnumerable<string>> values)
    {
        lock (_lock)
        {
            var index = new Index(values);
            _indexes.Add(name, index);
            foreach (var (key, item) in _items) Add(index, key, item);
        }
    }

    /// <summary>The objects for which the index says this value.</summary>
    public T[] ByIndex(string name, string value)
    {
        lock (_lock)
        {
            var index = _indexes.GetValueOrDefault(name) ?? throw new ArgumentException($"There is no index '{name}'.", nameof(name));
            if (!index.Keys.TryGetValue(value, out var keys)) return [];
            var found = new T[keys.Count];
            var at = 0;
            foreach (var key in keys) found[at++] = _items[key];
            return found;
        }
    }

    /// <summary>How many those are.</summary>
    public int CountByIndex(string name, string value)
    {
        lock (_lock)
        {
            var index = _indexes.GetValueOrDefault(name) ?? throw new ArgumentException($"There is no index '{name}'.", nameof(name));
            return index.Keys.TryGetValue(value, out var keys) ? keys.Count : 0;
        }
    }

    /// <returns>What was there before.</returns>
    internal T? Set(ObjectKey key, T item)
    {
        lock (_lock)
        {
            _items.TryGetValue(key, out var old);
            _items[key] = item;
            foreach (var index in _indexes.Values)
            {
                if (old is not null) Remove(index, key, old);
                Add(index, key, item);
            }
            return old;
        }
    }

    internal T? Remove(ObjectKey key)
    {
        lock (_lock)
        {
            if (!_items.Remove(key, out var old)) return null;
            foreach (var index in _indexes.Values) Remove(index, key, old);
            return old;
        }
    }

    /// <returns>What was there before, all of it.</returns>
    internal Dictionary<ObjectKey, T> Replace(Dictionary<ObjectKey, T> items)
    {
        lock (_lock)
        {
            var old = _items;
            _items = items;
            foreach (var index in _indexes.Values)
            {
                index.Keys.Clear();
                foreach (var (key, item) in items) Add(index, key, item);
            }
            return old;
        }
    }

    private static void Add(Index index, ObjectKey key, T item)
    {
        foreach (var value in index.Values(item))
        {
            if (!index.Keys.TryGetValue(value, out var keys)) index.Keys.Add(value, keys = []);
            keys.Add(key);
        }
    }

    private static void Remove(Index index, ObjectKey key, T item)
    {
        foreach (var value in index.Values(item))
        {
            if (!index.Keys.TryGetValue(value, out var keys)) continue;
            keys.Remove(key);
            if (keys.Count == 0) index.Keys.Remove(value);
        }
    }
}
