using System.Net;
using Hem.Core.Sweeps;
using Microsoft.Extensions.Logging;

namespace Hem.Operator;

/// <summary>What the operator is told when it is started: flags of `hem-operator run`.</summary>
internal sealed record OperatorOptions
{
    /// <summary>The namespace that the operator itself lives in: its Lease, its certificates.</summary>
    public string Namespace { get; init; } = "hem-system";

    /// <summary>The one namespace whose sweeps it runs; null: all of them.</summary>
    public string? WatchNamespace { get; init; }

    /// <summary>
    /// How the PostgreSQL database of the results is reached, asked for each connection; null: they are in SQLite in the store.
    /// </summary>
    public Func<string>? Results { get; init; }

    /// <summary>Folder of the results, and of what is kept of reports and checkpoints.</summary>
    public string Store { get; init; } = "/var/lib/hem";

    /// <summary>Most bytes of all checkpoints that trials without a claim keep in it.</summary>
    public long CheckpointBytes { get; init; } = 16L << 30;

    /// <summary>Where trainers reach the progress service, HOST:PORT.</summary>
    public string ProgressAddress { get; init; } = "hem-progress.hem-system.svc:7443";

    /// <summary>Where the progress service listens.</summary>
    public IPEndPoint ProgressListen { get; init; } = new(IPAddress.IPv6Any, 7443);

    /// <summary>Where answers (reports, rankings) are served over HTTPS.</summary>
    public IPEndPoint AnswersListen { get; init; } = new(IPAddress.IPv6Any, 8443);

    /// <summary>Running trials of each sweep that have series of their own in the metrics.</summary>
    public int TrialSeries { get; init; }

    /// <summary>Where trainers serve metrics of their own; 0: nowhere.</summary>
    public int TrainerMetricsPort { get; init; } = 9464;

    /// <summary>Where /healthz, /readyz and /metrics are served.</summary>
    public IPEndPoint HealthListen { get; init; } = new(IPAddress.IPv6Any, 8080);

    /// <summary>Image of a trial without GPUs that names none.</summary>
    public string TrainerImage { get; init; } = "hem-trainer:latest";

    /// <summary>Image of a trial with GPUs that names none.</summary>
    public string TrainerGpuImage { get; init; } = "hem-trainer-gpu:latest";

    /// <summary>What pods of trials have where their sweep does not say.</summary>
    public PodSettings TrainerDefaults { get; init; } = Core.Sweeps.TrainerDefaults.Read(UsualTrainer).Settings!;

    /// <summary>
    /// Half a processor, so that one more trial fits on a small machine beside what else runs there; on a full one they get what there is
    /// in equal shares. Trials without images were seen to need 55 to 110 MB.
    /// </summary>
    public const string UsualTrainer = """{"resources":{"requests":{"cpu":"500m","memory":"256Mi"}}}""";

    /// <summary>Path of a kubeconfig; null: the pod's service account, else the user's kubeconfig.</summary>
    public string? Kubeconfig { get; init; }

    /// <summary>Trials of a sweep at once where its spec does not say: enough to leave the limit to quotas and queues.</summary>
    public int DefaultParallelism { get; init; } = 100;

    /// <summary>The pod that the operator runs in, which is labelled while it leads; null outside of a cluster.</summary>
    public string? PodName { get; init; }

    /// <summary>Who this replica is among those that want to lead.</summary>
    public string Identity { get; init; } = $"{Environment.MachineName}_{Guid.NewGuid():N}";

    /// <summary>How long a leader that says nothing is left alone.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A leader that could not renew for so long gives up.</summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Pause between attempts to get or renew the lease.</summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long the results of a sweep stay in the store after it was deleted.</summary>
    public TimeSpan RetainResults { get; init; } = TimeSpan.FromDays(365);

    /// <summary>At most one status write of a sweep in this time.</summary>
    public TimeSpan SweepStatusInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A trial that runs this long says anew how far it is, at most once in this time.</summary>
    public TimeSpan TrialStatusInterval { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Status writes of all sweeps and trials together, a second.</summary>
    public int StatusWritesPerSecond { get; init; } = 10;

    /// <summary>Requests to the API server under way at once for what planners decided.</summary>
    public int ConcurrentWrites { get; init; } = 32;

    /// <summary>How long a trainer's pod may take to save and leave.</summary>
    public TimeSpan LeaveGrace { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Pause after the API server or the store refused something.</summary>
    public TimeSpan TroublePause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>What is logged, and what is worse.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>How log lines look.</summary>
    public LogFormat LogFormat { get; init; } =
        Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST") is { Length: > 0 } ? LogFormat.Json : LogFormat.Text;
}

/// <summary>How log lines look.</summary>
internal enum LogFormat
{
    /// <summary>For people.</summary>
    Text,

    /// <summary>One JSON object a line, for what collects logs.</summary>
    Json,
}
