using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Hem.Core.Sweeps;

/// <summary>How a trial runs; its results do not depend on it.</summary>
/// <param name="Threads">Threads of the trainer.</param>
/// <param name="Device"><c>cpu</c> or <c>cuda</c>.</param>
/// <param name="Kernels"><c>auto</c>, <c>512</c>, <c>256</c> or <c>128</c>: width of the vectors.</param>
/// <param name="CheckpointSeconds">Seconds between two checkpoints.</param>
public sealed record TrainerSettings(int Threads = 1, string Device = "cpu", string Kernels = "auto", double CheckpointSeconds = 60);

/// <summary>What became of a trial's configuration.</summary>
public sealed record TrialParseResult(TrialDocument? Document, IReadOnlyList<Fault> Faults);

/// <summary>The configuration that a trainer is started with: the JSON in HEM_TRIAL.</summary>
/// <param name="Parameters">Every parameter that the algorithm and task use, with defaults written out.</param>
public sealed record TrialDocument(
    string ApiVersion, string Sweep, string Name, int Seed, ParameterSet Parameters, TrainerSettings Trainer)
{
    /// <summary>Its configuration as reports name it, for people to read; null where it is not told.</summary>
    public string? Configuration { get; init; }

    /// <summary>The document of one trial of a sweep.</summary>
    /// <param name="sweep">The sweep.</param>
    /// <param name="trial">One of its trials.</param>
    /// <param name="configuration">The label of the trial's <see cref="Sweeps.Configuration"/>.</param>
    public static TrialDocument For(HemSweep sweep, TrialSpec trial, string? configuration = null)
    {
        var template = sweep.Spec.Trainer.For(trial.Parameters);
        return new(HemSweep.CurrentApiVersion, sweep.Metadata.Name, trial.Name, trial.Seed, ParameterTable.Resolve(trial.Parameters),
            new TrainerSettings(template.Threads ?? 1, template.Device, template.Kernels, template.Checkpoints.Every.TotalSeconds))
        {
            Configuration = configuration,
        };
    }

    /// <summary>Reads HEM_TRIAL; gives every fault at once and never throws for bad input.</summary>
    public static TrialParseResult Parse(string json) => TrialDocumentParser.Parse(json);

    public string ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("apiVersion", ApiVersion);
            writer.WriteString("sweep", Sweep);
            writer.WriteString("name", Name);
            writer.WriteNumber("seed", Seed);
            if (Configuration is not null) writer.WriteString("configuration", Configuration);
            writer.WritePropertyName("parameters");
            writer.WriteRawValue(Parameters.ToJson());
            writer.WriteStartObject("trainer");
            writer.WriteNumber("threads", Trainer.Threads);
            writer.WriteString("device", Trainer.Device);
            writer.WriteString("kernels", Trainer.Kernels);
            writer.WriteNumber("checkpointSeconds", Trainer.CheckpointSeconds);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
