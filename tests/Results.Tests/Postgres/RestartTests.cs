using Hem.Progress;
using Hem.Results;
using Hem.TestCluster;
using static Results.Tests.TemporaryStore;
using Wait = Hem.TestCluster.Wait;

namespace Results.Tests.Postgres;

/// <summary>A server that goes away at once, as in a power cut, and comes back, under a store that is being written to.</summary>
public sealed class RestartTests : IAsyncLifetime
{
    private const int Trials = 4, Restarts = 3;

    private PostgresServer? _server;

    public async ValueTask InitializeAsync()
    {
        try
        {
            _server = await PostgresServer.StartAsync();
        }
        catch (CannotException e)
        {
            Assert.Skip(e.Message);
        }
    }

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? default;

    [Fact]
    public async Task Nothing_is_acknowledged_meanwhile_and_nothing_lost_and_the_store_goes_on_by_itself()
    {
        using var temporary = await CreateAsync(_server);
        var store = temporary.Store;
        var uid = await temporary.AddSweepAsync(Trials);
        var attempts = new List<AttemptIdentity>();
        for (var i = 0; i < Trials; i++) attempts.Add(await temporary.AddAttemptAsync(uid, i));
        var acknowledged = new long[Trials];
        using var over = new CancellationTokenSource();
        var trainers = Enumerable.Range(0, Trials).Select(i => Task.Run(() => ReportAsync(i))).ToList();
        for (var restart = 0; restart < Restarts; restart++)
        {
            await GoesOnAsync();

            await _server!.StopAtOnceAsync();
            await Wait.UntilAsync(() => Volatile.Read(ref _refused) >= Trials, "all are refused");
            var before = acknowledged.ToArray();
            (await Should.ThrowAsync<StoreException>(store.UpsertSweepAsync("t", ""))).Fault.ShouldBe(StoreFault.Unavailable);
            Should.Throw<StoreException>(() => store.FindSweep("s")).Fault.ShouldBe(StoreFault.Unavailable);
            acknowledged.ShouldBe(before);

            await _server.StartAgainAsync();
            Volatile.Write(ref _refused, 0);
            store.FindSweep("s")!.Uid.ShouldBe(uid);
        }

        await GoesOnAsync();
        await over.CancelAsync();
        await Task.WhenAll(trainers);

        for (var i = 0; i < Trials; i++)
        {
            var stored = store.ReadPoints(uid, $"s-{i}").Select(point => point.Iteration).ToList();
            stored.ShouldBe(Enumerable.Range(1, stored.Count).Select(n => (long)n), "each point once");
            ((long)stored.Count).ShouldBeGreaterThanOrEqualTo(acknowledged[i]);
        }

        Task GoesOnAsync()
        {
            var seen = acknowledged.ToArray();
            return Wait.UntilAsync(
                () => Enumerable.Range(0, Trials).All(i => Interlocked.Read(ref acknowledged[i]) > seen[i] + 20), "reports are stored",
                Timeouts.Normal);
        }

        // As the progress service and a trainer together do it.
        async Task ReportAsync(int i)
        {
            while (!over.IsCancellationRequested)
            {
                try
                {
                    for (var next = await store.AcknowledgedUpToAsync(attempts[i]) + 1; !over.IsCancellationRequested; next++)
                    {
                        await store.StoreAsync(attempts[i], [Point(next, next)]);
                        Interlocked.Exchange(ref acknowledged[i], (long)next);
                    }
                }
                catch (StoreException e) when (e.Fault == StoreFault.Unavailable)
                {
                    Interlocked.Increment(ref _refused);
                    await Task.Delay(Timeouts.Poll);
                }
            }
        }
    }

    private int _refused;
}
