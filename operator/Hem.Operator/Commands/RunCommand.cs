using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using Hem.Core.Sweeps;
using Hem.Operator.Hosting;
using Hem.Operator.Metrics;
using Microsoft.Extensions.Logging;

namespace Hem.Operator.Commands;

/// <summary>`hem-operator run`: runs the sweeps of a cluster until it is told to stop.</summary>
internal static class RunCommand
{
    private const string NamespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
    private const string ConnectionVariable = "HEM_RESULTS_CONNECTION";
    private const string Timestamp = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
    private static readonly OperatorOptions usual = new();

    public static Command Build()
    {
        Option<string> ns = Text("--namespace", "NAME", "The operator's own namespace: its Lease and certificates", OwnNamespace());
        Option<string?> watch = new("--watch-namespace")
        {
            Description = "Run the sweeps of this namespace alone (default: of all)",
            HelpName = "NAME",
        };
        Option<string> store = Text("--store", "DIR", "Folder of the results and checkpoints", usual.Store);
        Option<string?> results = new("--results")
        {
            Description =
                $"PostgreSQL database of the results, for several replicas (default: ${ConnectionVariable}, else SQLite in the store)",
            HelpName = "postgresql://...",
        };
        Option<string?> resultsFile = new("--results-file")
        {
            Description = "File that says so instead, as a mounted Secret does; read for each connection",
            HelpName = "FILE",
        };
        Option<long> checkpoints = new("--checkpoint-bytes")
        {
            Description = "Most bytes of all checkpoints that trials without a claim keep in the store",
            HelpName = "BYTES",
            DefaultValueFactory = _ => usual.CheckpointBytes,
        };
        Option<TimeSpan> retain = new("--retain-results")
        {
            Description = "How long the results of a sweep are kept after it was deleted, for example 90d",
            HelpName = "DURATION",
            DefaultValueFactory = _ => usual.RetainResults,
            CustomParser = result => (TimeSpan)(Parse(
                result, "--retain-results", text => (object?)Duration.Parse(text), Duration.Expected) ?? usual.RetainResults),
        };
        Option<string> address = Text(
            "--progress-address", "HOST:PORT", "Where trainers reach the progress service", usual.ProgressAddress);
        Option<IPEndPoint> progress = EndPoint("--progress-listen", "Where the progress service listens", usual.ProgressListen);
        Option<IPEndPoint> answers = EndPoint("--answers-listen", "Where reports and rankings are served", usual.AnswersListen);
        Option<IPEndPoint> health = EndPoint("--health-listen", "Where /healthz, /readyz and /metrics are served", usual.HealthListen);
        Option<string> image = Text("--trainer-image", "IMAGE", "Image of trials that name none", usual.TrainerImage);
        Option<string> gpuImage = Text("--trainer-gpu-image", "IMAGE", "Image of trials with GPUs that name none", usual.TrainerGpuImage);
        Option<PodSettings> defaults = new("--trainer-defaults")
        {
            Description = "What pods of trials have where their sweep does not say: fields of spec.trainer "
                + $"(default: {OperatorOptions.UsualTrainer})",
            HelpName = "JSON",
            DefaultValueFactory = _ => usual.TrainerDefaults,
            CustomParser = ReadDefaults,
        };
        Option<string?> kubeconfig = new("--kubeconfig")
        {
            Description = "How to reach the API server (default: as a pod, else the user's kubeconfig)",
            HelpName = "FILE",
        };
        Option<TimeSpan> lease = Seconds(
            "--leader-elect-lease-duration", "How long a leader that says nothing is left alone", usual.LeaseDuration);
        Option<TimeSpan> renew = Seconds("--leader-elect-renew-deadline", "How long a leader tries to renew", usual.RenewDeadline);
        Option<TimeSpan> retry = Seconds("--leader-elect-retry-period", "Pause between tries", usual.RetryPeriod);
        Option<int> parallelism = new("--default-parallelism")
        {
            Description = "Trials of a sweep at once where it does not say",
            HelpName = "N",
            DefaultValueFactory = _ => usual.DefaultParallelism,
        };
        Option<int> series = new("--trial-series")
        {
            Description = "Running trials of each sweep that have series of their own in /metrics, "
                + $"of all sweeps together at most {SweepMetrics.MostTrials}",
            HelpName = "N",
            DefaultValueFactory = _ => usual.TrialSeries,
        };
        series.Validators.Add(Within("--trial-series", SweepMetrics.MostTrials));
        Option<int> trainerMetrics = new("--trainer-metrics-port")
        {
            Description = "Where trainers serve metrics of their own; 0: nowhere",
            HelpName = "PORT",
            DefaultValueFactory = _ => usual.TrainerMetricsPort,
        };
        trainerMetrics.Validators.Add(Within("--trainer-metrics-port", IPEndPoint.MaxPort));
        Option<LogFormat> log = new("--log-format")
        {
            Description = "How log lines look (default: Json in a pod, else Text)",
            DefaultValueFactory = _ => usual.LogFormat,
        };
        Option<LogLevel> level = new("--log-level")
        {
            Description = "What is logged, and what is worse: Debug, Information, Warning or Error",
            DefaultValueFactory = _ => usual.LogLevel,
        };
        level.AcceptOnlyFromAmong(
            nameof(LogLevel.Debug), nameof(LogLevel.Information), nameof(LogLevel.Warning), nameof(LogLevel.Error));
        var command = new Command("run", "Run the sweeps of a cluster")
        {
            ns, watch, store, results, resultsFile, checkpoints, retain, address, progress, answers, health, image, gpuImage, defaults,
            kubeconfig, lease, renew, retry, parallelism, series, trainerMetrics, log, level,
        };
        command.SetAction((parsed, _) => RunAsync(usual with
        {
            Namespace = parsed.GetRequiredValue(ns),
            WatchNamespace = parsed.GetValue(watch),
            Store = parsed.GetRequiredValue(store),
            Results = Results(parsed.GetValue(results), parsed.GetValue(resultsFile)),
            CheckpointBytes = parsed.GetRequiredValue(checkpoints),
            RetainResults = parsed.GetRequiredValue(retain),
            ProgressAddress = parsed.GetRequiredValue(address),
            ProgressListen = parsed.GetRequiredValue(progress),
            AnswersListen = parsed.GetRequiredValue(answers),
            HealthListen = parsed.GetRequiredValue(health),
            TrainerImage = parsed.GetRequiredValue(image),
            TrainerGpuImage = parsed.GetRequiredValue(gpuImage),
            TrainerDefaults = parsed.GetRequiredValue(defaults),
            Kubeconfig = parsed.GetValue(kubeconfig),
            LeaseDuration = parsed.GetRequiredValue(lease),
            RenewDeadline = parsed.GetRequiredValue(renew),
            RetryPeriod = parsed.GetRequiredValue(retry),
            DefaultParallelism = parsed.GetRequiredValue(parallelism),
            TrialSeries = parsed.GetRequiredValue(series),
            TrainerMetricsPort = parsed.GetRequiredValue(trainerMetrics),
            LogFormat = parsed.GetRequiredValue(log),
            LogLevel = parsed.GetRequiredValue(level),
            PodName = Environment.GetEnvironmentVariable("POD_NAME") is { Length: > 0 } pod ? pod : null,
        }));
        return command;
    }

