using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Hem.Cli.Engine;
using Hem.Core.Sweeps;
using Hem.Kubernetes;

namespace Hem.Cli.Cluster;

/// <summary>What `kubectl apply` of a sweep file would do: from the file, and from what the cluster has of the sweep.</summary>
internal sealed class ClusterPlan
{
    private const string SweepUidLabel = "hem.dev/sweep-uid";

    /// <summary>Trials at once where neither sweep nor whoever set the operator up says it.</summary>
    private const int UsualParallelism = 100;

    private static readonly ResourceKind<UnstructuredObject> sweeps = Kind("hemsweeps", HemSweep.KindName);
    private static readonly ResourceKind<UnstructuredObject> trials = Kind("hemtrials", "HemTrial");

    private ClusterPlan(SweepPlan plan, HemSweep sweep, bool isThere) => (Plan, Sweep, IsThere) = (plan, sweep, isThere);

    public SweepPlan Plan { get; }

    /// <summary>As the API server would store it.</summary>
    public HemSweep Sweep { get; }

    /// <summary>The namespace has a sweep of this name.</summary>
    public bool IsThere { get; }

    /// <summary>Fields of the file that the API server does not know.</summary>
    public IReadOnlyList<string> Dropped { get; private init; } = [];

    public IReadOnlyList<string> Warnings { get; private init; } = [];

    /// <param name="file">Without faults.</param>
    /// <exception cref="HemException">The cluster refuses the sweep, or does not answer; says why.</exception>
    public static async Task<ClusterPlan> MakeAsync(ClusterConnection cluster, SweepFile file, CancellationToken cancel)
    {
        (HemSweep sweep, SweepExpansion expansion) = (file.Sweep!, file.Expansion!);
        if (ClusterRules.Check(sweep, expansion) is [var fault, ..])
            throw new HemException(ExitCodes.BadInput, $"{file.Name}: {fault.Describe()}");
        try
        {
            var warnings = new List<string>();
            UnstructuredObject? there = await cluster.Client.GetAsync(sweeps, cluster.Namespace, sweep.Metadata.Name, cancel);
            HemSweep stored = sweep;
            List<string> dropped = [];
            if (await StoreAsync(cluster, sweep, there, warnings, cancel) is { } answer)
            {
                (stored, expansion) = Read(answer, sweep, expansion);
                dropped = Missing(sweep, stored);
                warnings.AddRange(dropped.Select(field =>
                    $"the cluster would drop {field}: its definition of HemSweep does not know it; this version's is in crds/."));
            }

            (IReadOnlyList<PlannedTrial> planned, TimeModel times, int others) =
                await TrialsAsync(cluster, expansion, there?.Metadata.Uid, cancel);
            int places = stored.Spec.Parallelism ?? UsualParallelism;
            return new ClusterPlan(SweepPlan.Of(stored, expansion, planned, places, times, others), stored, there is not null)
            {
                Dropped = dropped,
                Warnings = warnings,
            };
        }
        catch (KubernetesException e)
        {
            bool isRefused = e.StatusCode == HttpStatusCode.UnprocessableEntity;
            throw new HemException(isRefused ? ExitCodes.BadInput : ExitCodes.Unavailable, Explain(e));
        }
        catch (HttpRequestException e)
        {
            throw new HemException(ExitCodes.Unavailable, $"the cluster does not answer: {e.Message}");
        }
        catch (KubernetesConfigurationException e)
        {
            throw new HemException(ExitCodes.BadInput, e.Message);
        }
    }

    /// <summary>Has the API server do all that it does with an apply, but keep nothing; null where the user may not apply.</summary>
    private static async Task<UnstructuredObject?> StoreAsync(
        ClusterConnection cluster, HemSweep sweep, UnstructuredObject? there, List<string> warnings, CancellationToken cancel)
    {
        var item = new UnstructuredObject
        {
            ApiVersion = sweep.ApiVersion,
            Kind = sweep.Kind,
            Metadata = there?.Metadata ?? new V1ObjectMeta { Name = sweep.Metadata.Name, Namespace = cluster.Namespace },
            Fields = new JsonObject { ["spec"] = JsonNode.Parse(sweep.ToJson())!["spec"]!.DeepClone() },
        };
        var options = new WriteOptions { DryRun = true, FieldManager = "hem" };
        try
        {
            return there is null
                ? await cluster.Client.CreateAsync(sweeps, item, options, cancel)
                : await cluster.Client.ReplaceAsync(sweeps, item, options: options, cancel: cancel);
        }
        catch (KubernetesException e) when (e.IsForbidden)
        {
            warnings.Add($"you may not apply it here, so whether the cluster would take it is not known: {e.Status.Message}");
            return null;
        }
    }

