using System.Globalization;
using Hem.Kubernetes;
using Hem.Operator.Api;

namespace Hem.Operator.Trials;

/// <summary>
/// Names that follow from a trial and the number of its attempt alone, so that whoever makes them twice makes the same thing.
/// </summary>
internal static class AttemptKey
{
    /// <summary>The attempt's identity in the result store. Its pods are bound to it there, each with its own UID.</summary>
    public static string InStore(string sweepUid, string trial, int number) =>
        string.Create(CultureInfo.InvariantCulture, $"{sweepUid}/{trial}/{number}");

    /// <summary>The name of its Job. The longest (a sweep's name of 40 characters, attempt 99,999) has 63: a label's length.</summary>
    public static string JobName(string trial, int number) => string.Create(CultureInfo.InvariantCulture, $"{trial}-{number}");

    /// <summary>The attempt that a Job is of by its labels, which its name and its controller must bear out; null for any other.</summary>
    public static (string Trial, int Number)? Of(V1Job job) =>
        job.Label(HemLabels.Trial) is { } trial && int.TryParse(job.Label(HemLabels.Attempt), CultureInfo.InvariantCulture, out int number)
        && job.Metadata.Name == JobName(trial, number) && job.Controller() is { Kind: HemResources.TrialKind } owner && owner.Name == trial
            ? (trial, number)
            : null;
}
