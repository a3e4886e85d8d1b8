using System.IO.Compression;
using System.Text.Json.Nodes;
using Hem.Core.Sweeps;
using Hem.TestCluster;
using Operator.Tests.Api;

namespace Operator.Tests.Chart;

/// <summary>charts/hem as its text says it is, without a cluster.</summary>
public sealed class ChartTests
{
    public static TheoryData<string> ValueSets => [.. HemChart.ValueSets];

    [Theory, MemberData(nameof(ValueSets))]
    public async Task A_set_of_values_comes_to_its_golden_file(string values)
    {
        var options = HemChart.OptionsOf(values);
        var golden = HemCluster.File("tests", "helm", "golden", values);
        (await HemChart.RenderAsync([.. options, "--short"])).ShouldBe(File.ReadAllText(golden), "make manifests writes it again");
        (await HemChart.RenderAsync([.. options, "--notes"])).ShouldBe(File.ReadAllText(Path.ChangeExtension(golden, ".txt")));
    }

    [Fact]
    public async Task The_manifest_to_install_without_helm_is_the_chart_with_its_defaults()
    {
        var manifest = await File.ReadAllTextAsync(HemCluster.File("deploy", "hem.yaml"));
        // It is no release of helm's, and does not say so.
        var rendered = (await HemChart.RenderAsync("--namespace", "hem-system")).Split('\n')
            .Where(line => !line.Contains("helm.sh/chart: ") && !line.EndsWith("app.kubernetes.io/managed-by: Helm"));
        manifest.ShouldEndWith(string.Join('\n', rendered), Case.Sensitive, "make manifests writes it again");
        ((string?)HemChart.ObjectsOf(manifest)[0]["kind"]).ShouldBe("Namespace");
    }

    [Fact]
    public async Task The_definitions_are_those_of_crds_and_stay_when_the_release_goes_unless_told_otherwise()
    {
        foreach (var keep in new[] { true, false })
        {
            var rendered = HemChart.ObjectsOf(await HemChart.RenderAsync("--set", $"crds.keep={(keep ? "true" : "false")}"))
                .Where(one => (string?)one["kind"] == "CustomResourceDefinition").ToList();
            rendered.Count.ShouldBe(2);
            foreach (var definition in rendered)
            {
                var file = HemCluster.File("crds", $"{definition["spec"]!["names"]!["plural"]}.yaml");
                var original = YamlReader.Read(await File.ReadAllTextAsync(file))!;
                JsonNode.DeepEquals(definition["spec"], original["spec"]).ShouldBeTrue($"{file}: make manifests writes the chart's again");
                ((string?)definition["metadata"]!["annotations"]?["helm.sh/resource-policy"]).ShouldBe(keep ? "keep" : null);
            }
        }
        (await HemChart.RenderAsync("--set", "crds.install=false")).ShouldNotContain("CustomResourceDefinition");
    }

    [Fact]
    public async Task The_rights_are_those_of_the_one_place_where_they_are_written_down()
    {
        var written = HemChart.ObjectsOf(await File.ReadAllTextAsync(HemCluster.File("operator", "rbac.yaml")));
        var rendered = HemChart.ObjectsOf(HemChart.RightsOf(await HemChart.RenderAsync("--namespace", "hem-system")));

        rendered.Select(Told).Order().ShouldBe(written.Select(Told).Order());

        // Its name and what it says; of its labels those that add it to people's roles.
        static string Told(JsonObject one)
        {
            var told = one.DeepClone().AsObject();
            var metadata = told["metadata"]!.AsObject();
            var labels = metadata["labels"]?.AsObject().Where(label => label.Key.StartsWith("rbac.", StringComparison.Ordinal)).ToList();
            metadata.Remove("labels");
            if (labels is { Count: > 0 })
                metadata["labels"] = new JsonObject(labels.Select(label => KeyValuePair.Create(label.Key, label.Value?.DeepClone())));
            return CanonicalOf(told);
        }
    }

