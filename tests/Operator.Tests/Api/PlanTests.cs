using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hem.Core.Sweeps;
using Hem.Operator.Api;
using Hem.Operator.Trials;
using Hem.TestCluster;

namespace Operator.Tests.Api;

/// <summary>`hem plan -n NS FILE`, the real program, against the real API server.</summary>
public sealed class PlanTests(ControlPlaneFixture fixture) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hem-plan-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_sweep_that_is_not_there_would_run_whole_and_still_is_not_there_afterwards()
    {
        var (plane, space) = await StartAsync();
        var (exit, output, error) = await PlanAsync(plane.Kubeconfig, space, File("new", "grid: {\"N\": [5, 10]}"));
        error.ShouldBe("");
        exit.ShouldBe(0);
        output.ShouldContain("new: 4 trials = 2 configurations x 2 seeds");
        output.ShouldContain("grid     N = 5, 10");
        output.ShouldContain($"0 done, 4 to run (namespace {space}).");
        output.ShouldContain("There is no sweep new yet");
        (await plane.Api.GetAsync($"{Sweeps(space)}/new")).ShouldBeNull();
    }

    [Fact]
    public async Task An_edit_of_a_sweep_runs_only_what_is_not_done()
    {
        var (plane, space) = await StartAsync();
        var sweep = JsonSerializer.Deserialize(
            await plane.Api.PostAsync(Sweeps(space), Json("edited", "grid: {\"N\": [5, 10]}")), HemJson.Default.HemSweepResource)!;
        var (read, expansion, _) = sweep.Read();
        HemTrialPhase[] phases = [HemTrialPhase.Succeeded, HemTrialPhase.Failed, HemTrialPhase.Running, HemTrialPhase.Succeeded];
        for (var i = 0; i < phases.Length; i++)
        {
            var trial = StatusTests.Trial(sweep, read!, expansion!.Trials[i]);
            trial.Metadata.Labels = new() { [HemLabels.SweepUid] = sweep.Metadata.Uid! };
            var trials = $"/apis/{HemResources.ApiVersion}/namespaces/{space}/{HemResources.TrialPlural}";
            await plane.Api.PostAsync(trials, JsonSerializer.SerializeToNode(trial, HemJson.Default.HemTrialResource)!);
            var status = trial.Status! with { Phase = phases[i], CompletionTime = trial.Status.StartTime!.Value.AddSeconds(90) };
            await plane.Api.MergePatchAsync($"{trials}/{trial.Metadata.Name}/status",
                new JsonObject { ["status"] = JsonSerializer.SerializeToNode(status, HemJson.Default.HemTrialStatus) });
        }

        // 5 is taken away, 20 comes: of 10, one seed is done and one has failed.
        var (exit, output, error) = await PlanAsync(plane.Kubeconfig, space, File("edited", "grid: {\"N\": [10, 20]}"), "--json");
        error.ShouldBe("");
        exit.ShouldBe(0);
        var plan = JsonNode.Parse(output)!;
        ((int)plan["total"]!).ShouldBe(4);
        ((int)plan["done"]!).ShouldBe(1);
        ((int)plan["failed"]!).ShouldBe(1);
        ((int)plan["toRun"]!).ShouldBe(2);
        ((int)plan["noLongerWanted"]!).ShouldBe(2);
        ((double)plan["expectedSeconds"]!).ShouldBe(90, 1);
        ((bool)plan["isThere"]!).ShouldBeTrue();
        ((string)plan["namespace"]!).ShouldBe(space);
    }

    [Fact]
    public async Task Who_may_only_look_is_told_that_the_rest_is_not_known()
    {
        var (plane, space) = await StartAsync();
        var kubeconfig = await plane.CreateServiceAccountKubeconfigAsync(space, "viewer");
        await new Kubectl(plane).RunAsync(
            "create", "role", "look", "-n", space, "--verb=get,list", "--resource=hemsweeps.hem.dev,hemtrials.hem.dev");
        await new Kubectl(plane).RunAsync("create", "rolebinding", "look", "-n", space, "--role=look", $"--serviceaccount={space}:viewer");
        var (exit, output, error) = await PlanAsync(kubeconfig, space, File("seen", "grid: {\"N\": [5]}"));
        exit.ShouldBe(0);
        output.ShouldContain("2 to run");
        error.ShouldContain("you may not apply it here");
    }

    [Fact]
    public async Task What_is_wrong_is_said_in_a_line_with_what_to_do()
    {
        var (plane, space) = await StartAsync();
        await FailsAsync(64, "spec.trainer.command: needs spec.trainer.image on a cluster", space, "trainer: {command: [python3]}");
        await FailsAsync(69, "namespaces \"nowhere\" not found", "nowhere", "parallelism: 1");
        await FailsAsync(64, "--store is of this machine", space, "parallelism: 1", "--store", "x");

        async Task FailsAsync(int code, string words, string where, string line, params string[] arguments)
        {
            var (exit, _, error) = await PlanAsync(plane.Kubeconfig, where, File("wrong", line), arguments);
            error.ShouldContain(words);
            exit.ShouldBe(code);
        }
    }

    [Fact]
    public async Task What_a_cluster_with_an_older_definition_would_drop_is_said()
    {
        _ = fixture.ControlPlane;  // skips where there can be none
        await using var plane = await ControlPlane.StartAsync(new ControlPlaneOptions { ControllerManager = false });
        var space = await plane.CreateNamespaceAsync("old");
        var file = File("dropped", "grid: {\"N\": [5, 10], hiddenUnits: [16, 32]}");
        var (exit, _, error) = await PlanAsync(plane.Kubeconfig, space, file);
        error.ShouldContain("this cluster knows no HemSweeps: kubectl apply -f crds/");
        exit.ShouldBe(69);

        var old = CustomResourceDefinitions.Sweeps.DeepClone();
        var schema = old["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"]!["properties"]!;
        schema["grid"]!["properties"]!.AsObject().Remove("hiddenUnits").ShouldBeTrue();
        var definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        await plane.Api.PostAsync(definitions, old);
        await plane.Api.PostAsync(definitions, CustomResourceDefinitions.Trials.DeepClone());
        await Wait.UntilAsync(async () => await plane.Api.GetAsync(Sweeps(space)) is not null, "sweeps are served");

        string output;
        (exit, output, error) = await PlanAsync(plane.Kubeconfig, space, file);
        exit.ShouldBe(0);
        error.ShouldContain("the cluster would drop spec.grid.hiddenUnits");
        output.ShouldContain("4 trials = 2 configurations x 2 seeds");
        output.ShouldNotContain("hiddenUnits");
    }

    private async Task<(ControlPlane Plane, string Space)> StartAsync()
    {
        var plane = fixture.ControlPlane;
        await HemCluster.InstallDefinitionsAsync(plane);
        return (plane, await plane.CreateNamespaceAsync("plan"));
    }

    private static string Sweeps(string space) => $"/apis/{HemResources.ApiVersion}/namespaces/{space}/{HemResources.SweepPlural}";

    private static string Text(string name, string line) => $$"""
        apiVersion: hem.dev/v1alpha1
        kind: HemSweep
        metadata: {name: {{name}}}
        spec:
          base: {algorithm: hem, task: flipbit-5}
          seeds: {count: 2}
          {{line}}
        """;

    private static JsonNode Json(string name, string line) => JsonNode.Parse(SweepReader.Read(Text(name, line), "s.yaml").Sweep!.ToJson())!;

    private string File(string name, string line)
    {
        var path = Path.Combine(_folder, $"{name}.yaml");
        System.IO.File.WriteAllText(path, Text(name, line));
        return path;
    }

    private async Task<(int ExitCode, string Output, string Error)> PlanAsync(
        string kubeconfig, string space, string file, params string[] arguments)
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        var hem = Path.Combine(here.Parent!.Parent!.FullName, "Hem.Cli", here.Name, "hem");
        using var process = Process.Start(new ProcessStartInfo(hem, ["plan", file, "-n", space, "--kubeconfig", kubeconfig, .. arguments])
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Timeouts.Normal);
        return (process.ExitCode, await output, await error);
    }
}
