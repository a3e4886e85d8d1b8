using System.Net;
using System.Text.Json.Nodes;
using Hem.Operator.Api;
using Hem.TestCluster;

namespace Operator.Tests.Api;

/// <summary>What the real API server makes of the definitions.</summary>
public sealed class ApiServerTests(ControlPlaneFixture fixture) : IAsyncLifetime
{
    private ControlPlane _plane = null!;
    private string _space = "";

    public async ValueTask InitializeAsync()
    {
        _plane = fixture.ControlPlane;
        await HemCluster.InstallDefinitionsAsync(_plane);
        _space = await _plane.CreateNamespaceAsync("api");
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task The_definitions_are_established_and_structural()
    {
        foreach (var plural in new[] { HemResources.SweepPlural, HemResources.TrialPlural })
        {
            var definition = await _plane.Definitions.GetAsync($"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.hem.dev");
            HemCluster.IsTrue(definition, "Established").ShouldBeTrue();
            HemCluster.IsTrue(definition, "NonStructuralSchema").ShouldBeFalse();
        }
    }

    [Fact]
    public async Task What_is_left_out_has_its_default()
    {
        var made = await CreateAsync("""{"base": {"algorithm": "hem", "task": "flipbit-5"}, "seeds": {"count": 2}}""");
        JsonNode.DeepEquals(made["spec"], JsonNode.Parse("""
            {
                "base": {"algorithm": "hem", "task": "flipbit-5"}, "seeds": {"count": 2}, "suspend": false,
                "retries": {"failures": 3, "disruptions": 100},
                "trainer": {"gpus": 0, "kernels": "auto", "checkpoints": {"every": "60s"}}
            }
            """)).ShouldBeTrue(made["spec"]!.ToJsonString());
    }

    /// <summary>What is refused at the door, and in words that say where and what.</summary>
    [Theory]
    [InlineData("""{"base": {"N": 0}}""", "spec.base.N", "should be greater than or equal to 1")]
    [InlineData("""{"base": {"algorithm": "hemm"}}""", "spec.base.algorithm", "supported values: \"hem\", \"her\"")]
    [InlineData("""{"base": {"imageSize": 50}}""", "spec.base.imageSize", "should be a multiple of 4")]
    [InlineData("""{"base": {"task": "flipbit-200"}}""", "spec.base.task", "should match")]
    [InlineData("""{"base": {"stopOnSuccess": "yes"}}""", "spec.base.stopOnSuccess", "must be of type boolean")]
    [InlineData("""{"grid": {"N": 5}}""", "spec.grid.N", "must be of type array")]
    [InlineData("""{"grid": {"N": []}}""", "spec.grid.N", "should have at least 1 items")]
    [InlineData("""{"grid": {"N": [5, 5]}}""", "spec.grid.N[1]", "Duplicate value: 5")]
    [InlineData("""{"grid": {"targetClip": [[1]]}}""", "spec.grid.targetClip", "should have at least 2 items")]
    [InlineData("""{"exclude": [{}]}""", "spec.exclude", "should have at least 1 properties")]
    [InlineData("""{"seeds": {}}""", "spec.seeds", "should have at least 1 properties")]
    [InlineData("""{"seeds": {"count": 1, "values": [1]}}""", "spec.seeds", "at most 1 ")]
    [InlineData("""{"seeds": {"values": [1, 1]}}""", "spec.seeds.values[1]", "Duplicate value: 1")]
    [InlineData("""{"seeds": null}""", "spec.seeds", "Required value")]
    [InlineData("""{"parallelism": 100001}""", "spec.parallelism", "should be less than or equal to 100000")]
    [InlineData("""{"budget": {"wallClock": "12 hours"}}""", "spec.budget.wallClock", "should match")]
    [InlineData("""{"trainer": {"kernels": 64}}""", "spec.trainer.kernels", "supported values: \"auto\"")]
    [InlineData("""{"trainer": {"volumes": [{"name": "data"}]}}""", "spec.trainer.volumes", "should have at least 2 properties")]
    [InlineData("""{"trainer": {"overrides": [{"gpus": 1}]}}""", "spec.trainer.overrides.match", "Required value")]
    public async Task What_the_schema_does_not_allow_is_refused_with_its_field(string spec, string field, string message)
    {
        var whole = (JsonObject)JsonNode.Parse("""{"base": {"algorithm": "hem", "task": "flipbit-5"}, "seeds": {"count": 2}}""")!;
        foreach (var (name, value) in (JsonObject)JsonNode.Parse(spec)!) whole[name] = value?.DeepClone();
        var refused = await Should.ThrowAsync<ClusterApiException>(() => CreateAsync(whole.ToJsonString()));
        refused.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
        // Servers of today name the first of a list too.
        refused.Message.Replace("[0]", "").ShouldContain(field + ": ", customMessage: refused.Message);
        refused.Message.ShouldContain(message, customMessage: refused.Message);
    }

    [Theory]
    [InlineData("quickstart", true)]
    [InlineData("a234567890123456789012345678901234567890", true)]
    [InlineData("a2345678901234567890123456789012345678901", false)]
    [InlineData("flipbit.n", false)]
    public async Task A_sweeps_name_must_leave_room_for_its_trials_names(string name, bool isValid)
    {
        var create = CreateAsync("""{"base": {"algorithm": "hem", "task": "flipbit-5"}, "seeds": {"count": 2}}""", name);
        if (isValid) await create;
        else (await Should.ThrowAsync<ClusterApiException>(create)).Message.ShouldContain("metadata.name: ");
    }

    [Fact]
    public async Task The_server_allows_what_the_schema_allows_and_no_more()
    {
        var wrong = new List<string>();
        var samples = SpecSamples.All().ToList();
        await Parallel.ForEachAsync(samples, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (sample, _) =>
        {
            string? refusal = null;
            try
            {
                await CreateAsync(Sound(SpecSamples.Document(sample)).ToJsonString(), "sample", "?dryRun=All");
            }
            catch (ClusterApiException e) when (e.StatusCode is HttpStatusCode.UnprocessableEntity or HttpStatusCode.BadRequest)
            {
                refusal = e.Message;
            }
            // Kubernetes of 2020 takes an empty text in a place without a smallest length for null.
            if (sample.Value == "\"\"" && refusal?.Contains("must be of type string: \"null\"", StringComparison.Ordinal) == true) return;
            if (refusal is null == sample.IsValid) return;
            lock (wrong) wrong.Add($"{sample.Path} = {sample.Value}: {refusal ?? "accepted"}");
        });
        wrong.ShouldBeEmpty();
    }

    /// <summary>With what the rules (CEL) of servers of today want beside the sample.</summary>
    private static JsonObject Sound(JsonObject spec)
    {
        if (spec["base"] is JsonObject parameters)
        {
            parameters["algorithm"] ??= "hem";
            parameters["task"] ??= "flipbit-5";
        }
        if (spec["trainer"] is not JsonObject trainer) return spec;
        if (trainer.ContainsKey("command")) trainer["image"] ??= "trainer:1";
        if (trainer["volumeMounts"] is not JsonArray mounts) return spec;
        trainer["volumes"] ??= new JsonArray([.. mounts.OfType<JsonObject>().Select(Volume)]);
        return spec;

        static JsonObject Volume(JsonObject mount) => new() { ["name"] = mount["name"]?.DeepClone(), ["emptyDir"] = new JsonObject() };
    }

    /// <summary>A null is as good as nothing, in a file and here.</summary>
    [Fact]
    public async Task A_null_means_that_the_field_is_not_there()
    {
        var made = await CreateAsync(
            """{"base": {"algorithm": "hem", "task": "flipbit-5", "N": null}, "grid": null, "seeds": {"count": 2}, "suspend": null}""");
        made["spec"]!["suspend"]!.GetValue<bool>().ShouldBeFalse();
        var resource = Resource(made);
        resource.Read().Faults.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_sweep_as_large_as_they_come_is_taken_whole()
    {
        var spec = new JsonObject
        {
            ["base"] = new JsonObject { ["algorithm"] = "hem", ["task"] = "flipbit-5" },
            ["seeds"] = new JsonObject { ["values"] = new JsonArray([.. Enumerable.Range(0, 100_000).Select(seed => (JsonNode)seed)]) },
        };
        var made = await CreateAsync(spec.ToJsonString());
        Resource(made).Read().Expansion!.Trials.Count.ShouldBe(100_000);
    }

    [Fact]
    public async Task The_status_of_20_000_trials_with_every_text_at_its_longest_stays_under_4_KiB_and_is_kept_whole()
    {
        var made = await CreateAsync("""{"base": {"algorithm": "hem", "task": "flipbit-5"}, "seeds": {"count": 20000}}""");
        var status = StatusTests.Largest();
        var sent = System.Text.Json.JsonSerializer.SerializeToNode(status, HemJson.Default.HemSweepStatus)!;
        var path = Path((string)made["metadata"]!["name"]!);
        await _plane.Api.MergePatchAsync(path + "/status", new JsonObject { ["status"] = sent.DeepClone() });
        var kept = (await _plane.Api.GetAsync(path))!["status"]!;
        JsonNode.DeepEquals(kept, sent).ShouldBeTrue("a part of the status was dropped");
        System.Text.Encoding.UTF8.GetByteCount(kept.ToJsonString(new System.Text.Json.JsonSerializerOptions
        {
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        })).ShouldBeLessThan(HemSweepStatus.MostBytes);
    }

    [Fact]
    public async Task A_trial_is_kept_whole_with_its_status()
    {
        var sweep = Resource(await CreateAsync(
            """
            {"base": {"algorithm": "her", "task": "fetch-push", "stopAt": {"successRate": 0.9, "evaluations": 3}}, "seeds": {"count": 1}}
            """));
        var (read, expansion, faults) = sweep.Read();
        faults.ShouldBeEmpty();
        var trial = StatusTests.Trial(sweep, read!, expansion!.Trials[0]);
        var sent = System.Text.Json.JsonSerializer.SerializeToNode(trial, HemJson.Default.HemTrialResource)!;
        sent.AsObject().Remove("status");
        var trials = $"/apis/{HemResources.ApiVersion}/namespaces/{_space}/{HemResources.TrialPlural}";
        await _plane.Api.PostAsync(trials, sent);
        var status = System.Text.Json.JsonSerializer.SerializeToNode(trial.Status, HemJson.Default.HemTrialStatus)!;
        var kept = await _plane.Api.MergePatchAsync(
            $"{trials}/{trial.Metadata.Name}/status", new JsonObject { ["status"] = status.DeepClone() });
        JsonNode.DeepEquals(kept["status"], status).ShouldBeTrue("a part of the status was dropped");
        JsonNode.DeepEquals(kept["spec"], sent["spec"]).ShouldBeTrue("a part of the spec was dropped");
    }

    private Task<JsonNode> CreateAsync(string spec, string? name = null, string query = "") => _plane.Api.PostAsync(
        $"/apis/{HemResources.ApiVersion}/namespaces/{_space}/{HemResources.SweepPlural}{query}", new JsonObject
        {
            ["apiVersion"] = HemResources.ApiVersion,
            ["kind"] = HemResources.SweepKind,
            ["metadata"] = name is null ? new JsonObject { ["generateName"] = "s-" } : new JsonObject { ["name"] = name },
            ["spec"] = JsonNode.Parse(spec),
        });

    private string Path(string name) => $"/apis/{HemResources.ApiVersion}/namespaces/{_space}/{HemResources.SweepPlural}/{name}";

    private static HemSweepResource Resource(JsonNode json) =>
        System.Text.Json.JsonSerializer.Deserialize(json, HemJson.Default.HemSweepResource)!;
}
