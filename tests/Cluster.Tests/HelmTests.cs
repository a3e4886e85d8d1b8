using Hem.TestCluster;

namespace Cluster.Tests;

/// <summary>The commands for helm in docs/, by helm itself, while a sweep runs.</summary>
public sealed class HelmTests(ClusterFixture cluster)
{
    private const string Own = ClusterFixture.OperatorNamespace, Research = "research", ResearchOwn = "hem-research";
    private const string Claim = $"/api/v1/namespaces/{Own}/persistentvolumeclaims/hem-store";
    private const string Deployment = $"/apis/apps/v1/namespaces/{Own}/deployments/hem-operator";
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_takes_over_from_kubectl_upgrades_removes_and_installs_and_a_sweep_that_runs_loses_nothing()
    {
        var helm = await ProgramAsync(4);
        await ProgramAsync(3);
        var sweep = new SweepOnCluster(cluster, await cluster.CreateNamespaceAsync(), "lasting", _cancel);
        await cluster.Api.ApplyAsync(
            SweepTests.Rough(seeds: 1, SweepTests.ForLong).Replace("name: rough", $"name: {sweep.Name}"), sweep.Namespace, _cancel);
        var trainer = await sweep.RunningPodAsync();
        var claim = await UidAsync(Claim);
        try
        {
            await DocumentedAsync(4, "docs/install.md#from-kubectl-to-helm");
            await DefineMonitorsAsync();
            await DocumentedAsync(4, "docs/monitoring.md#where-the-prometheus-operator-is-installed");
            (await cluster.KubectlAsync(
                "-n", Own, "get", "podmonitors,prometheusrules,configmaps", "-l", "app.kubernetes.io/part-of=hem", "-o", "name"))
                .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(name => name.Split('/')[^1])
                .ShouldBe(["hem-operator", "hem-trainer", "hem-operator", "hem-dashboards"]);
            await DocumentedAsync(4, "docs/operations.md#upgrading");
            await UpgradesToAnotherChartAsync(helm);

            await DocumentedAsync(4, "docs/operations.md#removing");
            (await cluster.Api.GetAsync(Deployment)).ShouldBeNull();
            (await cluster.Api.GetAsync("/apis/rbac.authorization.k8s.io/v1/clusterroles/hem-operator")).ShouldBeNull();
            (await UidAsync(Claim)).ShouldBe(claim);
            (await sweep.TrialsAsync()).ShouldHaveSingleItem();

            await ForOneNamespaceAloneAsync(helm);

            // As with the helm before this one, and from there on with this one.
            await DocumentedAsync(3, "docs/install.md#with-helm");
            await DocumentedAsync(4, "docs/operations.md#upgrading");
            (await StateColumnAsync()).ShouldBe("Where the sweep is", "the definitions are the chart's again");
            (await sweep.PodsAsync("Running")).ShouldBe([trainer]);
            await LostNothingAsync(sweep, trainer);
        }
        finally
        {
            await cluster.KubectlAsync("delete", "--ignore-not-found", "--wait=false", "namespace", Research, ResearchOwn);
            await cluster.KubectlAsync(
                ["delete", "--ignore-not-found", "crd", .. Monitors.Values.Select(plural => $"{plural}.monitoring.coreos.com")]);
            if ((await HelmAsync(helm, "list", "--namespace", Own, "--short")).Contains("hem"))
                await HelmAsync(helm, "uninstall", "hem", "--namespace", Own);
            await cluster.InstallAsync(ClusterFixture.InRepository(ClusterFixture.Manifest));
        }
        await cluster.KubectlAsync("-n", sweep.Namespace, "delete", "hemsweep", sweep.Name);
    }

