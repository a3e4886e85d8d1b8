namespace Hem.Kubernetes;

/// <summary>So many entries; of more, that is forgotten which was not asked for the longest.</summary>
internal sealed class LeastRecent<TKey, TValue>(int capacity)
    where TKey : notnull
{
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value)>> _entries = [];
    private readonly LinkedList<(TKey Key, TValue Value)> _order = new();

    public int Count => _entries.Count;

    public TValue GetOrAdd(TKey key, Func<TValue> make)
    {
        if (_entries.TryGetValue(key, out var node))
        {
            _order.Remove(node);
            _order.AddFirst(node);
            return node.Value.Value;
        }
        if (_entries.Count >= capacity)
        {
            _entries.Remove(_order.Last!.Value.Key);
            _order.RemoveLast();
        }
        node = _order.AddFirst((key, make()));
        _entries.Add(key, node);
        return node.Value.Value;
    }
}
