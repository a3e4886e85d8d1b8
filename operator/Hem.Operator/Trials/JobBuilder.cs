using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Hem.Core.Sweeps;
using Hem.Kubernetes;
using Hem.Operator.Progress;

namespace Hem.Operator.Trials;

/// <summary>An attempt that is to have a Job.</summary>
/// <param name="Owner">Reference to the HemTrial.</param>
/// <param name="Configuration">The trial's configuration, as reports name it.</param>
internal sealed record AttemptJob(
    string Namespace, string SweepUid, HemSweep Sweep, TrialSpec Trial, int Number, V1OwnerReference Owner, string? Configuration = null);

/// <summary>Builds the Job of an attempt: one pod, no retries of its own, and the trial contract's environment. Pure.</summary>
internal static class JobBuilder
{
    /// <summary>The container's name, in its pod's status and for `kubectl logs`.</summary>
    public const string Container = "trainer";

    /// <summary>Audience of the token that a trainer shows to the progress service.</summary>
    public const string Audience = PodTokenAuthority.Audience;

    /// <summary>The ConfigMap, in every namespace with sweeps, that holds the progress service's CA certificates.</summary>
    public const string CaConfigMap = CertificateOptions.ConfigMapName;

    public const string CaKey = CertificateOptions.ConfigMapKey;
    public const string GpuResource = "nvidia.com/gpu";

    /// <summary>The name of the port that a trainer serves its metrics on.</summary>
    public const string MetricsPort = "metrics";

    private const string ContractFolder = "/var/run/hem";
    private const string CheckpointFolder = "/var/lib/hem/checkpoints";

    /// <summary>Of /tmp: one trial must not fill its node.</summary>
    private const string TemporaryBytes = "2Gi";

    /// <summary>Nobody in particular; a claim's files belong to it.</summary>
    private const long User = 65532;

    /// <summary>The kubelet renews a token well before that.</summary>
    private const long TokenSeconds = 3600;

    public static V1Job Build(AttemptJob attempt, OperatorOptions options)
    {
        TrainerTemplate template = attempt.Sweep.Spec.Trainer.For(attempt.Trial.Parameters);
        PodSettings pod = options.TrainerDefaults.Under(template.Pod);
        string name = AttemptKey.JobName(attempt.Trial.Name, attempt.Number);
        var labels = new Dictionary<string, string>
        {
            [HemLabels.Sweep] = attempt.Sweep.Metadata.Name,
            [HemLabels.SweepUid] = attempt.SweepUid,
            [HemLabels.Trial] = attempt.Trial.Name,
            [HemLabels.Attempt] = attempt.Number.ToString(CultureInfo.InvariantCulture),
        };
        // The reader refuses those that are ours.
        foreach ((string key, string value) in Fields(pod.Labels, TemplateJson.Default.DictionaryStringString) ?? [])
            labels.TryAdd(key, value);
        var jobLabels = new Dictionary<string, string>(labels);
        if (pod.QueueName is { } queue) jobLabels[HemLabels.KueueQueue] = queue;
        return new V1Job
        {
            ApiVersion = Resources.Jobs.ApiVersion,
            Kind = Resources.Jobs.Kind,
            Metadata = new V1ObjectMeta
            {
                Name = name,
                Namespace = attempt.Namespace,
                Labels = jobLabels,
                OwnerReferences = [attempt.Owner],
            },
            Spec = new V1JobSpec
            {
                Parallelism = 1,
                Completions = 1,
                BackoffLimit = 0,
                PodReplacementPolicy = "Failed",
                Template = new V1PodTemplateSpec
                {
                    Metadata = new V1ObjectMeta
                    {
                        Labels = labels,
                        Annotations = Fields(pod.Annotations, TemplateJson.Default.DictionaryStringString),
                    },
                    Spec = Pod(attempt, template, pod, options),
                },
            },
        };
    }

