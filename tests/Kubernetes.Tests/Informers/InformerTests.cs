using System.Collections.Concurrent;
using System.Net;
using Hem.Kubernetes.Tests.Support;
using Hem.TestCluster;

namespace Hem.Kubernetes.Tests.Informers;

public class InformerTests(ControlPlaneFixture fixture) : ApiServerTest(fixture)
{
    private readonly FaultHandler _faults = new();

    private Informer<V1ConfigMap> NewInformer(InformerOptions<V1ConfigMap>? options = null) =>
        new(NewClient(_faults), Resources.ConfigMaps, Namespace, Ours, options);

    [Fact]
    public async Task It_knows_what_was_there_and_tells_what_changes()
    {
        await CreateConfigMapAsync("a");
        await using var informer = NewInformer();
        var told = new Told(informer);
        informer.HasSynced.ShouldBeFalse();
        await informer.StartAsync(Cancel);
        informer.HasSynced.ShouldBeTrue();
        informer.Indexer.Get(Namespace, "a")!.Data!["value"].ShouldBe("1");
        await SetValueAsync("a", "2");
        await CreateConfigMapAsync("b");
        await Client.DeleteAsync(Resources.ConfigMaps, Namespace, "a", cancel: Cancel);
        await told.UntilAsync("Added a=1", "Modified a=1>2", "Added b=1", "Deleted a=2>2");
        informer.Indexer.List().ShouldHaveSingleItem().Metadata.Name.ShouldBe("b");
        informer.Lists.ShouldBe(1);
    }

    [Fact]
    public async Task Objects_are_found_by_what_an_index_says_of_them()
    {
        await CreateConfigMapAsync("a", "x");
        await CreateConfigMapAsync("b", "x");
        await using var informer = NewInformer();
        informer.Indexer.AddIndex("value", item => [item.Data!["value"]]);
        await informer.StartAsync(Cancel);
        informer.Indexer.ByIndex("value", "x").Select(item => item.Metadata.Name).ShouldBe(["a", "b"], ignoreOrder: true);
        await SetValueAsync("a", "y");
        await Wait.UntilAsync(() => informer.Indexer.CountByIndex("value", "y") == 1, "a is found by y");
        informer.Indexer.ByIndex("value", "x").ShouldHaveSingleItem().Metadata.Name.ShouldBe("b");
        informer.Indexer.AddIndex("late", item => [item.Metadata.Name!]);
        informer.Indexer.ByIndex("late", "b").ShouldHaveSingleItem();
        informer.Indexer.ByIndex("value", "z").ShouldBeEmpty();
        Should.Throw<ArgumentException>(() => informer.Indexer.ByIndex("none", "z"));
    }

    [Fact]
    public async Task A_watch_that_drops_is_resumed_where_it_broke_off()
    {
        await CreateConfigMapAsync("a");
        await using var informer = NewInformer();
        var told = new Told(informer);
        await informer.StartAsync(Cancel);
        for (var i = 2; i < 7; i++)
        {
            await Wait.UntilAsync(() => _faults.OpenBodies == 1, "the watch is open");
            _faults.BreakOpenBodies();
            await SetValueAsync("a", $"{i}");
            await told.UntilLastAsync($"Modified a={i - 1}>{i}");
        }
        informer.Lists.ShouldBe(1);
        told.Count.ShouldBe(6);
    }

