using System.Net;
using Hem.Kubernetes.Tests.Support;
using Hem.TestCluster;

namespace Hem.Kubernetes.Tests.Events;

public class EventTests(ControlPlaneFixture fixture) : ApiServerTest(fixture)
{
    private readonly FaultHandler _faults = new();

    private async Task<List<CoreV1Event>> EventsAsync() =>
        (await Client.ListAsync(Resources.Events, Namespace, cancel: Cancel))
            .Items.OrderBy(item => item.Metadata.Name, StringComparer.Ordinal).ToList();

    [Fact]
    public async Task An_event_is_written_about_its_object_and_repeats_are_counted()
    {
        var about = await CreateConfigMapAsync("a");
        await using var recorder = new EventRecorder(NewClient(_faults), "hem-operator", "pod-1");
        recorder.Normal(about, "Started", "It started.");
        for (var i = 0; i < 4; i++) recorder.Warning(about, "Failed", "It failed.");
        await recorder.FlushAsync(Cancel);
        var events = await EventsAsync();
        events.Select(item => (item.Type, item.Reason, item.Message, item.Count)).ShouldBe(
            [("Normal", "Started", "It started.", 1), ("Warning", "Failed", "It failed.", 4)], ignoreOrder: true);
        var one = events[0];
        one.InvolvedObject.ShouldBe(new V1ObjectReference
        {
            ApiVersion = "v1",
            Kind = "ConfigMap",
            Namespace = Namespace,
            Name = "a",
            Uid = about.Metadata.Uid,
            ResourceVersion = about.Metadata.ResourceVersion,
        });
        (one.Source!.Component, one.ReportingComponent, one.ReportingInstance).ShouldBe(("hem-operator", "hem-operator", "pod-1"));
        var newer = Resources.Unstructured("events.k8s.io", "v1", "events", "Event", true);
        (await Client.GetAsync(newer, Namespace, one.Metadata.Name!, Cancel))
            .ShouldNotBeNull();
    }

    [Fact]
    public async Task Many_that_differ_only_in_their_message_become_one()
    {
        var about = await CreateConfigMapAsync("a");
        await using var recorder = new EventRecorder(Client, "hem-operator", "pod-1");
        for (var i = 0; i < 15; i++) recorder.Warning(about, "Failed", $"Trial {i} failed.");
        await recorder.FlushAsync(Cancel);
        var events = await EventsAsync();
        events.Count.ShouldBe(11);
        var combined = events.Single(item => item.Message!.StartsWith("(combined from similar events): ", StringComparison.Ordinal));
        (combined.Message, combined.Count).ShouldBe(("(combined from similar events): Trial 14 failed.", 5));
    }

