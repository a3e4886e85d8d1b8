using System.Buffers;
using System.ComponentModel;
using System.Text.Json;
using Hem.Core.Sweeps;
using Hem.Kubernetes;
using Hem.Operator.Api.Schema;

namespace Hem.Operator.Api;

/// <summary>A HemSweep as the API server has it. Its spec is the JSON that Hem.Core reads, whatever is wrong with it.</summary>
[Description(
    "A sweep: an ablation study of goal-conditioned reinforcement learning. Hem expands it to trials (configurations times seeds), runs "
    + "each to completion exactly once, and says which configuration is better, with an interval over seeds.")]
[PrinterColumn("State", "string", ".status.state", "Where the sweep is")]
[PrinterColumn("Trials", "integer", ".status.trials", "Trials that the spec asks for")]
[PrinterColumn("Done", "integer", ".status.done", "Trials that are complete")]
[PrinterColumn("Running", "integer", ".status.running", "Trials with a live attempt")]
[PrinterColumn("Failed", "integer", ".status.failed", "Trials that failed for good")]
[PrinterColumn("Best", "string", ".status.best.configuration", "The configuration with the highest score so far")]
[PrinterColumn("IQM", "number", ".status.best.score", "Its score: interquartile mean over seeds, with few seeds the mean")]
[PrinterColumn("Age", "date", ".metadata.creationTimestamp", "Since when the sweep exists")]
[PrinterColumn("Why", "string", ".status.conditions[?(@.type==\"Progressing\")].message", "What the sweep does or waits for", Priority = 1)]
internal sealed record HemSweepResource : IKubernetesObject
{
    [Description(HemResources.ApiVersion)]
    public string? ApiVersion { get; set; } = HemResources.ApiVersion;

    [Description(HemResources.SweepKind)]
    public string? Kind { get; set; } = HemResources.SweepKind;

    public V1ObjectMeta Metadata { get; set; } = new();

    [Shape(typeof(HemSweepSpec))]
    public JsonElement? Spec { get; init; }

    public HemSweepStatus? Status { get; init; }

    /// <summary>
    /// Reads and expands the spec as `hem validate` does a file, with the same faults and field paths, and with those that only a cluster
    /// has. Sweep and expansion are null where anything is wrong.
    /// </summary>
    public (HemSweep? Sweep, SweepExpansion? Expansion, IReadOnlyList<Fault> Faults) Read()
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("apiVersion", ApiVersion);
            json.WriteString("kind", Kind);
            json.WriteStartObject("metadata");
            json.WriteString("name", Metadata.Name);
            json.WriteEndObject();
            if (Spec is { } spec)
            {
                json.WritePropertyName("spec");
                spec.WriteTo(json);
            }
            json.WriteEndObject();
        }
        var (sweep, expansion, faults) = SweepReader.Load(buffer.WrittenSpan, "sweep.json");
        if (sweep is not null && expansion is not null) faults = ClusterRules.Check(sweep, expansion);
        return faults.Count == 0 ? (sweep, expansion, []) : (null, null, [.. faults.Select(fault => fault with { Line = null })]);
    }
}