    [Fact]
    public async Task A_resourceVersion_that_is_gone_means_a_new_list_and_what_is_missing_is_told_as_deleted()
    {
        foreach (var name in (string[])["changed", "deleted", "kept", "remade"]) await CreateConfigMapAsync(name);
        await using var informer = NewInformer();
        var told = new Told(informer);
        await informer.StartAsync(Cancel);
        await told.UntilAsync("Added changed=1", "Added deleted=1", "Added kept=1", "Added remade=1");

        var held = new TaskCompletionSource();
        _faults.OnWatch("configmaps",
            Fault.DelayUntil(held.Task) with { Answer = Fault.Status(HttpStatusCode.Gone, reason: "Expired").Answer }, 1);
        await Wait.UntilAsync(() => _faults.OpenBodies == 1, "the watch is open");
        _faults.BreakOpenBodies();
        await SetValueAsync("changed", "2");
        await Client.DeleteAsync(Resources.ConfigMaps, Namespace, "deleted", cancel: Cancel);
        await Client.DeleteAsync(Resources.ConfigMaps, Namespace, "remade", cancel: Cancel);
        await CreateConfigMapAsync("remade", "new");
        await CreateConfigMapAsync("made");
        held.SetResult();
        await told.UntilAsync("Modified changed=1>2", "Added made=1", "Deleted remade=1>", "Added remade=new", "Deleted deleted=1>");
        informer.Lists.ShouldBe(2);
        informer.Indexer.Count.ShouldBe(4);
    }

    [Fact]
    public async Task An_error_in_the_stream_means_a_new_list()
    {
        await CreateConfigMapAsync("a");
        var error = """{"type":"ERROR","object":{"status":"Failure","code":410,"reason":"Expired"}}""" + "\n";
        _faults.OnWatch("configmaps", Fault.Body(error), 1);
        await using var informer = NewInformer();
        await informer.StartAsync(Cancel);
        await Wait.UntilAsync(() => informer.Lists == 2 && _faults.OpenBodies == 1, "it has listed again and watches");
    }

    [Fact]
    public async Task Events_that_come_twice_are_told_once()
    {
        _faults.OnWatch("configmaps", Fault.RepeatLines());
        await using var informer = NewInformer();
        var told = new Told(informer);
        await informer.StartAsync(Cancel);
        await CreateConfigMapAsync("a");
        await SetValueAsync("a", "2");
        await Client.DeleteAsync(Resources.ConfigMaps, Namespace, "a", cancel: Cancel);
        await CreateConfigMapAsync("b");
        await told.UntilAsync("Added a=1", "Modified a=1>2", "Deleted a=2>2", "Added b=1");
        informer.Lists.ShouldBe(1);
    }

    [Fact]
    public async Task A_version_that_goes_backwards_means_a_new_list()
    {
        await CreateConfigMapAsync("a");
        var old = """{"type":"MODIFIED","object":{"metadata":{"name":"a","resourceVersion":"3"},"data":{"value":"old"}}}""" + "\n";
        _faults.OnWatch("configmaps", Fault.Body(old), 1);
        await using var informer = NewInformer();
        var told = new Told(informer);
        await informer.StartAsync(Cancel);
        await Wait.UntilAsync(() => informer.Lists == 2 && _faults.OpenBodies == 1, "it has listed again and watches");
        await told.UntilAsync("Added a=1");
    }

    [Fact]
    public async Task A_watch_that_is_cut_within_an_event_loses_none()
    {
        var cut = _faults.OnWatch("configmaps", Fault.CutBody(1500), 6);
        await using var informer = NewInformer();
        var told = new Told(informer);
        await informer.StartAsync(Cancel);
        var expected = new List<string>();
        foreach (var name in Enumerable.Range(0, 12))
        {
            await CreateConfigMapAsync($"m-{name:00}");
            expected.Add($"Added m-{name:00}=1");
        }
        await told.UntilAsync([.. expected]);
        cut.Met.ShouldBeGreaterThan(1);
    }

    [Fact]
    public async Task A_server_that_is_too_busy_is_asked_again_and_nothing_is_listed_anew()
    {
        await using var informer = NewInformer();
        var told = new Told(informer);
        await informer.StartAsync(Cancel);
        await Wait.UntilAsync(() => _faults.OpenBodies == 1, "the watch is open");
        var busy = _faults.OnWatch("configmaps", Fault.Status(HttpStatusCode.TooManyRequests, retryAfter: 11), 1);
        _faults.OnWatch("configmaps", Fault.Status(HttpStatusCode.TooManyRequests, retryAfter: 0), 3);
        _faults.BreakOpenBodies();
        await Wait.UntilAsync(() => busy.Met == 1, "the server was too busy");
        await CreateConfigMapAsync("a");
        await told.UntilAsync("Added a=1");
        informer.Lists.ShouldBe(1);
    }