    private static (HemSweep Sweep, SweepExpansion Expansion) Read(UnstructuredObject answer, HemSweep sweep, SweepExpansion expansion)
    {
        var json = new JsonObject
        {
            ["apiVersion"] = sweep.ApiVersion,
            ["kind"] = sweep.Kind,
            ["metadata"] = new JsonObject { ["name"] = sweep.Metadata.Name },
            ["spec"] = answer.Fields?["spec"]?.DeepClone(),
        };
        (HemSweep? stored, SweepExpansion? trials, _) = SweepReader.Load(Encoding.UTF8.GetBytes(json.ToJsonString()), "sweep.json");
        // The order of a grid's axes is lost on the way; where nothing else is, the file's own order is the one to show.
        return stored is null || trials is null || stored.ToJson() == sweep.ToJson() ? (sweep, expansion) : (stored, trials);
    }

    private static async Task<(IReadOnlyList<PlannedTrial> Trials, TimeModel Times, int NoLongerWanted)> TrialsAsync(
        ClusterConnection cluster, SweepExpansion expansion, string? uid, CancellationToken cancel)
    {
        var times = new TimeModel();
        Dictionary<string, UnstructuredObject> known = new(StringComparer.Ordinal);
        if (uid is not null)
        {
            var options = new ListOptions { LabelSelector = $"{SweepUidLabel}={uid}" };
            foreach (UnstructuredObject trial in (await cluster.Client.ListAsync(trials, cluster.Namespace, options, cancel)).Items)
                known[trial.Metadata.Name!] = trial;
        }

        PlannedTrial[] planned =
        [
            .. expansion.Trials.Select(spec =>
            {
                JsonNode? status = known.GetValueOrDefault(spec.Name)?.Fields?["status"];
                if (Seconds(status) is { } seconds) times.Learn(spec.ConfigurationId, seconds);
                return new PlannedTrial(spec, StateOf(status), (int?)status?["attempts"] ?? 0, (double?)status?["successRate"]);
            }),
        ];
        return (planned, times, known.Count - planned.Count(trial => known.ContainsKey(trial.Spec.Name)));
    }

    private static TrialState StateOf(JsonNode? status) => (string?)status?["phase"] switch
    {
        "Succeeded" => TrialState.Done,
        "Failed" or "Conflicted" => TrialState.Failed,
        "Running" => TrialState.Running,
        _ when status?["progress"] is not null => TrialState.Resume,
        "BackingOff" => TrialState.Retry,
        _ => TrialState.Run,
    };

    /// <summary>How long a trial took, disruptions included: what a cluster makes of it.</summary>
    private static double? Seconds(JsonNode? status) =>
        (string?)status?["phase"] == "Succeeded" && Time(status, "startTime") is { } start && Time(status, "completionTime") is { } end
            ? Math.Max(1, (end - start).TotalSeconds)
            : null;

    private static DateTimeOffset? Time(JsonNode? status, string field) => DateTimeOffset.TryParse(
        (string?)status?[field], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time : null;

    /// <summary>Fields that one has and the other has not.</summary>
    private static List<string> Missing(HemSweep sweep, HemSweep stored)
    {
        HashSet<string> kept = [.. Fields("spec", JsonNode.Parse(stored.ToJson())!["spec"])];
        return [.. Fields("spec", JsonNode.Parse(sweep.ToJson())!["spec"]).Where(field => !kept.Contains(field)).Distinct()];
    }

    private static IEnumerable<string> Fields(string path, JsonNode? node) => node switch
    {
        JsonObject map => map.SelectMany(field => Fields($"{path}.{field.Key}", field.Value)),
        JsonArray list => list.SelectMany((item, i) => Fields($"{path}[{i}]", item)),
        _ => [path],
    };

    private static string Explain(KubernetesException e)
    {
        string said = (e.Status.Message ?? e.Message).Trim().TrimEnd('.');
        return e.StatusCode switch
        {
            HttpStatusCode.NotFound when said.Contains("namespaces", StringComparison.Ordinal) => $"{said}.",
            HttpStatusCode.NotFound => "this cluster knows no HemSweeps: kubectl apply -f crds/ makes it know them.",
            HttpStatusCode.UnprocessableEntity => $"the cluster refuses it: {said}.",
            _ => $"{said}.",
        };
    }

    private static ResourceKind<UnstructuredObject> Kind(string plural, string kind) =>
        Resources.Unstructured("hem.dev", "v1alpha1", plural, kind, true);
}
