using Hem.Kubernetes;
using Hem.Metrics;
using Hem.Operator.Metrics;
using Hem.Operator.Progress;
using Hem.Operator.Sweeps;
using Hem.Operator.Trials;
using Hem.Operator.Web;
using Hem.Progress;
using Hem.Results;
using Microsoft.Extensions.Logging;

namespace Hem.Operator.Hosting;

/// <summary>The operator's process: health for its kubelet, candidacy for the lease, and while it leads everything else.</summary>
internal sealed class OperatorHost : IAsyncDisposable
{
    private const string LeaseName = "hem-operator", Program = "hem-operator";

    /// <summary>Enough for some thousands of sweeps, few enough for a Prometheus.</summary>
    public const int SeriesPerMetric = 20_000;

    private static readonly TimeSpan StorePause = TimeSpan.FromMilliseconds(200);

    private static readonly string Version = typeof(OperatorHost).Assembly.GetName().Version!.ToString(3);

    private readonly OperatorOptions _options;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly OperatorMetrics _metrics;
    private readonly ProcessMetrics _process;
    private readonly MetricsPipeline _pipeline;
    private readonly KubernetesClient _client;
    private readonly LeaderElector _elector;

    /// <param name="wrap">Put around the requests to the API server: faults, in tests.</param>
    public OperatorHost(
        OperatorOptions options, ILoggerFactory loggers, TimeProvider? time = null,
        Func<HttpMessageHandler, HttpMessageHandler>? wrap = null)
    {
        (_options, _loggers, _time) = (options, loggers, time ?? TimeProvider.System);
        _logger = loggers.CreateLogger("Hem.Operator");
        (_metrics, _process) = (new OperatorMetrics(_time), new ProcessMetrics(Program, Version));
        _pipeline = new MetricsPipeline(
            Program, Version, SeriesPerMetric, [OperatorMetrics.MeterName, KubernetesMetrics.MeterName, ProcessMetrics.MeterName]);
        KubernetesClientConfiguration configuration = options.Kubeconfig is { } path
            ? KubernetesClientConfiguration.FromKubeconfig(path)
            : KubernetesClientConfiguration.BuildDefaultConfig();
        _client = new KubernetesClient(configuration, new KubernetesClientOptions
        {
            WrapHandler = wrap,
            // A process that was stopped for a while and goes on must not write what it wanted to write then.
            MayWrite = () => _elector?.IsLeader == true,
            UserAgent = "hem-operator",
            Time = _time,
            Logger = loggers.CreateLogger("Hem.Kubernetes"),
        });
        _elector = new LeaderElector(_client, new LeaderElectionOptions
        {
            Namespace = options.Namespace,
            Name = LeaseName,
            Identity = options.Identity,
            LeaseDuration = options.LeaseDuration,
            RenewDeadline = options.RenewDeadline,
            RetryPeriod = options.RetryPeriod,
        });
        _metrics.ObserveLeading(() => IsWorking && _elector.IsLeader);
    }

    /// <summary>It has what it needs to run sweeps, and listens to trainers.</summary>
    public bool IsLeading { get; private set; }

    /// <summary>It knows what there is in the cluster too, and runs sweeps now.</summary>
    public bool IsWorking { get; private set; }

    /// <summary>The results, while it leads.</summary>
    public ResultStore? Store { get; private set; }

    /// <summary>The address that the progress service listens on, while it leads.</summary>
    public string? ProgressAddress { get; private set; }

    /// <summary>The address that reports and rankings are served at, while it leads.</summary>
    public string? AnswersAddress { get; private set; }

    /// <summary>The address of health and metrics.</summary>
    public string? HealthAddress { get; private set; }

    /// <summary>Runs until cancelled, then gives the lease away and returns.</summary>
    /// <returns>False where it led and lost the lease: the process should end, and begin anew as a candidate.</returns>
    public async Task<bool> RunAsync(CancellationToken cancel)
    {
        await using HealthHost health = await HealthHost.StartAsync(_options.HealthListen, _pipeline, cancel);
        HealthAddress = health.Address;
        await _elector.RunAsync(LeadAsync, cancel: cancel);
        if (!cancel.IsCancellationRequested) OperatorLog.LeadsNoMore(_logger, _options.Identity);
        return cancel.IsCancellationRequested;
    }

