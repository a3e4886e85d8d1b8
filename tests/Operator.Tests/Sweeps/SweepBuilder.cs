using System.Text.Json;
using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Hem.Operator.Api;

namespace Operator.Tests.Sweeps;

/// <summary><c>SweepBuilder.Make("s").Seeds(3).Axis("N", 5, 10).Parallelism(2).Build()</c>.</summary>
internal sealed class SweepBuilder
{
    private readonly string _name;
    private readonly JsonObject _spec = new()
    {
        ["base"] = new JsonObject { ["algorithm"] = "hem", ["task"] = "flipbit-25", ["iterations"] = 4 },
        ["seeds"] = new JsonObject { ["count"] = 1 },
    };

    private SweepBuilder(string name) => _name = name;

    public static SweepBuilder Make(string name = "s") => new(name);

    public SweepBuilder Seeds(int count) => With("seeds", new JsonObject { ["count"] = count });

    public SweepBuilder Parallelism(int places) => With("parallelism", places);

    public SweepBuilder Suspended(bool suspend = true) => With("suspend", suspend);

    public SweepBuilder Retries(int failures, int disruptions = 100) =>
        With("retries", new JsonObject { ["failures"] = failures, ["disruptions"] = disruptions });

    public SweepBuilder Ttl(int seconds) => With("ttlSecondsAfterFinished", seconds);

    public SweepBuilder Gpus(int gpus) => Trainer("gpus", gpus);

    public SweepBuilder CheckpointsEvery(string time) => Trainer("checkpoints", new JsonObject { ["every"] = time });

    public SweepBuilder Budget(string field, JsonNode value) => With("budget", new JsonObject { [field] = value });

    public SweepBuilder Base(string parameter, JsonNode value)
    {
        ((JsonObject)_spec["base"]!)[parameter] = value;
        return this;
    }

    public SweepBuilder Axis(string parameter, params JsonNode[] values)
    {
        if (_spec["grid"] is not JsonObject grid) _spec["grid"] = grid = [];
        grid[parameter] = new JsonArray(values);
        return this;
    }

    public SweepBuilder Trainer(string field, JsonNode value)
    {
        if (_spec["trainer"] is not JsonObject trainer) _spec["trainer"] = trainer = [];
        trainer[field] = value;
        return this;
    }

    public SweepBuilder With(string field, JsonNode value)
    {
        _spec[field] = value;
        return this;
    }

    public JsonObject Spec() => (JsonObject)_spec.DeepClone();

    public HemSweepResource Build(string ns = "default") => new()
    {
        Metadata = new V1ObjectMeta { Name = _name, Namespace = ns },
        Spec = JsonSerializer.SerializeToElement(_spec),
    };
}
