using System.Globalization;
using Hem.Metrics;

namespace Hem.Trainer.Trials;

/// <summary>What Hem tells a trainer through its environment variables.</summary>
/// <param name="Trial">HEM_TRIAL: the configuration, JSON.</param>
/// <param name="Attempt">HEM_ATTEMPT: which attempt this process is; opaque.</param>
/// <param name="ProgressAddress">HEM_PROGRESS_ADDRESS: `unix:/path`, `http://host:port` or `https://host:port`.</param>
/// <param name="TokenFile">HEM_PROGRESS_TOKEN_FILE.</param>
/// <param name="CaFile">HEM_PROGRESS_CA_FILE, or null.</param>
/// <param name="CheckpointFolder">HEM_CHECKPOINT_DIR, or null: then checkpoints go through the progress server.</param>
/// <param name="MetricsPort">HEM_METRICS_PORT: where metrics are to be served, 0: any free port; or null.</param>
/// <param name="SendsMetrics">A collector is named that metrics are to be sent to.</param>
internal sealed record TrialEnvironment(
    string Trial, string Attempt, string ProgressAddress, string TokenFile, string? CaFile, string? CheckpointFolder, int? MetricsPort,
    bool SendsMetrics)
{
    /// <exception cref="BadConfigurationException">A variable is missing or cannot be read.</exception>
    public static TrialEnvironment Read(Func<string, string?> variable)
    {
        string? Optional(string name) => variable(name) is { Length: > 0 } value ? value : null;
        string Required(string name) => Optional(name) ?? throw new BadConfigurationException(
            $"{name} is not set. hem-trainer runs one trial and is started by Hem: write a sweep file and run `hem run FILE` "
            + "(see `hem --help`), or set the variables of docs/trainer-contract.md yourself (`hem-trainer --help` names them).");
        return new TrialEnvironment(
            Required("HEM_TRIAL"),
            Optional("HEM_ATTEMPT") ?? "",
            Required("HEM_PROGRESS_ADDRESS"),
            Required("HEM_PROGRESS_TOKEN_FILE"),
            Optional("HEM_PROGRESS_CA_FILE"),
            Optional("HEM_CHECKPOINT_DIR"),
            Optional("HEM_METRICS_PORT") is { } port ? Port(port) : null,
            Optional(OtlpVariables.Endpoint) is not null || Optional(OtlpVariables.MetricsEndpoint) is not null);
    }

    private static int Port(string text) => ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)
        ? port
        : throw new BadConfigurationException($"HEM_METRICS_PORT is '{text}'; it must be a port, 1 to 65535, or 0 for any that is free");
}
