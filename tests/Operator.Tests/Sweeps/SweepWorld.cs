using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Hem.Metrics;
using Hem.Operator;
using Hem.Operator.Api;
using Hem.Operator.Hosting;
using Hem.Operator.Metrics;
using Hem.Operator.Progress;
using Hem.Operator.Sweeps;
using Hem.Operator.Trials;
using Hem.Progress;
using Hem.Results;
using Hem.TestCluster;
using Microsoft.Data.Sqlite;
using Wait = Hem.TestCluster.Wait;

namespace Operator.Tests.Sweeps;

/// <summary>
/// A namespace of the real API server with the real Job controller, an operator that runs its sweeps, and a stand-in for nodes and
/// trainers.
/// </summary>
internal sealed class SweepWorld : IAsyncDisposable
{
    private readonly ControlPlane _plane;
    private readonly string _folder = Directory.CreateTempSubdirectory("hem-operator-").FullName;
    private readonly KubernetesClient _client;
    private readonly TestLog _log = new(TestContext.Current.TestOutputHelper);
    private string _operatorKubeconfig = "";
    private Term? _term;
    private bool _isGuest;

    private SweepWorld(ControlPlane plane, string ns)
    {
        (_plane, Namespace) = (plane, ns);
        _client = NewClient(plane.Kubeconfig);
        Kubelet = new StandInKubelet(plane, _client, ns, () => _term?.Store);
        Options = new OperatorOptions
        {
            WatchNamespace = ns,
            Store = _folder,
            SweepStatusInterval = TimeSpan.FromMilliseconds(100),
            StatusWritesPerSecond = 1000,
            TroublePause = TimeSpan.FromMilliseconds(200),
            LeaveGrace = TimeSpan.FromSeconds(20),
        };
    }

    /// <summary>An operator's life as leader.</summary>
    private sealed record Term(
        ResultStore Store, SweepEngine Engine, KubernetesClient Client, OperatorMetrics Metrics, CancellationTokenSource Stop,
        Task Running);

    public string Namespace { get; }

    public OperatorOptions Options { get; set; }

    public StandInKubelet Kubelet { get; }

    public ControlPlane Plane => _plane;

    public KubernetesClient Client => _client;

    public ResultStore Store => _term!.Store;

    public SweepEngine Engine => _term!.Engine;

    /// <summary>Put around the operator's requests from its next start on.</summary>
    public Func<HttpMessageHandler, HttpMessageHandler>? Faults { get; set; }

    public List<KubernetesRequest> Requests { get; } = [];

    public static async Task<SweepWorld> CreateAsync(
        ControlPlane plane, bool start = true, Func<OperatorOptions, OperatorOptions>? options = null)
    {
        await HemCluster.InstallDefinitionsAsync(plane);
        var world = new SweepWorld(plane, await plane.CreateNamespaceAsync());
        world.Options = options?.Invoke(world.Options) ?? world.Options;
        world._operatorKubeconfig = await HemCluster.OperatorKubeconfigAsync(plane, world.Namespace);
        await world.Kubelet.StartAsync();
        if (start) world.StartOperator();
        return world;
    }

    /// <param name="host">Another world whose operator's store is used too: one operator for two namespaces.</param>
    public void StartOperator(SweepWorld? host = null)
    {
        _isGuest = host is not null;
        ResultStore store = host?.Store ?? ResultStore.Open(_folder);
        var pods = new PodLookup();
        var metrics = new OperatorMetrics();
        var progress = new ProgressService(new AttemptRegistry(), store);
        KubernetesClient client = NewClient(_operatorKubeconfig, Faults);
        var engine = new SweepEngine(
            client, store, progress, new NoTrust(), pods, Options, TimeProvider.System, _log, metrics: metrics);
        var stop = new CancellationTokenSource();
        _term = new Term(store, engine, client, metrics, stop, RunAsync(engine, stop.Token));
    }

    public async Task StopOperatorAsync()
    {
        if (_term is not { } term) return;
        _term = null;
        await term.Stop.CancelAsync();
        await term.Running;
        await term.Engine.DisposeAsync();
        term.Client.Dispose();
        term.Metrics.Dispose();
        if (!_isGuest) term.Store.Dispose();
        term.Stop.Dispose();
    }

    /// <summary>The value of the series of this namespace whose name and labels begin so; null where there is none.</summary>
    public double? Measured(string series)
    {
        using var pipeline = new MetricsPipeline("test", "1", OperatorHost.SeriesPerMetric, [OperatorMetrics.MeterName]);
        string? line = Encoding.UTF8.GetString(pipeline.Scrape(null).Body.Span).Split('\n').SingleOrDefault(
            line => line.StartsWith(series, StringComparison.Ordinal) && line.Contains($"namespace=\"{Namespace}\""));
        return line is null ? null : double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
    }