    [Fact]
    public async Task An_event_that_the_server_has_forgotten_is_made_again()
    {
        var about = await CreateConfigMapAsync("a");
        await using var recorder = new EventRecorder(Client, "hem-operator", "pod-1");
        recorder.Normal(about, "Started", "It started.");
        await recorder.FlushAsync(Cancel);
        await Client.DeleteAsync(Resources.Events, Namespace, (await EventsAsync())[0].Metadata.Name!, cancel: Cancel);
        recorder.Normal(about, "Started", "It started.");
        await recorder.FlushAsync(Cancel);
        (await EventsAsync()).ShouldHaveSingleItem().Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_lost_answer_writes_no_event_twice_and_a_refusal_stops_nothing()
    {
        var about = await CreateConfigMapAsync("a");
        await using var recorder = new EventRecorder(NewClient(_faults), "hem-operator", "pod-1");
        _faults.On(HttpMethod.Post, "/events", Fault.DropAnswer(), 1);
        recorder.Normal(about, "Started", "It started.");
        await recorder.FlushAsync(Cancel);
        (await EventsAsync()).ShouldHaveSingleItem().Count.ShouldBe(1);
        recorder.Dropped.ShouldBe(0);
        _faults.On(HttpMethod.Post, "/events", Fault.Status(HttpStatusCode.Forbidden), 1);
        recorder.Normal(about, "Second", "It is refused.");
        recorder.Normal(about, "Third", "It is written.");
        await recorder.FlushAsync(Cancel);
        recorder.Dropped.ShouldBe(1);
        (await EventsAsync()).Select(item => item.Reason).ShouldBe(["Started", "Third"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_blocks_nobody()
    {
        var about = await CreateConfigMapAsync("a");
        var never = new TaskCompletionSource();
        _faults.On(HttpMethod.Post, "/events", Fault.DelayUntil(never.Task));
        var recorder = new EventRecorder(NewClient(_faults), "hem-operator", "pod-1");
        for (var i = 0; i < EventRecorder.MostWaiting + 200; i++) recorder.Normal(about, "Started", $"{i}");
        recorder.Dropped.ShouldBeGreaterThanOrEqualTo(199);
        await recorder.DisposeAsync();
        await recorder.DisposeAsync();
        recorder.Dropped.ShouldBeGreaterThanOrEqualTo(EventRecorder.MostWaiting + 199);
        recorder.Normal(about, "Late", "Nobody hears it.");
    }

    [Fact]
    public async Task A_long_message_is_cut_between_characters()
    {
        var about = await CreateConfigMapAsync("a");
        await using var recorder = new EventRecorder(Client, "hem-operator", "pod-1");
        recorder.Normal(about, "Long", string.Concat(Enumerable.Repeat("a\ud83d\ude00", 1000)));
        await recorder.FlushAsync(Cancel);
        var message = (await EventsAsync()).ShouldHaveSingleItem().Message!;
        System.Text.Encoding.UTF8.GetByteCount(message).ShouldBeInRange(1015, 1024);
        message.ShouldEndWith("...");
        message.ShouldNotContain("\ufffd");
    }
}

public class EventCorrelatorTests
{
    private readonly ManualTime _time = new();
    private readonly V1ObjectReference _about = new() { Kind = "X", Name = "x", Uid = "u" };

    [Fact]
    public void Of_one_object_only_so_many_are_written_in_a_time()
    {
        var correlator = new EventCorrelator(_time);
        int Written(V1ObjectReference about, int n) =>
            Enumerable.Range(0, n).Count(i => correlator.Take(about, "Normal", $"Reason{i}", "m") is not null);
        Written(_about, 100).ShouldBe(25);
        Written(_about with { Uid = "other" }, 100).ShouldBe(25);
        _time.Advance(TimeSpan.FromMinutes(11));
        Written(_about, 100).ShouldBe(2);
    }

    [Fact]
    public void After_a_quiet_time_messages_are_told_apart_again()
    {
        var correlator = new EventCorrelator(_time);
        for (var i = 0; i < 12; i++) correlator.Take(_about, "Normal", "R", $"{i}");
        correlator.Take(_about, "Normal", "R", "x")!.Value.Message.ShouldStartWith("(combined");
        _time.Advance(TimeSpan.FromMinutes(10.1));
        correlator.Take(_about, "Normal", "R", "x")!.Value.Message.ShouldBe("x");
    }

    [Fact]
    public void Names_are_unique_and_never_too_long()
    {
        var correlator = new EventCorrelator(_time);
        var names = Enumerable.Range(0, 20)
            .Select(i => correlator.Take(_about with { Name = new string('n', 253) }, "Normal", $"R{i}", "m")!.Value.Event.Name);
        var all = names.ToList();
        all.Distinct().Count().ShouldBe(20);
        all.ShouldAllBe(name => name.Length <= 253);
    }

    [Fact]
    public void What_was_not_asked_for_the_longest_is_forgotten_first()
    {
        var cache = new LeastRecent<string, object>(2);
        var a = cache.GetOrAdd("a", () => new());
        cache.GetOrAdd("b", () => new());
        cache.GetOrAdd("a", () => new()).ShouldBeSameAs(a);
        cache.GetOrAdd("c", () => new());
        cache.GetOrAdd("a", () => new()).ShouldBeSameAs(a);
        cache.Count.ShouldBe(2);
    }
}