    [Fact]
    public async Task For_one_namespace_only_the_reviews_are_rights_of_the_whole_cluster()
    {
        var everywhere = HemChart.ObjectsOf(await HemChart.RenderAsync("--namespace", "own"));
        var here = HemChart.ObjectsOf(await HemChart.RenderAsync(
            "--namespace", "own", "--set", "watchNamespace=research", "--set", "rbac.aggregateClusterRoles=false"));

        here.Select(one => $"{one["kind"]} {one["metadata"]!["name"]}")
            .Where(one => one.StartsWith("ClusterRole", StringComparison.Ordinal))
            .ShouldBe(["ClusterRole hem-operator-own", "ClusterRoleBinding hem-operator-own"]);
        var cluster = Rules(here, "ClusterRole", "hem-operator-own");
        cluster.SelectMany(rule => rule["resources"]!.AsArray()).Select(resource => (string)resource!)
            .ShouldBe(["tokenreviews", "subjectaccessreviews"]);
        Rules(here, "Role", "hem-operator-sweeps").Concat(cluster).Select(CanonicalOf)
            .ShouldBe(Rules(everywhere, "ClusterRole", "hem-operator").Select(CanonicalOf));

        static IEnumerable<JsonNode> Rules(IEnumerable<JsonObject> objects, string kind, string name) => objects
            .Single(one => (string?)one["kind"] == kind && (string?)one["metadata"]!["name"] == name)["rules"]!.AsArray()
            .Select(rule => rule!);
    }

    [Fact]
    public async Task What_an_uninstall_without_helm_takes_along_is_labelled_and_the_rest_is_not()
    {
        var stays = new[] { "Namespace", "CustomResourceDefinition", "PersistentVolumeClaim" };
        foreach (var one in HemChart.ObjectsOf(await File.ReadAllTextAsync(HemCluster.File("deploy", "hem.yaml"))))
        {
            var goes = (string?)one["metadata"]!["labels"]?["app.kubernetes.io/component"] == "operator";
            goes.ShouldBe(!stays.Contains((string)one["kind"]!), $"{one["kind"]} {one["metadata"]!["name"]}");
        }
        await Task.CompletedTask;
    }

    [Fact]
    public async Task More_than_one_replica_is_refused_with_the_reason()
    {
        var refused = await Should.ThrowAsync<InvalidOperationException>(() => HemChart.RenderAsync("--set", "replicaCount=2"));
        refused.Message.ShouldContain("replicaCount is 2");
        refused.Message.ShouldContain("PostgreSQL");
        refused.Message.ShouldContain("set replicaCount to 1");
    }

    [Fact]
    public async Task Several_replicas_on_PostgreSQL_share_no_claim_and_no_update_of_theirs_waits()
    {
        var objects = HemChart.ObjectsOf(await HemChart.RenderAsync(
            "--set", "replicaCount=2", "--set", "results.postgresql.existingSecret=results-app",
            "--set", "podDisruptionBudget.enabled=true"));

        objects.ShouldNotContain(one => (string?)one["kind"] == "PersistentVolumeClaim");
        var spec = objects.Single(one => (string?)one["kind"] == "Deployment")["spec"]!;
        ((string?)spec["strategy"]!["type"], (int)spec["strategy"]!["rollingUpdate"]!["maxUnavailable"]!).ShouldBe(("RollingUpdate", 1));
        var pod = spec["template"]!["spec"]!;
        pod["volumes"]!.AsArray().ShouldNotContain(volume => volume!["persistentVolumeClaim"] != null);
        var container = pod["containers"]![0]!;
        container["args"]!.AsArray().Select(argument => (string?)argument).ShouldContain("--results-file=/etc/hem/results/connection");
        foreach (var service in objects.Where(one => (string?)one["kind"] == "Service"))
            ((string?)service["spec"]!["selector"]!["hem.dev/leader"]).ShouldBe("true");
        spec["template"]!["metadata"]!["labels"]!["hem.dev/leader"].ShouldBeNull("the leader labels itself");
        ((int)objects.Single(one => (string?)one["kind"] == "PodDisruptionBudget")["spec"]!["maxUnavailable"]!).ShouldBe(1);
    }

