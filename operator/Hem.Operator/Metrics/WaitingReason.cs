namespace Hem.Operator.Metrics;

/// <summary>
/// Why trials do not run, as a label: one of a few, made of the words for people (<see
/// cref="Hem.Core.Planning.AttemptObservation.Waiting"/>), whose beginnings are Hem's own (<see cref="Trials.PodObserver"/>).
/// </summary>
internal static class WaitingReason
{
    /// <summary>As many run as the sweep wants at once.</summary>
    public const string Parallelism = "Parallelism";

    /// <summary>They failed or were disrupted, and are tried again later.</summary>
    public const string BackingOff = "BackingOff";

    /// <summary>The sweep is suspended by its spec.</summary>
    public const string Suspended = "Suspended";

    /// <summary>The sweep's budget is used up.</summary>
    public const string Budget = "Budget";

    /// <summary>The sweep was edited to something that is not accepted.</summary>
    public const string InvalidSpec = "InvalidSpec";

    /// <summary>A queue (Kueue, say) has not admitted them yet.</summary>
    public const string Queued = "Queued";

    /// <summary>A quota of the namespace is used up.</summary>
    public const string Quota = "Quota";

    /// <summary>Nothing is wrong as far as is known: they are about to be, or their image is on its way.</summary>
    public const string Starting = "Starting";

    /// <summary>The API server does not let the operator or a Job create what they need.</summary>
    public const string Refused = "Refused";

    /// <summary>Words that have no class yet.</summary>
    public const string Other = "Other";

    private static readonly (string Beginning, string Reason)[] _beginnings =
    [
        ("unschedulable: ", "Unschedulable"), ("wait in queue", Queued), ("wait: their Jobs are suspended", Queued),
        ("wait for another Job", "NameTaken"), ("cannot pull ", "Image"), ("cannot find ", "Image"),
        ("not created: ", Refused), ("cannot be started: ", Refused), ("cannot start: ", "Container"),
    ];

    /// <summary>All that there are.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        Parallelism, BackingOff, Suspended, Budget, InvalidSpec, Starting, Quota,
        .. _beginnings.Select(one => one.Reason).Distinct(), Other,
    ];

    /// <param name="words">What a starting attempt waits for; null: nobody knows.</param>
    public static string Of(string? words) => words is null ? Starting
        : IsQuota(words) ? Quota
        // A pod that a queue holds back without a Job's help.
        : words.Contains("scheduling gates", StringComparison.Ordinal) ? Queued
        : Array.Find(_beginnings, one => words.StartsWith(one.Beginning, StringComparison.Ordinal)).Reason ?? Other;

    /// <summary>It waits for room in a quota, which is nobody's fault.</summary>
    public static bool IsQuota(string words) => words.Contains("exceeded quota", StringComparison.Ordinal);
}
