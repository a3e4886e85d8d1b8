using System.Globalization;
using System.Text;

namespace Hem.Core.Sweeps;

/// <summary>Collects faults, and knows the path of the place that is being read.</summary>
internal sealed class FaultList
{
    /// <summary>More than anybody reads; a file of nothing but faults must not fill the memory.</summary>
    public const int Most = 1_000;

    private readonly List<Fault> faults = [];
    private readonly HashSet<(string, string)> seen = [];
    private readonly List<string> path = [];

    /// <summary>Faults beyond the limit were left out.</summary>
    public bool IsFull => faults.Count >= Most;

    public int Count => faults.Count;

    /// <summary>What is wrong, each place and message once, by line where lines are known.</summary>
    public IReadOnlyList<Fault> InOrder()
    {
        var ordered = faults.OrderBy(fault => fault.Line ?? 0).ToList();
        if (!IsFull) return ordered;
        var most = Most.ToString("N0", CultureInfo.InvariantCulture);
        ordered.Add(new Fault("", null, $"and possibly more: only the first {most} faults are shown"));
        return ordered;
    }

    public void Add(Fault fault)
    {
        if (!IsFull && seen.Add((fault.Path, fault.Message))) faults.Add(fault);
    }

    public void AddHere(string? value, string message, int line) => Add(new Fault(Path, value, message, Line: line));

    public void Enter(string field) => path.Add(field);
    public void Enter(int index) => path.Add(string.Create(CultureInfo.InvariantCulture, $"[{index}]"));
    public void Leave() => path.RemoveAt(path.Count - 1);

    public string Path
    {
        get
        {
            var text = new StringBuilder();
            foreach (var segment in path)
            {
                if (text.Length > 0 && segment[0] != '[') text.Append('.');
                text.Append(segment.Length <= 60 ? segment : segment[..57] + "...");
            }
            return text.ToString();
        }
    }
}
