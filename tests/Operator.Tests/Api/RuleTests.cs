using System.Text.Json;
using System.Text.Json.Nodes;
using Hem.Operator.Api;
using Hem.Operator.Api.Schema;

namespace Operator.Tests.Api;

/// <summary>What the CEL rules say, old API servers do not check: the operator does, whatever the server.</summary>
public sealed class RuleTests
{
    private static readonly string[] checkedHere =
    [
        "algorithm must be set in base, in grid or in every one of cases", "task must be set in base, in grid or in every one of cases",
        "must have either count (seeds 1 to count) or values (the seeds themselves)", "must be two numbers, the smaller first",
        "must begin with the name of a program", "every volumeMount must name one of volumes",
        "command needs image: the operator's own trainer image holds no other program",
    ];

    [Theory]
    [InlineData("""{"base": {"task": "flipbit-5"}, "seeds": {"count": 1}}""", "spec.base")]
    [InlineData("""{"base": {"algorithm": "hem"}, "cases": [{"task": "flipbit-5"}, {"N": 2}], "seeds": {"count": 1}}""", "spec.cases[1]")]
    [InlineData("""{"base": {"algorithm": "hem", "task": "flipbit-5"}, "seeds": {}}""", "spec.seeds")]
    [InlineData("""{"base": {"algorithm": "hem", "task": "flipbit-5"}, "seeds": {"count": 1, "values": [1]}}""", "spec.seeds")]
    [InlineData("""
        {"base": {"algorithm": "hem", "task": "flipbit-5"}, "cases": [{"N": 5}], "grid": {"N": [1, 2]}, "seeds": {"count": 1}}
        """, "spec.grid.N")]
    [InlineData("""
        {"base": {"algorithm": "her", "task": "fetch-push", "targetClip": [1, 1]}, "seeds": {"count": 1}}
        """, "spec.base.targetClip")]
    [InlineData("""
        {"base": {"algorithm": "hem", "task": "flipbit-5"}, "seeds": {"count": 1}, "trainer": {"command": [""], "image": "x"}}
        """, "spec.trainer.command[0]")]
    [InlineData("""
        {"base": {"algorithm": "hem", "task": "flipbit-5"}, "seeds": {"count": 1}, "trainer": {"command": ["x"]}}
        """, "spec.trainer.command")]
    [InlineData("""
        {"base": {"algorithm": "hem", "task": "flipbit-5"}, "grid": {"N": [1, 2]}, "seeds": {"count": 1},
         "trainer": {"command": ["x"], "overrides": [{"match": {"N": 2}, "image": "x"}]}}
        """, "spec.trainer.command")]
    [InlineData("""
        {"base": {"algorithm": "hem", "task": "flipbit-5"}, "seeds": {"count": 1},
         "trainer": {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}}
        """, "spec.trainer.volumeMounts[0].name")]
    [InlineData("""
        {"base": {"algorithm": "hem", "task": "flipbit-5"}, "seeds": {"count": 1},
         "trainer": {"volumes": [{"name": "hem-tmp", "emptyDir": {}}]}}
        """, "spec.trainer.volumes[0].name")]
    [InlineData("""
        {"base": {"algorithm": "hem", "task": "flipbit-5"}, "seeds": {"count": 1},
         "trainer": {"volumes": [{"name": "a", "emptyDir": {}}], "volumeMounts": [{"name": "a", "mountPath": "/var/run/hem/x"}]}}
        """, "spec.trainer.volumeMounts[0].mountPath")]
    public void What_a_rule_would_refuse_the_operator_does_not_accept(string spec, string path)
    {
        var (sweep, expansion, faults) = Resource(spec).Read();
        faults.Select(fault => fault.Path).ShouldBe([path]);
        sweep.ShouldBeNull();
        expansion.ShouldBeNull();
    }

    [Theory]
    [InlineData("""
        {"base": {"algorithm": "hem", "task": "flipbit-5"}, "seeds": {"count": 1}, "trainer": {"command": ["x"], "image": "x"}}
        """)]
    [InlineData("""
        {"base": {"algorithm": "hem", "task": "flipbit-5"}, "seeds": {"count": 1}, "trainer":
         {"command": ["x"], "overrides": [{"match": {}, "image": "x", "volumeMounts": [{"name": "a", "mountPath": "/a"}]}],
          "volumes": [{"name": "a", "emptyDir": {}}]}}
        """)]
    public void What_is_right_is_accepted(string spec) => Resource(spec).Read().Faults.ShouldBeEmpty();

    [Fact]
    public void No_rule_is_left_to_the_api_server_alone()
    {
        var rules = SpecSamples.Walk().SelectMany(field => field.Schema.Validations ?? []).Except(ParameterSchema.CaseOrGrid);
        rules.Select(rule => rule.Message).Distinct().Order().ShouldBe(checkedHere.Order());
    }

    [Fact]
    public void Faults_are_those_of_a_file_without_its_lines()
    {
        var faults = Resource("""{"base": {"algorithm": "hem", "task": "flipbit-5", "N": 0, "eta": 1}, "parallelism": 0}""").Read().Faults;
        faults.Select(fault => fault.Path).ShouldBe(["spec.base.N", "spec.base.eta", "spec.parallelism", "spec.seeds"], ignoreOrder: true);
        faults.ShouldAllBe(fault => fault.Line == null);
    }

    private static HemSweepResource Resource(string spec) => new()
    {
        Metadata = new() { Name = "s", Namespace = "default" },
        Spec = JsonSerializer.SerializeToElement(JsonNode.Parse(spec)),
    };
}
