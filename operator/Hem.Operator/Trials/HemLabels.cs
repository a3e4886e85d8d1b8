namespace Hem.Operator.Trials;

/// <summary>Labels of what the operator makes: on HemTrials, Jobs and pods alike, as far as they apply.</summary>
internal static class HemLabels
{
    /// <summary>The sweep's name, for people.</summary>
    public const string Sweep = "hem.dev/sweep";

    /// <summary>
    /// The sweep's UID, by which everything of a sweep is found: one of that name that was deleted and made again has another.
    /// </summary>
    public const string SweepUid = "hem.dev/sweep-uid";
    public const string Trial = "hem.dev/trial";

    /// <summary>The number of the attempt, from 1.</summary>
    public const string Attempt = "hem.dev/attempt";

    /// <summary>Annotation of a Job that the operator stops: why. Set before the Job is deleted.</summary>
    public const string Stop = "hem.dev/stop";

    public const string KueueQueue = "kueue.x-k8s.io/queue-name";
}
