using System.Numerics;

namespace Hem.Core.Planning;

/// <summary>A set of the numbers 0..capacity-1 in order: a bit each, with summary bits above, so that finding the next one costs the same
/// whether the set holds ten numbers or a hundred thousand.</summary>
internal sealed class IndexSet
{
    private readonly ulong[][] levels;

    public IndexSet(int capacity)
    {
        var sizes = new List<int>();
        var words = capacity;
        do
            sizes.Add(words = Math.Max(1, (words + 63) / 64));
        while (words > 1);
        levels = [.. sizes.Select(size => new ulong[size])];
    }

    public int Count { get; private set; }

    public void Add(int item)
    {
        var word = levels[0][item >> 6];
        if ((word & (1UL << item)) != 0)
            return;
        Count++;
        foreach (var level in levels)
        {
            var before = level[item >> 6];
            level[item >> 6] = before | (1UL << item);
            if (before != 0)
                return;
            item >>= 6;
        }
    }

    public void Remove(int item)
    {
        var word = levels[0][item >> 6];
        if ((word & (1UL << item)) == 0)
            return;
        Count--;
        foreach (var level in levels)
        {
            level[item >> 6] &= ~(1UL << item);
            if (level[item >> 6] != 0)
                return;
            item >>= 6;
        }
    }

    /// <summary>The smallest member that is at least <paramref name="from"/>, or -1.</summary>
    public int Next(int from)
    {
        var item = from;
        for (var depth = 0; depth < levels.Length; depth++)
        {
            var level = levels[depth];
            if (item >> 6 >= level.Length)
                return -1;
            var rest = level[item >> 6] >> item;
            if (rest != 0)
            {
                item += BitOperations.TrailingZeroCount(rest);
                while (depth-- > 0)
                    item = (item << 6) + BitOperations.TrailingZeroCount(levels[depth][item]);
                return item;
            }
            item = (item >> 6) + 1;
        }
        return -1;
    }

    /// <summary>The members in order. The set must not change meanwhile.</summary>
    public IEnumerable<int> Items()
    {
        for (var item = Next(0); item >= 0; item = Next(item + 1))
            yield return item;
    }
}
