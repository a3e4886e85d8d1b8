namespace Hem.Kubernetes;

public sealed record V1Affinity
{
    public V1NodeAffinity? NodeAffinity { get; set; }
    public V1PodAffinity? PodAffinity { get; set; }
    public V1PodAffinity? PodAntiAffinity { get; set; }
}

public sealed record V1NodeAffinity
{
    public V1NodeSelector? RequiredDuringSchedulingIgnoredDuringExecution { get; set; }
    public List<V1PreferredSchedulingTerm>? PreferredDuringSchedulingIgnoredDuringExecution { get; set; }
}

public sealed record V1NodeSelector
{
    public required List<V1NodeSelectorTerm> NodeSelectorTerms { get; set; }
}

public sealed record V1NodeSelectorTerm
{
    public List<V1LabelSelectorRequirement>? MatchExpressions { get; set; }
    public List<V1LabelSelectorRequirement>? MatchFields { get; set; }
}

public sealed record V1PreferredSchedulingTerm
{
    public required int Weight { get; set; }
    public required V1NodeSelectorTerm Preference { get; set; }
}

/// <summary>Affinity and anti-affinity have one shape.</summary>
public sealed record V1PodAffinity
{
    public List<V1PodAffinityTerm>? RequiredDuringSchedulingIgnoredDuringExecution { get; set; }
    public List<V1WeightedPodAffinityTerm>? PreferredDuringSchedulingIgnoredDuringExecution { get; set; }
}

public sealed record V1PodAffinityTerm
{
    public V1LabelSelector? LabelSelector { get; set; }
    public List<string>? Namespaces { get; set; }
    public V1LabelSelector? NamespaceSelector { get; set; }
    public required string TopologyKey { get; set; }
}

public sealed record V1WeightedPodAffinityTerm
{
    public required int Weight { get; set; }
    public required V1PodAffinityTerm PodAffinityTerm { get; set; }
}