    private static V1PodSpec Pod(AttemptJob attempt, TrainerTemplate template, PodSettings pod, OperatorOptions options)
    {
        bool onClaim = template.Checkpoints.ClaimName is not null;
        // A port on which nobody answers would be a target that is down, to Prometheus.
        int? metricsPort = options.TrainerMetricsPort != 0 && (template.Metrics ?? pod.Image is null) ? options.TrainerMetricsPort : null;
        var volumes = new List<V1Volume>
        {
            new() { Name = "hem-tmp", EmptyDir = new V1EmptyDirVolumeSource { SizeLimit = TemporaryBytes } },
            Contract(),
        };
        var mounts = new List<V1VolumeMount>
        {
            new() { Name = "hem-tmp", MountPath = "/tmp" },
            new() { Name = "hem-contract", MountPath = ContractFolder, ReadOnly = true },
        };
        if (onClaim)
        {
            volumes.Add(new()
            {
                Name = "hem-checkpoints",
                PersistentVolumeClaim = new() { ClaimName = template.Checkpoints.ClaimName! },
            });
            mounts.Add(new() { Name = "hem-checkpoints", MountPath = CheckpointFolder });
        }

        volumes.AddRange(Fields(pod.Volumes, TemplateJson.Default.ListV1Volume) ?? []);
        mounts.AddRange(Fields(pod.VolumeMounts, TemplateJson.Default.ListV1VolumeMount) ?? []);
        return new V1PodSpec
        {
            RestartPolicy = "Never",
            ServiceAccountName = pod.ServiceAccountName,
            AutomountServiceAccountToken = false,
            EnableServiceLinks = false,
            TerminationGracePeriodSeconds = (long)options.LeaveGrace.TotalSeconds,
            ImagePullSecrets = Fields(pod.ImagePullSecrets, TemplateJson.Default.ListV1LocalObjectReference),
            NodeSelector = Fields(pod.NodeSelector, TemplateJson.Default.DictionaryStringString),
            Tolerations = Fields(pod.Tolerations, TemplateJson.Default.ListV1Toleration),
            Affinity = Fields(pod.Affinity, TemplateJson.Default.V1Affinity),
            PriorityClassName = pod.PriorityClassName,
            RuntimeClassName = pod.RuntimeClassName,
            SecurityContext = new V1PodSecurityContext
            {
                RunAsNonRoot = true,
                RunAsUser = User,
                RunAsGroup = User,
                FsGroup = User,
                FsGroupChangePolicy = "OnRootMismatch",
                SeccompProfile = new V1SeccompProfile { Type = "RuntimeDefault" },
            },
            Containers =
            [
                new V1Container
                {
                    Name = Container,
                    Image = pod.Image ?? (template.Gpus > 0 ? options.TrainerGpuImage : options.TrainerImage),
                    ImagePullPolicy = pod.ImagePullPolicy,
                    Command = template.Command is { } command ? [.. command] : null,
                    Ports = metricsPort is { } port ? [new() { Name = MetricsPort, ContainerPort = port, Protocol = "TCP" }] : null,
                    Env =
                    [
                        .. Environment(attempt, options, onClaim, metricsPort),
                        .. Fields(pod.Env, TemplateJson.Default.ListV1EnvVar) ?? [],
                    ],
                    EnvFrom = Fields(pod.EnvFrom, TemplateJson.Default.ListV1EnvFromSource),
                    Resources = Requirements(template, pod.Resources),
                    VolumeMounts = mounts,
                    // What it said last comes back in the pod's status, where it outlives the log.
                    TerminationMessagePolicy = "FallbackToLogsOnError",
                    SecurityContext = new V1SecurityContext
                    {
                        RunAsNonRoot = true,
                        ReadOnlyRootFilesystem = true,
                        AllowPrivilegeEscalation = false,
                        Capabilities = new V1Capabilities { Drop = ["ALL"] },
                        SeccompProfile = new V1SeccompProfile { Type = "RuntimeDefault" },
                    },
                },
            ],
            Volumes = volumes,
        };
    }

    /// <summary>Token and CA in one folder without subPath, so that both follow when they are renewed.</summary>
    private static V1Volume Contract() => new()
    {
        Name = "hem-contract",
        Projected = new V1ProjectedVolumeSource
        {
            Sources =
            [
                new() { ServiceAccountToken = new() { Audience = Audience, ExpirationSeconds = TokenSeconds, Path = "token" } },
                new() { ConfigMap = new() { Name = CaConfigMap, Items = [new() { Key = CaKey, Path = CaKey }] } },
            ],
        },
    };

    private static List<V1EnvVar> Environment(AttemptJob attempt, OperatorOptions options, bool onClaim, int? metricsPort)
    {
        var variables = new List<V1EnvVar>
        {
            new() { Name = "HEM_TRIAL", Value = Escape(TrialDocument.For(attempt.Sweep, attempt.Trial, attempt.Configuration).ToJson()) },
            new() { Name = "HEM_ATTEMPT", ValueFrom = new() { FieldRef = new() { FieldPath = "metadata.uid" } } },
            new() { Name = "HEM_PROGRESS_ADDRESS", Value = "https://" + options.ProgressAddress },
            new() { Name = "HEM_PROGRESS_TOKEN_FILE", Value = ContractFolder + "/token" },
            new() { Name = "HEM_PROGRESS_CA_FILE", Value = $"{ContractFolder}/{CaKey}" },
            new() { Name = "HEM_LOG_FORMAT", Value = "json" },
        };
        if (metricsPort is { } port)
            variables.Add(new() { Name = "HEM_METRICS_PORT", Value = port.ToString(CultureInfo.InvariantCulture) });
        // By UID: a sweep that was deleted and made again runs anew, and must not find what its namesake saved.
        if (onClaim)
            variables.Add(new() { Name = "HEM_CHECKPOINT_DIR", Value = $"{CheckpointFolder}/{attempt.SweepUid}/{attempt.Trial.Name}" });
        return variables;
    }

    // The kubelet replaces $(NAME) in a value.
    private static string Escape(string value) => value.Replace("$(", "$$(", StringComparison.Ordinal);

    /// <param name="resources">With what all trials have by default.</param>
    private static V1ResourceRequirements Requirements(TrainerTemplate template, ParameterValue? resources)
    {
        V1ResourceRequirements given = Fields(resources, TemplateJson.Default.V1ResourceRequirements) ?? new V1ResourceRequirements();
        // As many processors as threads, where the sweep says how many and not what they are to get.
        if (template.Threads is { } threads && !Names(template.Pod.Resources, "cpu"))
        {
            given = given with
            {
                Requests = new Dictionary<string, string>(given.Requests ?? [])
                {
                    ["cpu"] = threads.ToString(CultureInfo.InvariantCulture),
                },
            };
        }

        if (template.Gpus == 0) return given;
        return given with
        {
            Limits = new Dictionary<string, string>(given.Limits ?? [])
            {
                [GpuResource] = template.Gpus.ToString(CultureInfo.InvariantCulture),
            },
        };
    }

    private static bool Names(ParameterValue? resources, string name) =>
        resources is not null && resources.Fields.Any(part => part.Value.Fields.Find(name) is not null);

    /// <summary>Settings that have Kubernetes' shape, as Kubernetes' type.</summary>
    private static T? Fields<T>(ParameterValue? value, JsonTypeInfo<T> type)
        where T : class => value is null ? null : JsonSerializer.Deserialize(value.ToJson(), type);
}
