using Hem.TestCluster;

namespace Hem.Kubernetes.Tests.Informers;

/// <summary>What needs an API server of its own, since it goes away.</summary>
public class ApiServerRestartTests : IAsyncLifetime
{
    private ControlPlane _plane = null!;
    private KubernetesClient _client = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        try
        {
            _plane = await ControlPlane.StartAsync(new() { ControllerManager = false }, Cancel);
        }
        catch (CannotException cannot)
        {
            Assert.Skip(cannot.Message);
        }
        _client = new(KubernetesClientConfiguration.FromKubeconfig(_plane.Kubeconfig));
    }

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (_plane is not null) await _plane.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_restarted_server_is_watched_on_and_a_restored_one_is_believed()
    {
        await using var informer = new Informer<V1ConfigMap>(_client, Resources.ConfigMaps, "default");
        var told = new Told(informer);
        await CreateAsync("changed", "old");
        await CreateAsync("deleted", "old");
        await informer.StartAsync(Cancel);
        var older = await _client.ListAsync(Resources.ConfigMaps, "default", cancel: Cancel);

        // Restarted: what happens afterwards is told, whatever the connection was.
        await _plane.RestartApiServerAsync(Cancel);
        await CreateAsync("restarted", "1");
        await told.UntilAsync("Added changed=old", "Added deleted=old", "Added restarted=1");

        // A version from before the restart is one that its cache does not reach back to.
        (await Should.ThrowAsync<KubernetesException>(async () =>
        {
            await foreach (var _ in _client.WatchAsync(Resources.ConfigMaps, "default", new() { ResourceVersion = "1" }, Cancel))
            {
            }
        })).IsGone.ShouldBeTrue();

        // Restored: versions are given out a second time. More happens after the snapshot than before, so that the informer's version is
        // one that the restored server soon reaches again, with another history.
        var snapshot = await _plane.SnapshotAsync();
        await _client.DeleteAsync(Resources.ConfigMaps, "default", "deleted", cancel: Cancel);
        await CreateAsync("forgotten", "1");
        await _client.ApplyAsync(Resources.ConfigMaps, NewConfigMap("changed", "new"), "test", force: true, cancel: Cancel);
        await told.UntilAsync("Deleted deleted=old>old", "Added forgotten=1", "Modified changed=old>new");
        await _plane.RestoreAsync(snapshot, Cancel);
        await Wait.UntilAsync(() => informer.Indexer.Get("default", "deleted") is not null, "what was deleted is back", Timeouts.Normal);
        informer.Indexer.Get("default", "forgotten").ShouldBeNull();
        informer.Indexer.Get("default", "changed")!.Data!["value"].ShouldBe("old");
        await CreateAsync("afterwards", "1");
        await Wait.UntilAsync(() => informer.Indexer.Get("default", "afterwards") is not null, "what comes afterwards is told");
        (await _client.ListAsync(Resources.ConfigMaps, "default", cancel: Cancel)).Items.Select(item => item.Metadata.Uid).Order()
            .ShouldBe(informer.Indexer.List().Select(item => item.Metadata.Uid).Order());
        older.Items.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_server_that_stands_still_is_given_up_and_found_again()
    {
        using var client = new KubernetesClient(KubernetesClientConfiguration.FromKubeconfig(_plane.Kubeconfig),
            new() { RequestTimeout = TimeSpan.FromSeconds(1) });
        _plane.PauseApiServer();
        await Should.ThrowAsync<HttpRequestException>(() => client.GetVersionAsync(Cancel));
        _plane.ResumeApiServer();
        await Wait.UntilAsync(async () => await client.GetVersionAsync(Cancel) is not null, "the server answers again");
    }

    private static V1ConfigMap NewConfigMap(string name, string value) =>
        new() { Metadata = new() { Name = name, Namespace = "default" }, Data = new() { ["value"] = value } };

    private async Task CreateAsync(string name, string value) =>
        await Wait.ForAsync<V1ConfigMap>(
            async () => await _client.CreateAsync(Resources.ConfigMaps, NewConfigMap(name, value), cancel: Cancel), $"{name} is made");
}
