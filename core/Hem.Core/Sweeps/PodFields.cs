namespace Hem.Core.Sweeps;

/// <summary>Fields of a trial's pod that a sweep may set, with Kubernetes' names and shapes; one machine only keeps them.</summary>
public static class PodFields
{
    /// <summary>Names of volumes that begin so are the operator's own.</summary>
    public const string ReservedPrefix = "hem-";

    /// <summary>Folders of the container where the operator mounts what a trainer needs.</summary>
    public static IReadOnlyList<string> ReservedFolders { get; } = ["/var/run/hem", "/var/lib/hem"];

    /// <summary>Names of environment variables that begin so are the contract's.</summary>
    public const string ReservedVariables = "HEM_";

    private const string Label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

    /// <summary>Of Kubernetes' objects: a DNS name.</summary>
    public const string NamePattern = $"^{Label}(\\.{Label})*$";

    /// <summary>The claim that checkpoints go to.</summary>
    public static FieldDefinition CheckpointClaim { get; } = Name("claimName", 253, "");

    private const string OneSource = "Each volume has a name and exactly one source.";

    public static IReadOnlyList<FieldDefinition> All { get; } =
    [
        new("image", FieldKind.Text,
            "The trainer's image. Default: the one that the operator was given, with GPUs its GPU image. An image of your own runs its own "
            + "entry point, or the command here, and follows docs/trainer-contract.md.")
        { Pattern = "^\\S+$", Expected = "the name of an image" },
        new("imagePullPolicy", FieldKind.Text,
            "When a node pulls the image. Default: Kubernetes', IfNotPresent for an image with a tag.")
        { Allowed = ["Always", "IfNotPresent", "Never"] },
        new("imagePullSecrets", FieldKind.List, "Secrets of the sweep's namespace that the image is pulled with.")
        {
            MaxItems = 16,
            Key = "name",
            Item = new("", FieldKind.Object, "A Secret of type kubernetes.io/dockerconfigjson.")
            { Fields = [Name("name", 253, "The Secret.") with { Required = true }] },
        },
        Name("serviceAccountName", 253,
            "Service account of the pods, which must be there. They get no token of it for the API server; cloud providers may give rights "
            + "by it, for example to read data. Default: what the operator was given, else the namespace's default."),
        Map("labels", "More labels of the trials' Jobs and pods.", LabelValue("") with
        {
            MinLength = 0,
            Pattern = $"^({LabelValuePattern})?$",
            Expected = "letters, digits, '-', '_' and '.', at most 63; numbers and true in quotes",
        }, 64) with
        {
            Names = Qualified with
            {
                Reserved = [Own, "batch.kubernetes.io/", "job-name", "controller-uid", "kueue.x-k8s.io/queue-name"],
            },
        },
        Map("annotations", "More annotations of the trials' pods.", FreeText(""), 64) with { Names = Qualified with { Reserved = [Own] } },
        new("resources", FieldKind.Object,
            "What the trainer's container asks for and may use, as in a pod; GPUs are asked for by gpus. Without a word on cpu, as many as "
            + "threads are asked for, or what the operator was given (500m); without a word on memory, what it was given (256Mi): tasks "
            + "with images need more.")
        {
            Fields =
            [
                Map("requests", "What a node must have free, for example {cpu: 2, memory: 4Gi}.", Amount, 32),
                Map("limits", "What it may use at most, for example {memory: 8Gi}.", Amount, 32),
            ],
        },
        Map("nodeSelector", "Labels that a node must have.", LabelValue(""), 64) with { Names = Qualified },
        AffinityFields.Field,
        new("tolerations", FieldKind.List, "Taints of nodes that do not keep the trial away, as in a pod.")
        {
            Item = new("", FieldKind.Object, "A taint that is tolerated.")
            {
                Fields =
                [
                    new("key", FieldKind.Text, "The taint's key; without it every taint is meant, and operator must be Exists.")
                    { MaxLength = 316 },
                    new("operator", FieldKind.Text, "Exists: whatever the value; Equal: the value too. Default: Equal.")
                    { Allowed = ["Exists", "Equal"] },
                    LabelValue("value") with { Description = "The taint's value, with Equal." },
                    new("effect", FieldKind.Text, "Which effect of the taint is tolerated; without it, all of them.")
                    { Allowed = ["NoSchedule", "PreferNoSchedule", "NoExecute"] },
                    new("tolerationSeconds", FieldKind.Whole, "With NoExecute: how long it is tolerated. Default: for ever."),
                ],
            },
        },
        Name("priorityClassName", 253, "PriorityClass of the pods. What is preempted saves, leaves and counts as a disruption."),
        Name("runtimeClassName", 253, "RuntimeClass of the pods."),
        Name("queueName", 63, "Kueue: the LocalQueue that admits the trials' Jobs (their label kueue.x-k8s.io/queue-name)."),
        new("env", FieldKind.List,
            $"More environment variables of the trainer. Names that begin with {ReservedVariables} are the contract's.")
        {
            Key = "name",
            Item = new("", FieldKind.Object, "A variable with its value.")
            {
                Choice = ["value", "valueFrom"],
                Fields =
                [
                    new("name", FieldKind.Text, "Its name.")
                    {
                        Required = true,
                        MaxLength = 253,
                        Pattern = "^[-._a-zA-Z][-._a-zA-Z0-9]*$",
                        Expected = "letters, digits, '_', '-' and '.', no digit first",
                        Reserved = [ReservedVariables],
                    },
                    FreeText("value") with { Description = "Its value. Default: empty.", MaxLength = 32_768 },
                    new("valueFrom", FieldKind.Object, "Where its value is.")
                    {
                        Choice = ["configMapKeyRef", "secretKeyRef"],
                        ChoiceRequired = true,
                        Fields =
                        [
                            new("configMapKeyRef", FieldKind.Object, "A key of a ConfigMap of the sweep's namespace.") { Fields = KeyOf },
                            new("secretKeyRef", FieldKind.Object, "A key of a Secret of the sweep's namespace.") { Fields = KeyOf },
                        ],
                    },
                ],
            },
        },
        new("envFrom", FieldKind.List, "ConfigMaps and Secrets of which each key is an environment variable; env and the contract win.")
        {
            MaxItems = 16,
            Item = new("", FieldKind.Object, "A ConfigMap or a Secret.")
            {
                Choice = ["configMapRef", "secretRef"],
                ChoiceRequired = true,
                Fields =
                [
                    new("prefix", FieldKind.Text, "What each name begins with.")
                    {
                        MaxLength = 64,
                        Pattern = "^[-._a-zA-Z][-._a-zA-Z0-9]*$",
                        Expected = "letters, digits, '_', '-' and '.', no digit first",
                        Reserved = [ReservedVariables],
                    },
                    new("configMapRef", FieldKind.Object, "A ConfigMap of the sweep's namespace.") { Fields = Reference },
                    new("secretRef", FieldKind.Object, "A Secret of the sweep's namespace.") { Fields = Reference },
                ],
            },
        },
        new("volumes", FieldKind.List,
            "More volumes of the pods, for example with data; volumeMounts says where the trainer finds them. Names that begin with "
            + $"{ReservedPrefix} are the operator's own, and folders of the node (hostPath) are not to be had.")
        {
            MaxItems = 32,
            Key = "name",
            Item = new("", FieldKind.Object, OneSource)
            {
                OneOf = true,
                Fields =
                [
                    new("name", FieldKind.Text, "What volumeMounts calls it.")
                    {
                        Required = true,
                        MaxLength = 63,
                        Pattern = $"^{Label}$",
                        Expected = "lower-case letters, digits and '-', at most 63",
                    },
                    new("persistentVolumeClaim", FieldKind.Object, "A claim of the sweep's namespace.")
                    {
                        Fields = [Name("claimName", 253, "The claim.") with { Required = true }, Flag("readOnly", "Mount it read-only.")],
                    },
                    new("configMap", FieldKind.Object, "A ConfigMap of the sweep's namespace, a file for each key.")
                    { Fields = [Name("name", 253, "The ConfigMap.") with { Required = true }, .. Files] },
                    new("secret", FieldKind.Object, "A Secret of the sweep's namespace, a file for each key.")
                    { Fields = [Name("secretName", 253, "The Secret.") with { Required = true }, .. Files] },
                    new("emptyDir", FieldKind.Object, "An empty folder that goes with the pod.")
                    {
                        Fields =
                        [
                            new("medium", FieldKind.Text, "Memory for a folder in memory, which counts as the container's.")
                            { Allowed = ["Memory"] },
                            Amount with { Name = "sizeLimit", Description = "Its largest size; a pod that goes over it is evicted." },
                        ],
                    },
                    new("nfs", FieldKind.Object, "A folder of an NFS server.")
                    {
                        Fields =
                        [
                            new("server", FieldKind.Text, "Name or address of the server.") { Required = true, MaxLength = 253 },
                            Path("path", "The folder that the server exports.") with { Required = true },
                            Flag("readOnly", "Mount it read-only."),
                        ],
                    },
                    new("csi", FieldKind.Object, "A short-lived volume of a CSI driver.")
                    {
                        Fields =
                        [
                            Name("driver", 253, "The driver.") with { Required = true },
                            new("fsType", FieldKind.Text, "The file system. Default: the driver's.") { MaxLength = 64 },
                            Map("volumeAttributes", "What the driver wants to know.", new("", FieldKind.Text, ""), 64),
                            Flag("readOnly", "Mount it read-only."),
                        ],
                    },
                ],
            },
        },
        new("volumeMounts", FieldKind.List, "Where the trainer's container finds the volumes.")
        {
            MaxItems = 32,
            Key = "mountPath",
            Item = new("", FieldKind.Object, "A volume and its place.")
            {
                Fields =
                [
                    new("name", FieldKind.Text, "One of volumes.")
                    { Required = true, MaxLength = 63, Pattern = $"^{Label}$", Expected = "the name of one of volumes" },
                    Path("mountPath", "The folder in the container.") with { Required = true },
                    new("subPath", FieldKind.Text, "The folder of the volume that is mounted. Default: all of it.")
                    { Pattern = "^[^/].*$", Expected = "a path within the volume, without a '/' at its beginning" },
                    Flag("readOnly", "Mount it read-only."),
                ],
            },
        },
    ];