    private static async Task<int> RunAsync(OperatorOptions options)
    {
        using ILoggerFactory loggers = LoggerFactory.Create(logging =>
        {
            // Not a line for each request.
            logging.SetMinimumLevel(options.LogLevel).AddFilter("Microsoft", LogLevel.Warning);
            if (options.LogFormat == LogFormat.Json)
            {
                logging.AddJsonConsole(
                    console => (console.TimestampFormat, console.UseUtcTimestamp) = (Timestamp.TrimEnd(), true));
            }
            else
            {
                logging.AddSimpleConsole(console =>
                    (console.SingleLine, console.TimestampFormat, console.UseUtcTimestamp) = (true, Timestamp, true));
            }
        });
        using var stop = new CancellationTokenSource();
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        await using var host = new OperatorHost(options, loggers);
        return await host.RunAsync(stop.Token) ? 0 : 1;

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    private static Func<string>? Results(string? given, string? file)
    {
        if (file is not null) return () => File.ReadAllText(file);
        string? connection = given ?? Environment.GetEnvironmentVariable(ConnectionVariable);
        return connection is { Length: > 0 } ? () => connection : null;
    }

    private static string OwnNamespace() =>
        Environment.GetEnvironmentVariable("POD_NAMESPACE") is { Length: > 0 } given ? given
        : File.Exists(NamespaceFile) ? File.ReadAllText(NamespaceFile).Trim()
        : usual.Namespace;

    private static PodSettings ReadDefaults(ArgumentResult result)
    {
        (PodSettings? settings, IReadOnlyList<Fault> faults) = TrainerDefaults.Read(result.Tokens.Single().Value);
        foreach (Fault fault in faults) result.AddError($"--trainer-defaults: {fault with { Line = null }}");
        return settings ?? usual.TrainerDefaults;
    }

    private static Option<string> Text(string name, string value, string description, string otherwise) => new(name)
    {
        Description = description,
        HelpName = value,
        DefaultValueFactory = _ => otherwise,
    };

    private static Option<IPEndPoint> EndPoint(string name, string description, IPEndPoint otherwise) => new(name)
    {
        Description = description,
        HelpName = "ADDRESS:PORT",
        DefaultValueFactory = _ => otherwise,
        CustomParser = result =>
            Parse(result, name, text => IPEndPoint.TryParse(text, out IPEndPoint? point) ? point : null, "an address and a port"),
    };

    private static Option<TimeSpan> Seconds(string name, string description, TimeSpan otherwise) => new(name)
    {
        Description = $"{description}, s",
        HelpName = "SECONDS",
        DefaultValueFactory = _ => otherwise,
        CustomParser = result => (TimeSpan)(Parse(result, name, text =>
            double.TryParse(text.TrimEnd('s'), CultureInfo.InvariantCulture, out double seconds) && seconds > 0
                ? (object)TimeSpan.FromSeconds(seconds)
                : null, "a number of seconds") ?? otherwise),
    };

    private static Action<OptionResult> Within(string name, int most) => result =>
    {
        int value = result.GetValueOrDefault<int>();
        if (value < 0 || value > most) result.AddError($"{name} is 0 to {most}, not {value}.");
    };

    private static T? Parse<T>(ArgumentResult result, string name, Func<string, T?> read, string what)
        where T : class
    {
        string text = result.Tokens.Single().Value;
        T? value = read(text);
        if (value is null) result.AddError($"{name} is {what}, not '{text}'.");
        return value;
    }
}
