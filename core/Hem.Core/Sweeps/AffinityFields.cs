namespace Hem.Core.Sweeps;

/// <summary>A pod's affinity, with Kubernetes' names and shapes.</summary>
internal static class AffinityFields
{
    private const string Required = "requiredDuringSchedulingIgnoredDuringExecution";
    private const string Preferred = "preferredDuringSchedulingIgnoredDuringExecution";

    public static FieldDefinition Field => new("affinity", FieldKind.Object, "Where the pods must or would rather run, as in a pod.")
    {
        Fields =
        [
            new("nodeAffinity", FieldKind.Object, "On which nodes.")
            {
                Fields =
                [
                    new(Required, FieldKind.Object, "What must hold of a node.")
                    { Fields = [List("nodeSelectorTerms", "One of these is enough.", NodeTerm) with { Required = true }] },
                    List(Preferred, "What should.", Weighted("preference", NodeTerm)),
                ],
            },
            Pods("podAffinity", "Near which pods."),
            Pods("podAntiAffinity", "Away from which pods."),
        ],
    };

    private static FieldDefinition NodeTerm => new("", FieldKind.Object, "What must hold of a node together.")
    {
        Fields = [Requirements("matchExpressions", "Of its labels.", "Gt", "Lt"), Requirements("matchFields", "Of its fields.")],
    };

    private static FieldDefinition PodTerm => new("", FieldKind.Object, "Which pods, and how near.")
    {
        Fields =
        [
            Selector("labelSelector", "Pods with these labels."),
            List("namespaces", "Their namespaces. Default: the sweep's.", PodFields.Name("", 63, "")),
            Selector("namespaceSelector", "Namespaces with these labels."),
            new("topologyKey", FieldKind.Text, "Near: in the same of what this label of nodes says.") { Required = true, MaxLength = 317 },
        ],
    };

    private static FieldDefinition Pods(string name, string description) => new(name, FieldKind.Object, description)
    {
        Fields = [List(Required, "What must hold.", PodTerm), List(Preferred, "What should.", Weighted("podAffinityTerm", PodTerm))],
    };

    private static FieldDefinition Weighted(string name, FieldDefinition term) => new("", FieldKind.Object, "A wish and its weight.")
    {
        Fields =
        [
            new("weight", FieldKind.Whole, "From 1 to 100.") { Required = true, Min = 1, Max = 100 },
            term with { Name = name, Required = true },
        ],
    };

    private static FieldDefinition Selector(string name, string description) => new(name, FieldKind.Object, description)
    {
        Fields =
        [
            PodFields.Map("matchLabels", "Labels with their values.", PodFields.LabelValue(""), 16),
            Requirements("matchExpressions", "What holds of their labels."),
        ],
    };

    private static FieldDefinition Requirements(string name, string description, params string[] more) =>
        List(name, description, new("", FieldKind.Object, "What holds of one.")
        {
            Fields =
            [
                new("key", FieldKind.Text, "Its name.") { Required = true, MaxLength = 317 },
                new("operator", FieldKind.Text, "How it compares.")
                { Required = true, Allowed = ["In", "NotIn", "Exists", "DoesNotExist", .. more] },
                List("values", "With what.", PodFields.LabelValue("")),
            ],
        });

    private static FieldDefinition List(string name, string description, FieldDefinition item) =>
        new(name, FieldKind.List, description) { Item = item, MaxItems = 16 };
}
