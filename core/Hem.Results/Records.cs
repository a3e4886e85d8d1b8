namespace Hem.Results;

/// <summary>A sweep as stored. <paramref name="Spec"/> is its text as given (YAML or JSON), for reports and for people.</summary>
public sealed record SweepRecord(string Uid, string Name, string Spec, DateTimeOffset Created, DateTimeOffset Updated)
{
    /// <summary>The namespace of a cluster's sweep; empty for one machine's.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>When a cluster's sweep was deleted; its results are kept all the same. Null while it is there.</summary>
    public DateTimeOffset? Deleted { get; init; }
}

/// <summary>A sweep object of a cluster: the object's UID is the sweep's, so that one deleted and created again is another.</summary>
/// <param name="Created">When the API server created the object.</param>
public sealed record ClusterSweep(string Uid, string Namespace, string Name, string Spec, DateTimeOffset Created);

/// <summary>A trial to add.</summary>
/// <param name="Name">`&lt;sweep&gt;-&lt;16 hex&gt;`, unique within the sweep.</param>
/// <param name="Hash">The full hash that the name abbreviates.</param>
/// <param name="ConfigurationId">Identity of the parameters without the seed; the same in every sweep.</param>
/// <param name="Parameters">The parameters as JSON text.</param>
public sealed record NewTrial(string Name, string Hash, long Seed, string ConfigurationId, string Parameters);

/// <summary>A trial as stored: what a planner needs to be rebuilt, in one row.</summary>
public sealed record TrialRecord
{
    public required string Name { get; init; }
    public required string Hash { get; init; }
    public required long Seed { get; init; }
    public required string ConfigurationId { get; init; }

    /// <summary>The parameters as JSON text.</summary>
    public required string Parameters { get; init; }

    /// <summary>The stored `Finished`; null while the trial is not complete.</summary>
    public FinishedRecord? Finished { get; init; }

    /// <summary>An edit of the sweep took this trial out of it; its points stay but do not count.</summary>
    public bool Superseded { get; init; }

    /// <summary>Attempts that ended as failures.</summary>
    public int Failures { get; init; }

    /// <summary>Attempts that ended as disruptions.</summary>
    public int Disruptions { get; init; }

    /// <summary>A failure said that no retry would help.</summary>
    public bool FailedPermanently { get; init; }

    /// <summary>Number of the latest attempt; 0 before the first.</summary>
    public int LastAttempt { get; init; }

    /// <summary>Repeated points whose values differed from the stored ones (the stored ones were kept).</summary>
    public int DifferingRepeats { get; init; }
}

/// <summary>What `Finished` said.</summary>
/// <param name="WallSeconds">Time spent training and evaluating, over all attempts, s.</param>
public sealed record FinishedRecord(DateTimeOffset At, long Iteration, bool StoppedEarly, double WallSeconds);

/// <summary>How an attempt ended.</summary>
public enum AttemptOutcome
{
    /// <summary>Its `Finished` is stored.</summary>
    Completed = 1,

    /// <summary>Its own doing; counts against the retries for failures.</summary>
    Failed = 2,

    /// <summary>Not its doing; counts against the retries for disruptions.</summary>
    Disrupted = 3,

    /// <summary>It was asked to save and leave, and did; counts against nothing.</summary>
    Left = 4,
}

/// <summary>An attempt that is about to start. Recorded before its process is, so that no process is ever without a record.</summary>
public sealed record NewAttempt(string SweepUid, string Trial, int Number, string Id);

/// <summary>A pod of an attempt: a Job that was suspended and resumed has several, one after the other.</summary>
/// <param name="AttemptNumber">Number of the attempt within its trial.</param>
public sealed record NewPod(string SweepUid, string Trial, int AttemptNumber, string Uid, string Name);

/// <summary>Time in which an attempt held a pod that a queue took away again.</summary>
/// <param name="Pod">Its UID, or whatever names it once for all.</param>
public sealed record HeldTimeRecord(string AttemptId, string Pod, DateTimeOffset From, DateTimeOffset To);

/// <summary>An ended attempt that is known from elsewhere.</summary>
/// <param name="Permanent">With Failed: no retry would help.</param>
public sealed record ImportedAttempt(int Number, string Id, AttemptOutcome Outcome, string Reason, bool Permanent = false);

/// <summary>An attempt as stored.</summary>
public sealed record AttemptRecord
{
    public required string SweepUid { get; init; }
    public required string Trial { get; init; }
    public required int Number { get; init; }

    /// <summary>Opaque identity (HEM_ATTEMPT), unique in the store.</summary>
    public required string Id { get; init; }

    public required DateTimeOffset Started { get; init; }

    /// <summary>Null until the process is known.</summary>
    public int? ProcessId { get; init; }

    /// <summary>Start time of the process in whatever unit the engine compares (with the pid it names one process for good).</summary>
    public long? ProcessStarted { get; init; }

    /// <summary>Null while the attempt runs, as far as the store knows.</summary>
    public DateTimeOffset? Ended { get; init; }

    public AttemptOutcome? Outcome { get; init; }
    public string? Reason { get; init; }
    public int? ExitCode { get; init; }

    /// <summary>Every report of the attempt's process up to this sequence is stored. (Those of pods are counted for each pod.)</summary>
    public ulong AcknowledgedUpTo { get; init; }

    /// <summary>What the trainer's `Failed` said, if it said anything.</summary>
    public string? FailedReason { get; init; }

    public bool FailedPermanently { get; init; }

    /// <summary>Iteration of the newest checkpoint that the attempt reported; null before the first.</summary>
    public long? CheckpointIteration { get; init; }
}

/// <summary>One point of a learning curve, as `Evaluated` in progress.proto.</summary>
/// <param name="Loss">NaN where there is none.</param>
/// <param name="Attempt">Number of the attempt that stored it.</param>
/// <param name="GoalCoverage">Null where it is not known.</param>
public sealed record PointRecord(
    string Trial, long Iteration, long Trajectories, long EnvSteps, long Updates, double SuccessRate, double Loss, double WallSeconds,
    int Attempt, DateTimeOffset Stored, double? GoalCoverage = null);

/// <summary>How long complete trials of one configuration took, over all sweeps of the store.</summary>
/// <param name="Parameters">Parameters of one of them as JSON text.</param>
/// <param name="MeanWallSeconds">Mean time of training and evaluating, s.</param>
/// <param name="MeanIterations">Mean number of iterations at the end.</param>
public sealed record DurationRecord(
    string ConfigurationId, string Parameters, int Trials, double MeanWallSeconds, double MaxWallSeconds, double MeanIterations);

/// <summary>Who holds a store.</summary>
public sealed record StoreHolder(int ProcessId, string Command, DateTimeOffset Since, string Host);

/// <summary>Bytes; null: not known, as of a server's disk.</summary>
/// <param name="Size">What the store takes, without checkpoints.</param>
/// <param name="Free">What is left where it lies.</param>
/// <param name="Capacity">All that there is where it lies, whatever else takes of it.</param>
public readonly record struct StoreSize(long? Size, long? Free, long? Capacity);
