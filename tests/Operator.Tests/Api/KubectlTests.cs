using System.Text.Json;
using System.Text.Json.Nodes;
using Hem.Core.Sweeps;
using Hem.Operator.Api;
using Hem.TestCluster;

namespace Operator.Tests.Api;

/// <summary>Sweeps as a user meets them: with kubectl, against the real API server.</summary>
public sealed class KubectlTests(ControlPlaneFixture fixture) : IAsyncLifetime
{
    private ControlPlane _plane = null!;
    private Kubectl _kubectl = null!;
    private string _space = "";

    public static TheoryData<string> Examples =>
        [.. Directory.EnumerateFiles(HemCluster.File("examples"), "*.yaml").Select(path => Path.GetFileName(path)).Order()];

    public async ValueTask InitializeAsync()
    {
        _plane = fixture.ControlPlane;
        _kubectl = new(_plane, _plane.ResourcesKubeconfig);
        await HemCluster.InstallDefinitionsAsync(_plane);
        _space = await _plane.CreateNamespaceAsync("kubectl");
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>One file means one thing: the trials of `hem plan` are those of the cluster, name for name.</summary>
    [Theory]
    [MemberData(nameof(Examples))]
    public async Task Every_example_has_the_same_trials_here_as_on_one_machine(string example)
    {
        var file = HemCluster.File("examples", example);
        var (here, onOneMachine, faults) = SweepReader.Load(File.ReadAllBytes(file), file);
        faults.ShouldBeEmpty();
        await _kubectl.RunAsync("apply", "-n", _space, "-f", file);
        var (sweep, expansion, found) = (await GetAsync(here!.Metadata.Name)).Read();
        found.ShouldBeEmpty();
        expansion!.Trials.Select(trial => trial.Name).Order().ShouldBe(onOneMachine!.Trials.Select(trial => trial.Name).Order());
        expansion.Configurations.Select(one => (one.Id, one.Label)).Order()
            .ShouldBe(onOneMachine.Configurations.Select(one => (one.Id, one.Label)).Order());
        sweep!.Metadata.ShouldBe(here.Metadata);

        // And back: what kubectl prints is a file that `hem run` takes.
        var printed = await _kubectl.RunAsync("get", "-n", _space, "hemsweep", here.Metadata.Name, "-o", "yaml");
        var (_, back, wrong) = SweepReader.Load(System.Text.Encoding.UTF8.GetBytes(printed), "printed.yaml");
        wrong.ShouldBeEmpty();
        back!.Trials.Select(trial => trial.Hash).Order().ShouldBe(onOneMachine.Trials.Select(trial => trial.Hash).Order());
    }

    [Theory, InlineData("--validate=true"), InlineData("--validate=false")]
    public async Task What_every_field_can_hold_comes_back_as_it_was_written(string validate)
    {
        var text = """
            apiVersion: hem.dev/v1alpha1
            kind: HemSweep
            metadata: {name: whole}
            spec:
              base: {algorithm: her, task: fetch-push, learningRate: 1e-3, targetClip: [-25, 0.5], stopAt: {successRate: 1, evaluations: 2}}
              cases: [{workers: 10, batchSize: 32}, {workers: 20, stopOnSuccess: true}]
              grid: {"N": [5, 10], hiddenUnits: [64]}
              exclude: [{"N": 5, workers: 10}]
              seeds: {values: [1, 7]}
              parallelism: 4
              retries: {failures: 0, disruptions: 5}
              budget: {wallClock: 1h30m, gpuHours: 0.5}
              suspend: true
              ttlSecondsAfterFinished: 0
              trainer:
                gpus: 1
                threads: 2
                kernels: 512
                command: [python3, train.py]
                checkpoints: {every: 90s, claimName: saves}
                overrides: [{match: {"N": 10}, gpus: 0, threads: 4, image: other:1, volumes: [{name: data, emptyDir: {medium: Memory}}]}]
                image: registry.example/trainer:1
                resources: {requests: {cpu: 2, memory: 4Gi}, limits: {memory: 8Gi, example.com/widget: "1"}}
                nodeSelector: {zone: a}
                tolerations: [{key: gpu, operator: Exists, effect: NoSchedule}]
                priorityClassName: low
                runtimeClassName: nvidia
                queueName: lab
                volumes:
                - {name: data, persistentVolumeClaim: {claimName: data, readOnly: true}}
                - {name: config, configMap: {name: c, items: [{key: k, path: p}], optional: true}}
                - {name: secret, secret: {secretName: s}}
                - {name: share, nfs: {server: nfs, path: /x, readOnly: true}}
                - {name: plugin, csi: {driver: d.example, fsType: ext4, volumeAttributes: {a: b}}}
                volumeMounts: [{name: data, mountPath: /data, subPath: a/b, readOnly: true}]
            """;
        var written = SweepReader.Read(text, "whole.yaml");
        written.Faults.ShouldBeEmpty();
        await _kubectl.RunAsync(text, ["apply", "-n", _space, validate, "-f", "-"]);
        var stored = (await GetAsync("whole")).Spec!.Value.GetRawText();
        var sweep = new JsonObject
        {
            ["apiVersion"] = HemResources.ApiVersion,
            ["kind"] = HemResources.SweepKind,
            ["metadata"] = new JsonObject { ["name"] = "whole" },
            ["spec"] = JsonNode.Parse(stored),
        };
        SweepReader.Read(sweep.ToJsonString(), "whole.json").Sweep!.ToJson().ShouldBe(written.Sweep!.ToJson());
    }

    /// <summary>A typo would be dropped without a word, and another sweep would run: it is refused instead.</summary>
    [Theory]
    [InlineData("grid: {\"N\": [5], etaa: [1]}", "etaa")]
    [InlineData("trainer: {gpu: 1}", "gpu")]
    [InlineData("paralellism: 3", "paralellism")]
    [InlineData("grid: {N: [5, 10]}", "false")]  // what kubectl makes of an N without quotes
    public async Task A_field_that_is_not_known_is_refused_by_kubectl(string line, string field)
    {
        var answer = await _kubectl.TryAsync(Sweep("typo", line), "apply", "-n", _space, "-f", "-");
        answer.Status.ShouldNotBe(0);
        answer.Error.ShouldContain(field);
    }

    [Fact]
    public async Task A_field_that_is_not_known_is_refused_by_a_server_that_is_asked_to_be_strict()
    {
        var version = await _plane.Api.GetAsync("/version");
        var minor = int.Parse(((string)version!["minor"]!).TrimEnd('+'));
        if (minor < 25) Assert.Skip($"the server is 1.{minor}: fieldValidation is known from 1.25 on");
        var sweep = new JsonObject
        {
            ["apiVersion"] = HemResources.ApiVersion,
            ["kind"] = HemResources.SweepKind,
            ["metadata"] = new JsonObject { ["name"] = "typo" },
            ["spec"] = JsonNode.Parse("""{"base": {"algorithm": "hem", "task": "flipbit-5", "etaa": 1}, "seeds": {"count": 1}}"""),
        };
        var refused = await Should.ThrowAsync<ClusterApiException>(_plane.Api.PostAsync(
            $"/apis/{HemResources.ApiVersion}/namespaces/{_space}/{HemResources.SweepPlural}?fieldValidation=Strict", sweep));
        refused.Message.ShouldContain("spec.base.etaa");
    }

    [Theory]
    [InlineData("hemsweep", "ablation study")]
    [InlineData("hemsweep.spec", "exclude")]
    [InlineData("hemsweep.spec.grid", "\"N\": [5, 10, 20]")]
    [InlineData("hemsweep.spec.grid.N", "Allowed: a whole number from 1 to 10,000")]
    [InlineData("hemsweep.spec.base.task", "flipbit-K, fourrooms")]
    [InlineData("hemsweep.spec.base.targetClip", "the smaller first, for example [-50, 0]")]
    [InlineData("hemsweep.spec.cases.eta", "Default: 0.1")]
    [InlineData("hemsweep.spec.trainer.resources.limits", "{memory: 8Gi}")]
    [InlineData("hemsweep.spec.trainer.overrides.match.N", "Trajectories that each worker collects")]
    [InlineData("hemsweep.status.best.score", "interquartile mean")]
    [InlineData("hemtrial.spec.parameters.algorithm", "one of hem, her, her-dense")]
    [InlineData("ht.status.phase", "Superseded: no longer part of the sweep")]
    public async Task Explain_says_what_a_field_is(string path, string words)
    {
        var said = await _kubectl.RunAsync("explain", path);
        string.Join(' ', said.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).ShouldContain(words);
    }

    [Fact]
    public async Task Every_parameter_is_explained_with_what_it_allows()
    {
        var said = await _kubectl.RunAsync("explain", "hemsweep.spec.grid", "--recursive=false");
        var words = string.Join(' ', said.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        foreach (var definition in ParameterTable.All)
        {
            words.ShouldContain(definition.Name);
            words.ShouldContain($"Allowed: {definition.Expected}.");
        }
    }

    [Fact]
    public async Task Get_shows_where_sweeps_and_trials_are()
    {
        await _kubectl.RunAsync(Sweep("columns", "grid: {\"N\": [5, 10]}"), ["apply", "-n", _space, "-f", "-"]);
        var sweep = await GetAsync("columns");
        var (read, expansion, _) = sweep.Read();
        var path = $"/apis/{HemResources.ApiVersion}/namespaces/{_space}";
        var status = new HemSweepStatus
        {
            State = Hem.Core.Planning.SweepState.Progressing,
            Trials = 4,
            Done = 2,
            Running = 1,
            Failed = 0,
            Best = new() { Configuration = "N=10", Score = 0.9875 },
        };
        await _plane.Api.MergePatchAsync($"{path}/{HemResources.SweepPlural}/columns/status",
            new JsonObject { ["status"] = JsonSerializer.SerializeToNode(status, HemJson.Default.HemSweepStatus) });
        var trial = StatusTests.Trial(sweep, read!, expansion!.Trials[0]);
        await _plane.Api.PostAsync(
            $"{path}/{HemResources.TrialPlural}", JsonSerializer.SerializeToNode(trial, HemJson.Default.HemTrialResource)!);
        await _plane.Api.MergePatchAsync($"{path}/{HemResources.TrialPlural}/{trial.Metadata.Name}/status",
            new JsonObject { ["status"] = JsonSerializer.SerializeToNode(trial.Status, HemJson.Default.HemTrialStatus) });

        Words(await _kubectl.RunAsync("get", "hs", "-n", _space)).ShouldBe(
            ["NAME STATE TRIALS DONE RUNNING FAILED BEST IQM AGE", "columns Progressing 4 2 1 0 N=10 0.9875 AGE"]);
        Words(await _kubectl.RunAsync("get", "ht", "-n", _space)).ShouldBe(
        [
            "NAME STATE TASK ALGORITHM SEED PROGRESS SUCCESS RETRIES AGE",
            $"{trial.Metadata.Name} BackingOff flipbit-5 hem 1 40/80 0.5 2 AGE",
        ]);
        var all = await _kubectl.RunAsync("get", "hem", "-n", _space);
        all.ShouldContain("hemsweep.hem.dev/columns");
        all.ShouldContain($"hemtrial.hem.dev/{trial.Metadata.Name}");

        // The age is a matter of seconds.
        static string[] Words(string table) =>
            [.. table.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select((line, i) =>
            {
                var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
                if (i > 0) words[^1] = "AGE";
                return string.Join(' ', words);
            })];
    }

    private static string Sweep(string name, string line) => $$"""
        apiVersion: hem.dev/v1alpha1
        kind: HemSweep
        metadata: {name: {{name}}}
        spec:
          base: {algorithm: hem, task: flipbit-5}
          seeds: {count: 2}
          {{line}}
        """;

    private async Task<HemSweepResource> GetAsync(string name) => JsonSerializer.Deserialize(
        await _kubectl.RunAsync("get", "-n", _space, "hemsweep", name, "-o", "json"), HemJson.Default.HemSweepResource)!;
}