    /// <summary>To a chart with other definitions and a value that is new, as the page says; and not as it warns of.</summary>
    private async Task UpgradesToAnotherChartAsync(string helm)
    {
        var chart = Path.Combine(cluster.ControlPlane.Folder, "next-chart");
        await Machine.RunAsync("cp", "-r", ClusterFixture.InRepository("charts/hem"), chart);
        await ChangeAsync("templates/crds/hemsweeps.yaml", "description: Where the sweep is\n", "description: Where the sweep is now\n");
        await ChangeAsync("templates/services.yaml", "metadata:\n", "{{- $_ := .Values.added.value }}\nmetadata:\n");
        await ChangeAsync("values.yaml", "commonLabels:", "added: {value: 1}\ncommonLabels:");
        await ChangeAsync("values.schema.json", "\"global\":", "\"added\": {\"type\": \"object\"}, \"global\":");

        string[] upgrade = ["upgrade", "hem", chart, "--namespace", Own];
        (await Should.ThrowAsync<InvalidOperationException>(() => HelmAsync(helm, [.. upgrade, "--reuse-values"]))).Message
            .ShouldContain("nil pointer");
        await HelmAsync(helm, [.. upgrade, "--reset-then-reuse-values"]);

        (await StateColumnAsync()).ShouldBe("Where the sweep is now");
        (await HelmAsync(helm, "get", "values", "hem", "--namespace", Own)).ShouldContain("podMonitor:\n    enabled: true");

        async Task ChangeAsync(string file, string from, string to)
        {
            var path = Path.Combine(chart, file);
            var text = await File.ReadAllTextAsync(path, _cancel);
            text.ShouldContain(from);
            await File.WriteAllTextAsync(path, text.Replace(from, to), _cancel);
        }
    }

    private async Task ForOneNamespaceAloneAsync(string helm)
    {
        await cluster.KubectlAsync("create", "namespace", Research);
        await cluster.Api.ApplyAsync(
            SweepTests.Rough(seeds: 1, iterations: 2).Replace("name: rough", "name: quickstart"), Research, _cancel);

        await DocumentedAsync(4, "docs/install.md#for-one-namespace-alone");

        await new SweepOnCluster(cluster, Research, "quickstart", _cancel).CompleteAsync();
        await HelmAsync(helm, "uninstall", "hem", "--namespace", ResearchOwn);
    }

    private async Task LostNothingAsync(SweepOnCluster sweep, string trainer)
    {
        var said = (await sweep.LogAsync(trainer)).Split('\n').Count(line => line.Contains("iteration "));
        List<int> reported = [];
        await Wait.UntilAsync(
            async () => (reported = SweepTests.Points(await sweep.AnswerAsync("points.csv")).Values.Single()).Max() >= said,
            "the operator hears the trainer", Timeouts.Long, _cancel);
        reported.ShouldBe(Enumerable.Range(0, reported.Count), "every point once");
        var trial = (await sweep.TrialsAsync()).ShouldHaveSingleItem()["status"]!;
        ((int)trial["attempts"]!, (int?)trial["failures"] ?? 0, (int?)trial["disruptions"] ?? 0).ShouldBe((1, 0, 0));
    }

    private static readonly IReadOnlyDictionary<string, string> Monitors =
        new Dictionary<string, string> { ["PodMonitor"] = "podmonitors", ["PrometheusRule"] = "prometheusrules" };

    /// <summary>As far as the chart looks for them, the Prometheus operator's definitions.</summary>
    private async Task DefineMonitorsAsync()
    {
        foreach (var (kind, plural) in Monitors)
        {
            await cluster.Api.ApplyAsync($$"""
                apiVersion: apiextensions.k8s.io/v1
                kind: CustomResourceDefinition
                metadata: {name: {{plural}}.monitoring.coreos.com}
                spec:
                  group: monitoring.coreos.com
                  scope: Namespaced
                  names: {kind: {{kind}}, plural: {{plural}} }
                  versions:
                  - name: v1
                    served: true
                    storage: true
                    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true} }
                """, cancel: _cancel);
            await cluster.KubectlAsync("wait", "--for=condition=Established", "--timeout=60s", $"crd/{plural}.monitoring.coreos.com");
        }
    }

    private async Task<string?> StateColumnAsync() => (string?)(await cluster.Api.GetAsync($"{Definitions}/hemsweeps.hem.dev"))!
        ["spec"]!["versions"]![0]!["additionalPrinterColumns"]![0]!["description"];

    private async Task<string?> UidAsync(string path) => (string?)(await cluster.Api.GetAsync(path))!["metadata"]!["uid"];

    private Task<string> HelmAsync(string helm, params IEnumerable<string> arguments) =>
        Machine.RunAsync(helm, [.. arguments, "--kubeconfig", cluster.ControlPlane.Kubeconfig]);

    private Task DocumentedAsync(int major, string section) => Pages.RunAsync(cluster, major, "run", "helm", section);

    private static async Task<string> ProgramAsync(int major)
    {
        try
        {
            return await Helm.ProgramAsync(major);
        }
        catch (CannotException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }
}
