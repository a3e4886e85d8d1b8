using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hem.Operator.Api;
using Hem.TestCluster;
using Operator.Tests.Chart;

namespace Operator.Tests;

/// <summary>What tests need of a cluster before Hem can be used on it.</summary>
internal static class HemCluster
{
    private static readonly SemaphoreSlim once = new(1);
    private static readonly HashSet<string> installedOn = [];

    /// <summary>The repository's file.</summary>
    public static string File(params string[] path) => Path.Combine([Machine.Repository, .. path]);

    /// <summary>Installs the resource definitions, once, and waits until they are served.</summary>
    public static async Task InstallDefinitionsAsync(ControlPlane plane)
    {
        await once.WaitAsync();
        try
        {
            if (installedOn.Contains(plane.Folder)) return;
            foreach (var definition in new[] { CustomResourceDefinitions.Sweeps, CustomResourceDefinitions.Trials })
            {
                var path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
                await plane.Definitions.PostAsync(path, definition.DeepClone());
                await Wait.UntilAsync(
                    async () => IsTrue(await plane.Definitions.GetAsync($"{path}/{definition["metadata"]!["name"]}"), "Established"),
                    $"{definition["metadata"]!["name"]} is established");
            }
            foreach (var plural in new[] { HemResources.SweepPlural, HemResources.TrialPlural })
                await Wait.UntilAsync(
                    async () => await plane.Api.GetAsync($"/apis/{HemResources.ApiVersion}/{plural}") is not null, $"{plural} are served");
            // Until it is in the published document, kubectl knows nothing of its fields.
            await Wait.UntilAsync(
                async () =>
                    (await plane.Definitions.GetTextAsync("/openapi/v2")).Contains("dev.hem.v1alpha1.HemTrial", StringComparison.Ordinal),
                "the definitions are published");
            installedOn.Add(plane.Folder);
        }
        finally
        {
            once.Release();
        }
    }

    /// <summary>A kubeconfig of the operator's service account there, which may do what operator/rbac.yaml says and no more.</summary>
    public static async Task<string> OperatorKubeconfigAsync(ControlPlane plane, string operatorNamespace)
    {
        // Several operators share this cluster, and each has a binding of its own.
        var documents = (await System.IO.File.ReadAllTextAsync(File("operator", "rbac.yaml"))).Split("\n---\n").Select(
            document => document.Contains("kind: ClusterRoleBinding")
                ? Regex.Replace(document, @"(metadata:\n  name: \S+)", $"$1-{operatorNamespace}")
                : document);
        await plane.Api.ApplyAsync(string.Join("\n---\n", documents).Replace("namespace: hem-system", $"namespace: {operatorNamespace}"));
        return await plane.CreateServiceAccountKubeconfigAsync(operatorNamespace, "hem-operator");
    }

    /// <summary>A kubeconfig of the service account of an operator that the chart installs for the sweeps of one namespace.</summary>
    public static async Task<string> OperatorOfOneNamespaceAsync(ControlPlane plane, string operatorNamespace, string sweeps)
    {
        var manifest = await HemChart.RenderAsync(
            "--namespace", operatorNamespace, "--set", $"watchNamespace={sweeps}", "--set", "rbac.aggregateClusterRoles=false");
        await plane.Api.ApplyAsync(HemChart.RightsOf(manifest));
        return await plane.CreateServiceAccountKubeconfigAsync(operatorNamespace, "hem-operator");
    }

    public static bool IsTrue(JsonNode? item, string condition) => item?["status"]?["conditions"]?.AsArray().Any(
        one => (string?)one!["type"] == condition && (string?)one["status"] == "True") == true;
}