    [Theory]
    [InlineData("persistence.accessModes=[\"ReadWriteMany\"]", "ReadWriteMany, and Hem keeps its results in SQLite")]
    [InlineData("trainer.serviceAccount.create=true", "name those with sweeps in trainer.serviceAccount.namespaces")]
    public async Task What_could_not_work_is_refused_with_the_way_out(string value, string said)
    {
        var refused = await Should.ThrowAsync<InvalidOperationException>(() => HemChart.RenderAsync("--set-json", value));
        refused.Message.ShouldContain(said);
        await HemChart.RenderAsync(
            "--set-json", value, "--set", "watchNamespace=research", "--set", "results.postgresql.existingSecret=db");
    }

    /// <summary>What the chart passes on is what the operator takes, and what a pod then has.</summary>
    [Theory, MemberData(nameof(ValueSets))]
    public async Task Defaults_of_trainers_are_read_by_the_operator(string values)
    {
        var objects = HemChart.ObjectsOf(await HemChart.RenderAsync(HemChart.OptionsOf(values)));
        var container = objects.Single(one => (string?)one["kind"] == "Deployment")["spec"]!["template"]!["spec"]!["containers"]![0]!;
        const string option = "--trainer-defaults=";
        var given = container["args"]!.AsArray().Select(argument => (string)argument!).Single(argument => argument.StartsWith(option));

        var (settings, faults) = TrainerDefaults.Read(given[option.Length..]);
        faults.ShouldBeEmpty();
        settings!.Resources!.ToJson().ShouldContain("memory");
        var account = objects
            .Where(one => (string?)one["kind"] == "ServiceAccount" && ((string)one["metadata"]!["name"]!).Contains("train"));
        account.Select(one => (string?)one["metadata"]!["name"]).ShouldAllBe(name => name == settings.ServiceAccountName);
        account.ShouldAllBe(one => !(bool)one["automountServiceAccountToken"]!);
    }

    [Fact]
    public async Task A_ServiceMonitor_is_in_the_place_of_the_operators_PodMonitor()
    {
        var objects = HemChart.ObjectsOf(await HemChart.RenderAsync(
            "--api-versions", "monitoring.coreos.com/v1", "--set", "metrics.serviceMonitor.enabled=true",
            "--set", "metrics.podMonitor.enabled=true"));
        objects.Where(one => ((string)one["kind"]!).EndsWith("Monitor")).Select(one => $"{one["kind"]} {one["metadata"]!["name"]}")
            .ShouldBe(["PodMonitor hem-trainer", "ServiceMonitor hem-operator"]);
        // It selects one Service, and by it every replica.
        var selector = objects.Single(one => (string?)one["kind"] == "ServiceMonitor")["spec"]!["selector"]!["matchLabels"]!.AsObject();
        var service = objects.Where(one => (string?)one["kind"] == "Service").Single(one =>
            selector.All(label => (string?)one["metadata"]!["labels"]![label.Key] == (string?)label.Value));
        service["spec"]!["selector"]!["hem.dev/leader"].ShouldBeNull();
    }

