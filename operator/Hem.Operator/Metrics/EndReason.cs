using Hem.Core.Planning;

namespace Hem.Operator.Metrics;

/// <summary>
/// The class of an attempt's end, of which there are few: a label must not carry words of trainers. The words for people are in
/// <see cref="AttemptOutcome.Reason"/>, whose beginnings are Hem's own (<see cref="Trials.PodObserver"/>).
/// </summary>
internal static class EndReason
{
    public const string Error = "Error", Preempted = "Preempted";

    private static readonly (string Beginning, string Reason)[] _ofDisruptions =
    [
        ("preempted", Preempted), ("evicted", "Evicted"), ("its node", "NodeLost"), ("ended by its node", "NodeLost"),
        ("refused by its node", "Refused"), ("told to leave", "Terminated"), ("its pod", "Deleted"), ("gone", "Deleted"),
    ];

    public static string Of(AttemptOutcome outcome) => outcome.Result switch
    {
        AttemptResult.Completed => "",
        AttemptResult.Left => "Asked",
        AttemptResult.Disrupted => _ofDisruptions.FirstOrDefault(one => Begins(outcome, one.Beginning)).Reason ?? "Other",
        // The kernel's word, and that of a trainer in .NET, which keeps to its container's limit.
        _ when Begins(outcome, "out of memory") || Begins(outcome, nameof(OutOfMemoryException)) => "OutOfMemory",
        _ when Begins(outcome, "out of ephemeral storage") => "OutOfStorage",
        _ when Begins(outcome, "exit code 0") => "NeverFinished",
        _ when Begins(outcome, "killed by signal") => "Killed",
        _ => outcome.Permanent ? "BadConfiguration" : Error,
    };

    private static bool Begins(AttemptOutcome outcome, string beginning) =>
        outcome.Reason.StartsWith(beginning, StringComparison.Ordinal);
}
