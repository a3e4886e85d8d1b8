using Hem.Core.Sweeps;

namespace Hem.Trainer.Trials;

/// <summary>What `hem-trainer --help` says.</summary>
internal static class Usage
{
    public static string Text => $"""
        hem-trainer: runs one trial of a Hem sweep. People do not start it; `hem run FILE` does (see `hem --help`).

        usage: hem-trainer              run the trial that the environment describes
               hem-trainer look TASK    draw what an agent with images sees, into a PNG file
                   [--image-size 84] [--seed 1] [--out FILE.png]
               hem-trainer theory [SAMPLES [SEED]]
                                        Theorems 1 to 3 of the paper: every claim, measured, and whether it holds (docs/theory.md)
               hem-trainer metrics      what a trial measures, as docs/metrics.md has it
               hem-trainer --help       this text
               hem-trainer --version    name and version

        algorithms: {string.Join(", ", BuiltIn.Algorithms)}
        tasks: {string.Join(", ", BuiltIn.Tasks)}

        environment (docs/trainer-contract.md says all of it):
          HEM_TRIAL                the trial: JSON with apiVersion, sweep, name, seed, parameters, trainer
          HEM_ATTEMPT              which attempt at the trial this is; opaque
          HEM_PROGRESS_ADDRESS     where to report: unix:/path, http://host:port or https://host:port
          HEM_PROGRESS_TOKEN_FILE  file with the bearer token, read again at each connection
          HEM_PROGRESS_CA_FILE     file with the certificates to trust (PEM), read again at each connection
          HEM_CHECKPOINT_DIR       folder for the trial's checkpoints; without it they go through the progress server
          HEM_METRICS_PORT         serve metrics for Prometheus at http://*:PORT/metrics; without it nothing is served
          HEM_LOG_FORMAT           json: a log line is an object, with level, sweep and trial
          OTEL_EXPORTER_OTLP_ENDPOINT
                                   send metrics there by OTLP; the other variables of OpenTelemetry count too

        signals: SIGTERM or SIGINT: save and leave

        exit codes:
          0    finished, and Hem has stored it
          64   the configuration is bad; trying again will not help
          143  saved and left, because it was asked to
          else failed; the reason is the last line of standard error
        """;
}
