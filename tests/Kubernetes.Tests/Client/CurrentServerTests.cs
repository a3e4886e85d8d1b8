using System.Net;
using System.Text.Json.Nodes;
using Hem.TestCluster;
using Microsoft.Extensions.Logging;

namespace Hem.Kubernetes.Tests.Client;

/// <summary>The client and the informer against custom resources of a current Kubernetes, without anything in between.</summary>
public sealed class CurrentServerTests : IAsyncLifetime
{
    private const string Space = "default";

    private static readonly ResourceKind<UnstructuredObject> widgets =
        Resources.Unstructured("test.hem.dev", "v1", "widgets", "Widget", namespaced: true);

    private readonly List<string> _logged = [];
    private ControlPlane? _plane;
    private KubernetesClient _client = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("HEM_SOAK") is { Length: > 0 }, "builds a Kubernetes: runs in make soak");
        try
        {
            _plane = await ControlPlane.StartAsync(new() { ControllerManager = false, CurrentResources = true }, Cancel);
        }
        catch (CannotException cannot)
        {
            Assert.Skip(cannot.Message);
        }
        _client = new(KubernetesClientConfiguration.FromKubeconfig(_plane.ResourcesKubeconfig), new() { Logger = new Lines(_logged) });
        await _client.CreateAsync(Resources.CustomResourceDefinitions, new UnstructuredObject
        {
            Metadata = new() { Name = "widgets.test.hem.dev" },
            Fields = (JsonObject)JsonNode.Parse("""
                {"spec": {"group": "test.hem.dev", "scope": "Namespaced",
                  "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
                  "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                      "spec": {"type": "object", "properties": {"size": {"type": "integer", "maximum": 9}, "name": {"type": "string"}}},
                      "status": {"type": "object", "properties": {"size": {"type": "integer"}}}}}}}]}}
                """)!,
        }, cancel: Cancel);
        await Wait.UntilAsync(async () =>
        {
            try { return (await _client.ListAsync(widgets, cancel: Cancel)).Items.Count == 0; }
            catch (KubernetesException e) when (e.IsNotFound) { return false; }
        }, "widgets are served");
    }

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (_plane is not null) await _plane.DisposeAsync();
    }

    [Fact]
    public async Task Lists_watches_writes_and_refusals_are_understood()
    {
        (await _client.GetVersionAsync(Cancel)).IsAtLeast(1, 36).ShouldBeTrue();
        await ListsAsync();
        await WatchesAsync();
        await WritesAsync();
        await RefusalsAsync();
    }

    private async Task ListsAsync()
    {
        for (var i = 0; i < 5; i++) await CreateAsync($"w{i}", i);
        var list = await _client.ListAsync(widgets, Space, new() { ChunkSize = 2 }, Cancel);
        list.Items.Select(item => item.Metadata.Name).ShouldBe(["w0", "w1", "w2", "w3", "w4"]);
        list.Items.ShouldAllBe(item => item.Kind == "Widget" && item.ApiVersion == "test.hem.dev/v1");
        (await _client.ListAsync(widgets, Space, new() { ResourceVersion = "0" }, Cancel)).Items.Count.ShouldBe(5);
        (await _client.ListAsync(widgets, Space, new() { FieldSelector = "metadata.name=w3" }, Cancel)).Items.Count.ShouldBe(1);
    }

    private async Task WatchesAsync()
    {
        await using var informer = new Informer<UnstructuredObject>(_client, widgets, Space);
        await informer.StartAsync(Cancel);
        informer.Indexer.Count.ShouldBe(5);
        await CreateAsync("w5", 5);
        await _client.DeleteAsync(widgets, Space, "w0", cancel: Cancel);
        await Wait.UntilAsync(() => informer.Indexer.Get(Space, "w5") is not null && informer.Indexer.Get(Space, "w0") is null,
            "changes are told");
        informer.Lists.ShouldBe(1);

        // Nothing happened since: a watch from there tells of nothing, but perhaps where it stands.
        var types = new List<WatchEventType>();
        var from = informer.ResourceVersion;
        await foreach (var (type, item) in _client.WatchAsync(widgets, Space,
            new() { ResourceVersion = from, Timeout = TimeSpan.FromSeconds(4) }, Cancel))
        {
            types.Add(type);
            item.Metadata.ResourceVersion.ShouldNotBeNullOrEmpty();
        }
        types.ShouldAllBe(type => type == WatchEventType.Bookmark);

        // What it cannot reach back to it says so that the informer lists anew.
        (await Should.ThrowAsync<KubernetesException>(async () =>
        {
            await foreach (var _ in _client.WatchAsync(widgets, Space, new() { ResourceVersion = "1" }, Cancel))
            {
            }
        })).IsGone.ShouldBeTrue();
    }

    private async Task WritesAsync()
    {
        await ApplyAsync("one", force: false, """{"spec": {"size": 1}}""");
        var conflict = await Should.ThrowAsync<KubernetesException>(ApplyAsync("two", force: false, """{"spec": {"size": 2}}"""));
        conflict.IsConflict.ShouldBeTrue();
        conflict.Message.ShouldContain("one");
        Number((await ApplyAsync("two", force: true, """{"spec": {"size": 2}}""")).Fields["spec"], "size").ShouldBe(2);

        // Of a status that is patched the spec stays as it is, and the other way round; an old version is a conflict.
        var patched = await _client.MergePatchAsync(widgets, Space, "applied",
            JsonNode.Parse("""{"spec": {"size": 7}, "status": {"size": 3}}""")!, "status", cancel: Cancel);
        Number(patched.Fields["spec"], "size").ShouldBe(2);
        Number(patched.Fields["status"], "size").ShouldBe(3);
        var old = patched.Metadata.ResourceVersion;
        await ApplyAsync("two", force: true, """{"spec": {"size": 4}, "status": {"size": 4}}""");
        (await Should.ThrowAsync<KubernetesException>(_client.MergePatchAsync(widgets, Space, "applied",
            new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = old }, ["status"] = new JsonObject { ["size"] = 5 } },
            "status", cancel: Cancel))).IsConflict.ShouldBeTrue();
        var read = (await _client.GetAsync(widgets, Space, "applied", Cancel))!;
        Number(read.Fields["status"], "size").ShouldBe(3);
        read.Metadata.Generation.ShouldBe(3);

        (await Should.ThrowAsync<KubernetesException>(CreateAsync("w1", 1))).IsAlreadyExists.ShouldBeTrue();
        (await Should.ThrowAsync<KubernetesException>(_client.DeleteAsync(widgets, Space, "w1", new() { Uid = "another" }, Cancel)))
            .IsConflict.ShouldBeTrue();
        await _client.DeleteCollectionAsync(widgets, Space, "none=such", cancel: Cancel);
        (await _client.ListAsync(widgets, Space, cancel: Cancel)).Items.Count.ShouldBe(6);
    }

    private async Task RefusalsAsync()
    {
        var invalid = await Should.ThrowAsync<KubernetesException>(CreateAsync("large", 10));
        invalid.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
        invalid.Message.ShouldContain("spec.size: Invalid value: 10: spec.size in body should be less than or equal to 9");

        // Where nobody is strict, a field that is not known is dropped with a warning, which is logged, once.
        var odd = new JsonObject { ["spec"] = new JsonObject { ["size"] = 1, ["siz\"e"] = 2 } };
        for (var i = 0; i < 2; i++) await _client.CreateAsync(widgets, New($"odd{i}", odd), cancel: Cancel);
        _logged.Where(line => line.Contains("unknown field")).ShouldHaveSingleItem().ShouldEndWith("unknown field \"spec.siz\"e\"");
        var strict = await Should.ThrowAsync<KubernetesException>(
            _client.CreateAsync(widgets, New("strict", odd), new() { FieldValidation = "Strict" }, Cancel));
        strict.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        strict.Message.ShouldContain("strict decoding error: unknown field");
    }

    private Task<UnstructuredObject> CreateAsync(string name, int size) => _client.CreateAsync(widgets,
        New(name, new() { ["spec"] = new JsonObject { ["size"] = size } }), cancel: Cancel);

    private Task<UnstructuredObject> ApplyAsync(string manager, bool force, string fields) => _client.ApplyAsync(
        widgets, Space, "applied", (JsonObject)JsonNode.Parse(fields)!, manager, force, cancel: Cancel);

    private static UnstructuredObject New(string name, JsonObject fields) =>
        new() { Metadata = new() { Name = name, Namespace = Space }, Fields = (JsonObject)fields.DeepClone() };

    private static int Number(JsonNode? node, string name) => node![name]!.GetValue<int>();

    private sealed class Lines(List<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel level) => level >= LogLevel.Warning;

        public void Log<TState>(LogLevel level, EventId id, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            lock (lines) lines.Add(formatter(state, exception));
        }
    }
}
