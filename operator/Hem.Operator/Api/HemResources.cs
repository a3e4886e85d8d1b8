using Hem.Core.Sweeps;
using Hem.Kubernetes;

namespace Hem.Operator.Api;

/// <summary>The kinds that Hem adds to Kubernetes.</summary>
internal static class HemResources
{
    public const string Group = "hem.dev";
    public const string Version = "v1alpha1";
    public const string ApiVersion = HemSweep.CurrentApiVersion;

    public const string SweepKind = HemSweep.KindName;
    public const string SweepPlural = "hemsweeps";
    public const string TrialKind = "HemTrial";
    public const string TrialPlural = "hemtrials";

    public static ResourceKind<HemSweepResource> Sweeps { get; } =
        new(Group, Version, SweepPlural, SweepKind, true, HemJson.Default.HemSweepResource);

    public static ResourceKind<HemTrialResource> Trials { get; } =
        new(Group, Version, TrialPlural, TrialKind, true, HemJson.Default.HemTrialResource);
}