    [Fact]
    public async Task While_a_list_fails_it_is_not_synced_and_then_it_is()
    {
        await CreateConfigMapAsync("a");
        _faults.OnList("configmaps", Fault.Status(HttpStatusCode.Forbidden), 1);
        _faults.OnList("configmaps", Fault.Drop(), 1);
        _faults.OnList("configmaps", Fault.CutBody(100), 1);
        var slow = new TaskCompletionSource();
        _faults.OnList("configmaps", Fault.DelayBodyUntil(slow.Task), 1);
        await using var informer = NewInformer();
        var started = informer.StartAsync(Cancel);
        await Wait.UntilAsync(() => _faults.OpenBodies == 1, "the list begins to come");
        informer.HasSynced.ShouldBeFalse();
        informer.Indexer.Count.ShouldBe(0);
        slow.SetResult();
        await started;
        informer.Indexer.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_handler_that_fails_stops_nothing()
    {
        await using var informer = NewInformer();
        informer.Changed += (_, _, _) => throw new InvalidOperationException("made by a test");
        var told = new Told(informer);
        await informer.StartAsync(Cancel);
        await CreateConfigMapAsync("a");
        await told.UntilAsync("Added a=1");
    }

    [Fact]
    public async Task What_nobody_reads_is_not_kept()
    {
        await CreateConfigMapAsync("a");
        await using var informer = NewInformer(new() { Transform = item => item with { Data = null } });
        await informer.StartAsync(Cancel);
        informer.Indexer.Get(Namespace, "a")!.Data.ShouldBeNull();
        await CreateConfigMapAsync("b");
        await Wait.UntilAsync(() => informer.Indexer.Get(Namespace, "b") is { Data: null }, "b is there");
    }

    [Fact]
    public async Task Disposed_of_it_watches_no_more()
    {
        var informer = NewInformer();
        await informer.StartAsync(Cancel);
        await Wait.UntilAsync(() => _faults.OpenBodies == 1, "the watch is open");
        await informer.DisposeAsync();
        await informer.DisposeAsync();
        _faults.OpenBodies.ShouldBe(0);
        await new Informer<V1Pod>(Client, Resources.Pods).DisposeAsync();
    }
}

/// <summary>What an informer told, each as <c>Modified name=old>new</c>.</summary>
internal sealed class Told
{
    private readonly ConcurrentQueue<string> _told = new();

    public Told(Informer<V1ConfigMap> informer) => informer.Changed += (type, old, item) => _told.Enqueue(type switch
    {
        WatchEventType.Added => $"Added {item!.Metadata.Name}={Value(item)}",
        _ => $"{type} {old!.Metadata.Name}={Value(old)}>{Value(item)}",
    });

    public int Count => _told.Count;

    /// <summary>Waits for these, in this order, and that nothing else was told; then forgets them.</summary>
    public async Task UntilAsync(params string[] expected)
    {
        await WaitAsync(() => _told.Count >= expected.Length, expected);
        var told = _told.ToArray();
        _told.Clear();
        told.ShouldBe(expected);
    }

    public Task UntilLastAsync(string expected) => WaitAsync(() => _told.LastOrDefault() == expected, expected);

    private async Task WaitAsync(Func<bool> condition, params string[] expected)
    {
        try
        {
            await Wait.UntilAsync(condition, string.Join(", ", expected));
        }
        catch (TimeoutException timeout)
        {
            throw new TimeoutException($"{timeout.Message} Told: {string.Join(", ", _told)}");
        }
    }

    private static string? Value(V1ConfigMap? item) => item?.Data?["value"];
}
