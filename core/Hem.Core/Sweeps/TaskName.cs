using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Hem.Core.Sweeps;

/// <summary>A task by its name: <c>flipbit-25</c> is the family <c>flipbit</c> in the size 25.</summary>
public sealed record TaskName
{
    public const string FlipBit = "flipbit";
    public const string FourRooms = "fourrooms";
    public const string PointMass = "pointmass";
    public const string Reacher = "reacher";
    public const string SawyerReach = "sawyer-reach";
    public const string OneStep = "one-step";

    /// <summary>Smallest and largest K of <c>flipbit-K</c>.</summary>
    public const int SmallestFlipBit = 2, LargestFlipBit = 128;

    /// <summary>Smallest and largest K of <c>one-step-K</c> (our choice: the closed forms are checked for 2 to 100).</summary>
    public const int SmallestOneStep = 2, LargestOneStep = 1000;

    private static readonly string[] unsized =
        [FourRooms, PointMass, Reacher, "fetch-reach", "fetch-push", "fetch-slide", "fetch-pickplace", SawyerReach];

    private TaskName(string family, int size) => (Family, Size) = (family, size);

    /// <summary>The name without its size.</summary>
    public string Family { get; }

    /// <summary>K of <c>flipbit-K</c> and <c>one-step-K</c>, else 0.</summary>
    public int Size { get; }

    /// <summary>Names of all tasks, with K where a size stands.</summary>
    public static IReadOnlyList<string> All { get; } = [$"{FlipBit}-K", .. unsized, $"{OneStep}-K"];

    public bool IsFetch => Family.StartsWith("fetch-", StringComparison.Ordinal);

    /// <summary>Actions are chosen from a list, not from a box of real numbers.</summary>
    public bool IsDiscrete => Family is FlipBit or FourRooms or OneStep;

    /// <summary>The task can show its state as a picture.</summary>
    public bool HasImages => !IsDiscrete;

    /// <summary>Actions of an episode at most: the horizon T.</summary>
    public int Horizon => Family switch
    {
        FlipBit => Size,
        FourRooms => 31,
        OneStep => 1,
        _ => 50,
    };

    /// <summary>The initial states to choose from, the default first; empty where the task has no choice.</summary>
    public IReadOnlyList<string> Starts => Family switch
    {
        FlipBit => ["uniform", "zeros"],
        PointMass => ["centre", "uniform"],
        _ => [],
    };

    public static bool TryParse(string text, [NotNullWhen(true)] out TaskName? task)
    {
        task = null;
        var index = Array.IndexOf(unsized, text);
        if (index >= 0) task = new(unsized[index], 0);
        else if (Sized(text, FlipBit, SmallestFlipBit, LargestFlipBit) is { } bits) task = new(FlipBit, bits);
        else if (Sized(text, OneStep, SmallestOneStep, LargestOneStep) is { } actions) task = new(OneStep, actions);
        return task is not null;
    }

    public override string ToString() => Size == 0 ? Family : string.Create(CultureInfo.InvariantCulture, $"{Family}-{Size}");

    private static int? Sized(string text, string family, int smallest, int largest)
    {
        if (text.Length < family.Length + 2 || text[family.Length] != '-') return null;
        if (!text.StartsWith(family, StringComparison.Ordinal)) return null;
        var digits = text.AsSpan(family.Length + 1);
        if (digits[0] == '0' || digits.Length > 4 || digits.ContainsAnyExceptInRange('0', '9')) return null;
        var size = int.Parse(digits, CultureInfo.InvariantCulture);
        return size >= smallest && size <= largest ? size : null;
    }
}
