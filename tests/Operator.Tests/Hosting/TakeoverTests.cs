using System.Diagnostics;
using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.TestCluster;
using Operator.Tests.Sweeps;

namespace Operator.Tests.Hosting;

/// <summary>
/// Two operators as processes, on one store: one leads, the other waits. No node is there, so the Jobs of a sweep stay as they are, and
/// whatever a change of leaders did to them would show.
/// </summary>
public sealed class TakeoverTests(ControlPlaneFixture fixture, PostgresFixture postgres)
{
    private static readonly string[] ShortLease =
        ["--leader-elect-lease-duration", "3", "--leader-elect-renew-deadline", "2", "--leader-elect-retry-period", "0.5"];

    private static readonly bool isSoak = Environment.GetEnvironmentVariable("HEM_SOAK") == "1";

    [Fact]
    public async Task A_leader_that_is_told_to_stop_hands_over_at_once()
    {
        // Whoever would wait for this lease to pass would wait for longer than the test.
        await using var pair = await Pair.StartAsync(fixture.ControlPlane, "--leader-elect-lease-duration", "3600");

        string before = await pair.HolderAsync();

        var watch = Stopwatch.StartNew();
        pair.Leader.Signal(OperatorProcess.Terminate);
        (await pair.Leader.ExitAsync()).ShouldBe(0);
        Report("gone after SIGTERM", watch.Elapsed);
        await pair.WidenAsync();

        Report("taken over after SIGTERM", watch.Elapsed);
        if (isSoak) TestContext.Current.TestOutputHelper?.WriteLine(pair.Second.Log);
        (await pair.HolderAsync()).ShouldNotBe(before);
    }

    [Fact]
    public async Task A_leader_that_is_killed_is_followed_when_its_lease_has_passed()
    {
        await using var pair = await Pair.StartAsync(fixture.ControlPlane);
        string before = await pair.HolderAsync();

        var watch = Stopwatch.StartNew();
        pair.Leader.Signal(OperatorProcess.Kill);
        await pair.WidenAsync();

        Report("taken over after SIGKILL, with a lease of 15 s", watch.Elapsed);
        (await pair.HolderAsync()).ShouldNotBe(before);
    }

    [Fact]
    public async Task A_leader_that_stood_still_and_goes_on_changes_nothing()
    {
        await using var pair = await Pair.StartAsync(fixture.ControlPlane, isSoak ? [] : ShortLease);
        string before = await pair.HolderAsync();

        pair.Leader.Signal(OperatorProcess.Stop);
        await Wait.UntilAsync(async () => await pair.HolderAsync() != before, "another has the lease", Timeouts.Normal);
        string after = await pair.HolderAsync();
        // It still has the store, so the other one waits; and what it does once it goes on must not be what it wanted to do before.
        await pair.EditAsync(places: 3);
        pair.Leader.Signal(OperatorProcess.Continue);

        (await pair.Leader.ExitAsync()).ShouldBe(1);
        await pair.ShouldHaveJobsAsync(3);
        (await pair.HolderAsync()).ShouldBe(after);
    }

    [Fact]
    public async Task With_PostgreSQL_another_leads_while_the_one_before_stands_still_and_that_one_changes_nothing_later()
    {
        PostgresServer server = await postgres.ServerAsync();
        string results = Path.Combine(fixture.ControlPlane.Folder, $"results-{Guid.NewGuid():N}");
        await File.WriteAllTextAsync(results, server.ConnectionString(await server.CreateDatabaseAsync()));
        await using var pair = await Pair.StartAsync(fixture.ControlPlane, [.. ShortLease, "--results-file", results]);
        string before = await pair.HolderAsync();

        pair.Leader.Signal(OperatorProcess.Stop);
        await pair.WidenAsync();
        string after = await pair.HolderAsync();
        pair.Leader.Signal(OperatorProcess.Continue);

        (await pair.Leader.ExitAsync()).ShouldBe(1);
        after.ShouldNotBe(before);
        await pair.ShouldHaveJobsAsync(3);
        (await pair.HolderAsync()).ShouldBe(after);
        pair.Leader.Log.ShouldNotContain("secret");
    }

    private static void Report(string when, TimeSpan taken) =>
        TestContext.Current.TestOutputHelper?.WriteLine($"{when}: {taken.TotalSeconds:0.0} s");

    private sealed class Pair : IAsyncDisposable
    {
        private readonly string _store = Directory.CreateTempSubdirectory("hem-takeover-").FullName;
        private readonly KubernetesClient _client;
        private readonly string _namespace;
        private string[] _jobs = [];
        private Pair(ControlPlane plane, string ns)
        {
            _client = new KubernetesClient(KubernetesClientConfiguration.FromKubeconfig(plane.Kubeconfig));
            _namespace = ns;
        }

        public OperatorProcess Leader { get; private set; } = null!;

        public OperatorProcess Second { get; private set; } = null!;

        public static async Task<Pair> StartAsync(ControlPlane plane, params string[] more)
        {
            await HemCluster.InstallDefinitionsAsync(plane);
            var pair = new Pair(plane, await plane.CreateNamespaceAsync());
            await pair._client.CreateAsync(
                HemResources.Sweeps, SweepBuilder.Make().Seeds(6).Parallelism(2).Build(pair._namespace));
            pair.Leader = new OperatorProcess(plane, pair._namespace, pair._store, more);
            await pair.ShouldHaveJobsAsync(2);
            pair.Second = new OperatorProcess(plane, pair._namespace, pair._store, more);
            await Wait.UntilAsync(
                () => pair.Second.Log.Contains("hem-operator", StringComparison.Ordinal), "the other has seen who leads", Timeouts.Normal);
            return pair;
        }

        public async Task<string> HolderAsync() =>
            (await _client.GetAsync(Resources.Leases, _namespace, "hem-operator"))?.Spec?.HolderIdentity ?? "";

        public Task EditAsync(int places) => _client.MergePatchAsync(
            HemResources.Sweeps, _namespace, "s", new JsonObject { ["spec"] = new JsonObject { ["parallelism"] = places } });

        /// <summary>Asks for a third trial at once, and waits until somebody has started it.</summary>
        public async Task WidenAsync()
        {
            await EditAsync(places: 3);
            await ShouldHaveJobsAsync(3);
        }

        /// <summary>So many, and those of before among them as they were.</summary>
        public async Task ShouldHaveJobsAsync(int count)
        {
            string[] now = [];
            await Wait.UntilAsync(
                async () =>
                {
                    now = [.. (await _client.ListAsync(Resources.Jobs, _namespace)).Items.Select(job => job.Metadata.Uid!)];
                    return now.Length >= count;
                },
                $"{count} Jobs are there", Timeouts.Normal);
            now.Length.ShouldBe(count);
            _jobs.ShouldBeSubsetOf(now);
            _jobs = now;
        }

        public async ValueTask DisposeAsync()
        {
            await Second.DisposeAsync();
            await Leader.DisposeAsync();
            _client.Dispose();
            Directory.Delete(_store, recursive: true);
        }
    }
}
