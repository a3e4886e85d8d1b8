using System.Net;
using Hem.Kubernetes.Tests.Support;
using Hem.TestCluster;

namespace Hem.Kubernetes.Tests.Client;

public class WatchTests(ControlPlaneFixture fixture) : ApiServerTest(fixture)
{
    [Fact]
    public async Task Changes_are_told_as_they_happen()
    {
        var list = await Client.ListAsync(Resources.ConfigMaps, Namespace, cancel: Cancel);
        await CreateConfigMapAsync("other", "1", ("other", ""));
        await CreateConfigMapAsync("a");
        var options = new WatchOptions { ResourceVersion = list.ResourceVersion, LabelSelector = Ours + ",!other" };
        var seen = new List<(WatchEventType, string?, string?, int?)>();
        await foreach (var (type, item) in Client.WatchAsync(Resources.ConfigMaps, Namespace, options, Cancel))
        {
            if (type == WatchEventType.Bookmark) continue;
            seen.Add((type, item.ApiVersion, item.Metadata.Name, item.Data?["value"].Length));
            if (type == WatchEventType.Added) await SetValueAsync("a", new string('x', 300_000));
            if (type == WatchEventType.Modified) await Client.DeleteAsync(Resources.ConfigMaps, Namespace, "a", cancel: Cancel);
            if (type == WatchEventType.Deleted) break;
        }
        seen.ShouldBe(
        [
            (WatchEventType.Added, "v1", "a", 1),
            (WatchEventType.Modified, "v1", "a", 300_000),
            (WatchEventType.Deleted, "v1", "a", 300_000),
        ]);
    }

    [Fact]
    public async Task The_server_ends_a_watch_after_its_time_and_a_bookmark()
    {
        var list = await Client.ListAsync(Resources.ConfigMaps, Namespace, cancel: Cancel);
        var faults = new FaultHandler();
        var options = new WatchOptions { ResourceVersion = list.ResourceVersion, Timeout = TimeSpan.FromSeconds(8), LabelSelector = "x=y" };
        var watch = NewClient(faults).WatchAsync(Resources.ConfigMaps, Namespace, options, Cancel).ToListAsync(Cancel);
        await Wait.UntilAsync(() => faults.OpenBodies == 1, "the watch is open");
        // What is not selected moves the bookmark on.
        await CreateConfigMapAsync("a");
        var events = await watch;
        events.ShouldNotBeEmpty();
        events.ShouldAllBe(change => change.Type == WatchEventType.Bookmark);
        ulong.Parse(events[0].Object.Metadata.ResourceVersion!).ShouldBeGreaterThan(ulong.Parse(list.ResourceVersion));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_watch_that_breaks_off_within_an_event_has_not_ended(bool silently)
    {
        var faults = new FaultHandler();
        faults.OnWatch("configmaps", Fault.CutBody(100, silently));
        var client = NewClient(faults);
        await CreateConfigMapAsync("a");
        await Should.ThrowAsync<HttpRequestException>(async () =>
        {
            await foreach (var _ in client.WatchAsync(Resources.ConfigMaps, Namespace, cancel: Cancel))
            {
            }
        });
    }

    [Fact]
    public async Task A_watch_is_left_at_once_when_it_is_cancelled()
    {
        using var cancel = new CancellationTokenSource();
        var faults = new FaultHandler();
        var client = NewClient(faults);
        var watching = Task.Run(async () =>
        {
            await foreach (var _ in client.WatchAsync(Resources.Pods, Namespace, cancel: cancel.Token))
            {
            }
        });
        await Wait.UntilAsync(() => faults.OpenBodies == 1, "the watch is open");
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(watching);
        faults.OpenBodies.ShouldBe(0);
    }

    [Fact]
    public async Task A_watch_that_the_server_does_not_end_in_time_is_cut()
    {
        var (faults, time) = (new FaultHandler(), new ManualTime());
        faults.OnWatch("configmaps", Fault.DelayBodyUntil(new TaskCompletionSource().Task));
        var watch = NewClient(faults, new() { Time = time })
            .WatchAsync(Resources.ConfigMaps, Namespace, new() { Timeout = TimeSpan.FromMinutes(5) }, Cancel);
        var waiting = watch.FirstAsync(Cancel).AsTask();
        await Wait.UntilAsync(() => faults.OpenBodies == 1, "the watch is open");
        await Wait.UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromMinutes(1));
            return waiting.IsCompleted;
        }, "it is cut");
        await Should.ThrowAsync<HttpRequestException>(waiting);
        time.GetTimestamp().ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMinutes(5.5).Ticks);
    }

    [Fact]
    public async Task A_watch_that_cannot_be_opened_says_why()
    {
        var faults = new FaultHandler();
        faults.OnWatch("configmaps", Fault.Status(HttpStatusCode.Forbidden, reason: "Forbidden"));
        var client = NewClient(faults);
        (await Should.ThrowAsync<KubernetesException>(async () =>
        {
            await foreach (var _ in client.WatchAsync(Resources.ConfigMaps, Namespace, cancel: Cancel))
            {
            }
        })).IsForbidden.ShouldBeTrue();
    }
}