    public ValueTask DisposeAsync()
    {
        _elector.Dispose();
        _client.Dispose();
        _pipeline.Dispose();
        _process.Dispose();
        _metrics.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task LeadAsync(CancellationToken cancel)
    {
        using var beginning = new Beginning(_options.Identity, "open the result store", _logger, _time);
        await using ResultStore store = await OpenStoreAsync(beginning, cancel);
        beginning.At("get the certificates of its progress service ready");
        var checkpoints = new FileCheckpointStore(Path.Combine(_options.Store, "checkpoints"), limitInAll: _options.CheckpointBytes);
        // Those of a sweep whose end was cut short.
        foreach (string sweep in checkpoints.ReadSweepUids())
            if (store.FindSweepByUid(sweep) is { Deleted: not null }) SweepEngine.DeleteCheckpoints(checkpoints, sweep, _logger);
        var pods = new PodLookup();
        var certificates = new CertificateAuthority(
            _client, _options.Namespace, CertificateOptions.For(_options.Namespace, _options.ProgressAddress),
            _loggers.CreateLogger<CertificateAuthority>(), _options.WatchNamespace, _time);
        await PersistAsync(certificates.LoadAsync, beginning, cancel);
        using var authority = new PodTokenAuthority(pods, store, new TokenReviewer(_client), _metrics, _time);
        await using ProgressHost progress = await ProgressHost.StartAsync(
            _options.ProgressListen, authority, store, checkpoints, certificates, _metrics, _loggers, _time, cancel);
        using var answers = new AnswerCache(store, Path.Combine(_options.Store, "answers"), _time);
        var endpoints = new AnswerEndpoints(
            answers, new AccessReviewer(_client, _metrics, _time), new NamespaceAges(_client), _metrics, _logger);
        await using AnswerHost web = await AnswerHost.StartAsync(_options.AnswersListen, endpoints, certificates, _loggers, cancel);
        var engine = new SweepEngine(
            _client, store, progress.Service, certificates, pods, _options, _time, _logger, checkpoints, _metrics);
        beginning.At("list the sweeps, trials, Jobs and pods that there are");
        _metrics.Observe(store.ReadSize, () => certificates.Expires);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        (IsLeading, Store, ProgressAddress, AnswersAddress) = (true, store, progress.Address, web.Address);
        Task[] work =
        [
            engine.RunAsync(ends.Token, synced: () =>
            {
                IsWorking = true;
                beginning.Dispose();
            }),
            certificates.RunAsync(() => _elector.IsLeader, ends.Token),
            LeaderLabel.KeepAsync(_client, _options, _logger, _time, ends.Token),
            Retention.KeepAsync(store, _options, _logger, _time, ends.Token),
        ];
        try
        {
            // What ends before it is told to has failed.
            await await Task.WhenAny(work);
        }
        finally
        {
            (IsLeading, IsWorking, Store) = (false, false, null);
            _metrics.Observe(null, null);
            OperatorLog.Stopping(_logger);
            await ends.CancelAsync();
            await Task.WhenAll(work).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            await engine.DisposeAsync();
            // Nothing is written to the API server from here on. Whoever comes next need not wait until the trainers are sent away: with
            // SQLite only until the store is closed, right after.
            _elector.HandOver();
        }
    }

    /// <summary>
    /// The leader before may not have let go of a store in SQLite yet; that in PostgreSQL is taken over from it, which the lease gives the
    /// right to. Its server may be away.
    /// </summary>
    private async Task<ResultStore> OpenStoreAsync(Beginning beginning, CancellationToken cancel)
    {
        var options = new StoreOptions
        {
            Time = _time,
            Logger = _loggers.CreateLogger("Hem.Results"),
            Holder = _options.PodName ?? _options.Identity,
        };
        for (bool isTold = false; ; isTold = true)
        {
            try
            {
                return _options.Results is { } results
                    ? await Task.Run(() => ResultStore.OpenPostgres(results, options), cancel)
                    : ResultStore.Open(_options.Store, options);
            }
            catch (StoreException e) when (e.Fault is StoreFault.Locked or StoreFault.Unavailable)
            {
                if (!isTold) OperatorLog.WaitsForStore(_logger, e.Message);
                beginning.Failed(e.Message);
                await Task.Delay(StorePause, _time, cancel);
            }
        }
    }

    private async Task PersistAsync(Func<CancellationToken, Task> work, Beginning beginning, CancellationToken cancel)
    {
        var trouble = new LastingTrouble(_time);
        while (true)
        {
            try
            {
                await work(cancel);
                return;
            }
            catch (Exception e) when (e is KubernetesException or HttpRequestException)
            {
                if (trouble.IsNews(LastingTrouble.KindOf(e)))
                    OperatorLog.CertificatesFailed(_logger, null, e.Message, _options.Namespace, CertificateOptions.SecretName);
                beginning.Failed(e.Message);
                await Task.Delay(_options.TroublePause, _time, cancel);
            }
        }
    }
}