    private const string Own = "hem.dev/";

    private const string LabelValuePattern = "[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?";

    /// <summary>The name of a label or an annotation.</summary>
    private static FieldDefinition Qualified => new("", FieldKind.Text, "")
    {
        Pattern = $"^({Label}(\\.{Label})*/)?{LabelValuePattern}$",
        Expected = "that of a label: letters, digits, '-', '_' and '.', and before them perhaps a DNS name and '/'",
        MaxLength = 317,
    };

    private static FieldDefinition[] Reference =>
        [Name("name", 253, "Its name.") with { Required = true }, Flag("optional", "The pod starts without it too.")];

    private static FieldDefinition[] KeyOf =>
    [
        Name("name", 253, "Its name.") with { Required = true },
        new("key", FieldKind.Text, "The key.") { Required = true, MaxLength = 253 },
        Flag("optional", "The pod starts without it too."),
    ];

    private static FieldDefinition FreeText(string name) => new(name, FieldKind.Text, "")
    {
        MinLength = 0,
        MaxLength = 4096,
        Expected = "a text: numbers and true in quotes",
    };

    private static FieldDefinition Amount => new("", FieldKind.Quantity, "")
    {
        Pattern = "^([0-9]+|[0-9]+\\.[0-9]*|\\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]{1,2})?$",
        Expected = "an amount such as 2, 500m or 4Gi",
        MaxLength = 32,
    };