    /// <summary>Changes the database behind everybody's back.</summary>
    public void Execute(string sql)
    {
        using var database = new SqliteConnection($"Data Source={Path.Combine(_folder, "results.db")};Pooling=False");
        database.Open();
        using SqliteCommand command = database.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>The folder of results is gone.</summary>
    public void LoseStore()
    {
        Directory.Delete(_folder, recursive: true);
        Directory.CreateDirectory(_folder);
    }

    public async Task RestartOperatorAsync()
    {
        await StopOperatorAsync();
        StartOperator();
    }

    public Task<HemSweepResource> ApplyAsync(SweepBuilder sweep) => _client.CreateAsync(HemResources.Sweeps, sweep.Build(Namespace));

    public async Task EditAsync(SweepBuilder sweep, string name = "s") => await _client.MergePatchAsync(
        HemResources.Sweeps, Namespace, name, new JsonObject { ["spec"] = sweep.Spec() });

    public Task DeleteAsync(string name = "s") => _client.DeleteAsync(HemResources.Sweeps, Namespace, name);

    public Task<HemSweepResource?> SweepAsync(string name = "s") => _client.GetAsync(HemResources.Sweeps, Namespace, name);

    public async Task<HemTrialResource[]> TrialsAsync(string sweep = "s") =>
    [
        .. (await _client.ListAsync(
            HemResources.Trials, Namespace, new ListOptions { LabelSelector = $"{HemLabels.Sweep}={sweep}" })).Items,
    ];

    public async Task<V1Job[]> JobsAsync() => [.. (await _client.ListAsync(Resources.Jobs, Namespace)).Items];

    public async Task<CoreV1Event[]> EventsAsync() => [.. (await _client.ListAsync(Resources.Events, Namespace)).Items];

    /// <summary>Sets how many pods the namespace may have, and waits until that holds.</summary>
    public async Task QuotaAsync(int pods)
    {
        string path = $"/api/v1/namespaces/{Namespace}/resourcequotas";
        var spec = new JsonObject { ["hard"] = new JsonObject { ["pods"] = $"{pods}" } };
        if (await Plane.Api.GetAsync($"{path}/q") is null)
            await Plane.Api.PostAsync(path, new JsonObject { ["metadata"] = new JsonObject { ["name"] = "q" }, ["spec"] = spec });
        else await Plane.Api.MergePatchAsync($"{path}/q", new JsonObject { ["spec"] = spec });
        await Wait.UntilAsync(
            async () => (string?)(await Plane.Api.GetAsync($"{path}/q"))?["status"]?["hard"]?["pods"] == $"{pods}", "the quota holds");
        // The API server refuses by a copy of it, which may be late.
        if (pods == 0) await Wait.UntilAsync(IsFullAsync, "the quota is kept to");
    }

    private async Task<bool> IsFullAsync()
    {
        JsonNode pod = JsonNode.Parse("""{"metadata": {"name": "one-more"}, "spec": {"containers": [{"name": "a", "image": "none"}]}}""")!;
        try
        {
            await Plane.Api.PostAsync($"/api/v1/namespaces/{Namespace}/pods?dryRun=All", pod);
            return false;
        }
        catch (ClusterApiException e) when (e.StatusCode == HttpStatusCode.Forbidden)
        {
            return true;
        }
    }

    /// <summary>Waits until the sweep's status is as it should be; the fault says how it was last.</summary>
    public async Task<HemSweepStatus> StatusAsync(Func<HemSweepStatus, bool> condition, string what, string sweep = "s")
    {
        HemSweepStatus? last = null;
        try
        {
            await Wait.UntilAsync(
                async () => (last = (await SweepAsync(sweep))?.Status) is not null && condition(last), what, Timeouts.Normal);
        }
        catch (TimeoutException e)
        {
            string conditions = string.Join("; ", last?.Conditions?.Select(one => $"{one.Type} {one.Status} {one.Message}") ?? []);
            throw new TimeoutException($"{e.Message}; the status was {last}, {conditions}");
        }

        return last!;
    }

    public Task<HemSweepStatus> CompleteAsync(int done, string sweep = "s") => StatusAsync(
        status => status.State == Hem.Core.Planning.SweepState.Complete && status.Done == done, $"{done} trials complete", sweep);

    /// <summary>Waits until the trials' statuses are as they should be.</summary>
    public async Task<HemTrialResource[]> TrialsAsync(Func<HemTrialResource[], bool> condition, string what)
    {
        HemTrialResource[] trials = [];
        await Wait.UntilAsync(async () => condition(trials = await TrialsAsync()), what, Timeouts.Normal);
        return trials;
    }

    public async ValueTask DisposeAsync()
    {
        await StopOperatorAsync();
        await Kubelet.DisposeAsync();
        _client.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task RunAsync(SweepEngine engine, CancellationToken cancel)
    {
        try
        {
            await engine.RunAsync(cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Stopped before it had begun.
        }
    }

    private KubernetesClient NewClient(string kubeconfig, Func<HttpMessageHandler, HttpMessageHandler>? faults = null) =>
        new(KubernetesClientConfiguration.FromKubeconfig(kubeconfig), new KubernetesClientOptions
        {
            WrapHandler = faults,
            Logger = _log,
            OnRequest = faults is null && _client is null ? null : Count,
        });

    private void Count(KubernetesRequest request)
    {
        lock (Requests) Requests.Add(request);
    }

    private sealed class NoTrust : ITrust
    {
        public Task EnsurePublishedAsync(string @namespace, bool verify = false, CancellationToken cancellationToken = default) =>
            Task.CompletedTask;
    }
}