    /// <summary>PATH=JSON, and what is said of it.</summary>
    public static TheoryData<string, string> WrongValues => new()
    {
        { "replicas=1", "(root): Additional property replicas is not allowed" },
        { "image.repo=\"x\"", "image: Additional property repo is not allowed" },
        { "image.repository=null", "image: repository is required" },
        { "image.tag=1.5", "image.tag: Invalid type. Expected: string, given: number" },
        { "image.digest=\"sha256:12\"", "image.digest: Does not match pattern" },
        { "replicaCount=-1", "replicaCount: Must be greater than or equal to 0" },
        { "watchNamespace=\"Research\"", "watchNamespace: Does not match pattern" },
        { "results.postgresql.existingSecret=\"Results\"", "results.postgresql.existingSecret: Does not match pattern" },
        { "results.postgresql.secretKey=\"a/b\"", "results.postgresql.secretKey: Does not match pattern" },
        { "persistence.accessModes=[]", "persistence.accessModes: at least 1 are needed" },
        { "podDisruptionBudget.maxUnavailable=0", "podDisruptionBudget.maxUnavailable: Must be greater than or equal to 1" },
        { "podDisruptionBudget.maxUnavailable=\"0%\"", "podDisruptionBudget.maxUnavailable: Does not match pattern" },
        { "imagePullSecrets=[\"registry\"]", "imagePullSecrets[0]: Invalid type. Expected: object, given: string" },
    };

    [Theory, MemberData(nameof(WrongValues))]
    public async Task Values_that_the_schema_does_not_allow_are_refused(string value, string said)
    {
        var refused = await Should.ThrowAsync<InvalidOperationException>(() => HemChart.RenderAsync("--set-json", value));
        refused.Message.ShouldContain(said);
    }

    [Fact]
    public void The_schema_knows_no_values_that_the_chart_does_not_have()
    {
        var schema = JsonNode.Parse(File.ReadAllText(Path.Combine(HemChart.Folder, "values.schema.json")))!;
        var values = YamlReader.Read(File.ReadAllText(Path.Combine(HemChart.Folder, "values.yaml")))!;
        // Kubernetes' own fields, and what helm itself puts there.
        var others = new[] { "resources.claims", "trainer.resources.limits" };
        Missing(schema, values, "").Except(others).ShouldBeEmpty();

        static IEnumerable<string> Missing(JsonNode schema, JsonNode? value, string path)
        {
            if (path is "imagePullSecrets") yield break;
            foreach (var (name, inner) in schema["properties"]?.AsObject() ?? [])
            {
                var at = path.Length == 0 ? name : $"{path}.{name}";
                if (value is not JsonObject there || !there.ContainsKey(name)) yield return at;
                else foreach (var one in Missing(inner!, there[name], at)) yield return one;
            }
        }
    }

    [Fact]
    public async Task A_cluster_too_old_is_refused_and_the_version_is_the_programs()
    {
        var refused = await Should.ThrowAsync<InvalidOperationException>(() => HemChart.RenderAsync("--kube-version", "1.19.4"));
        refused.Message.ShouldContain("chart requires kubeVersion");
        var chart = YamlReader.Read(await File.ReadAllTextAsync(Path.Combine(HemChart.Folder, "Chart.yaml")))!;
        ((string?)chart["appVersion"]).ShouldBe(Images.Version);
    }

    /// <summary>helm keeps chart and manifest, compressed, in a Secret of at most 1 MiB, twice in base64.</summary>
    [Fact]
    public async Task A_release_fits_where_helm_keeps_it()
    {
        using var compressed = new MemoryStream();
        await using (var zip = new GZipStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            foreach (var file in Directory.EnumerateFiles(HemChart.Folder, "*", SearchOption.AllDirectories))
                await zip.WriteAsync(System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(await File.ReadAllBytesAsync(file))));
            await zip.WriteAsync(System.Text.Encoding.UTF8.GetBytes(await HemChart.RenderAsync()));
        }
        (compressed.Length * 16 / 9).ShouldBeLessThan(1 << 19);
    }

    private static string CanonicalOf(JsonNode node) => node switch
    {
        JsonObject fields => "{" + string.Join(", ",
            fields.OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => $"{field.Key}: {CanonicalOf(field.Value!)}")) + "}",
        JsonArray items => "[" + string.Join(", ", items.Select(item => CanonicalOf(item!))) + "]",
        _ => node.ToJsonString(),
    };
}