    private static FieldDefinition[] Files =>
    [
        new("items", FieldKind.List, "Only these keys, each as the file that is named. Default: every key under its own name.")
        {
            Item = new("", FieldKind.Object, "A key and its file.")
            {
                Fields =
                [
                    new("key", FieldKind.Text, "The key.") { Required = true, MaxLength = 253 },
                    new("path", FieldKind.Text, "The file, below the mount.")
                    { Required = true, Pattern = "^[^/].*$", Expected = "a path without a '/' at its beginning" },
                ],
            },
        },
        Flag("optional", "The pod starts without it too."),
    ];

    internal static FieldDefinition Name(string name, int longest, string description) => new(name, FieldKind.Text, description)
    {
        Pattern = NamePattern,
        Expected = $"lower-case letters, digits, '-' and '.', at most {longest}",
        MaxLength = longest,
    };

    internal static FieldDefinition LabelValue(string name) => new(name, FieldKind.Text, "")
    {
        Pattern = $"^{LabelValuePattern}$",
        Expected = "letters, digits, '-', '_' and '.', at most 63",
        MaxLength = 63,
    };

    private static FieldDefinition Path(string name, string description) => new(name, FieldKind.Text, description)
    {
        Pattern = "^/[^:]*$",
        Expected = "a whole path, with '/' at its beginning and without ':'",
    };

    private static FieldDefinition Flag(string name, string description) => new(name, FieldKind.Boolean, description);

    internal static FieldDefinition Map(string name, string description, FieldDefinition item, int most) =>
        new(name, FieldKind.Map, description) { Item = item, MaxItems = most };
}
