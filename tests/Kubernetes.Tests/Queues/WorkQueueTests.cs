using System.Collections.Concurrent;
using Hem.Kubernetes.Tests.Support;
using Hem.TestCluster;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hem.Kubernetes.Tests.Queues;

public class WorkQueueTests
{
    private readonly ManualTime _time = new();

    private WorkQueue<string> NewQueue(string name = "test") => new(new() { Time = _time, Name = name });

    [Fact]
    public async Task A_key_that_waits_is_not_added_twice()
    {
        using var queue = NewQueue();
        queue.Add("a");
        queue.Add("b");
        queue.Add("a");
        queue.Count.ShouldBe(2);
        (await queue.GetAsync()).ShouldBe("a");
        (await queue.GetAsync()).ShouldBe("b");
        queue.Count.ShouldBe(0);
    }

    [Fact]
    public async Task A_key_that_is_added_while_it_is_worked_on_comes_once_more_when_that_is_done()
    {
        using var queue = NewQueue();
        queue.Add("a");
        await queue.GetAsync();
        queue.Add("a");
        queue.Add("a");
        queue.Count.ShouldBe(0);
        var next = queue.GetAsync();
        next.IsCompleted.ShouldBeFalse();
        queue.Done("a");
        (await next.AsTask().WaitAsync(Timeouts.Quick)).ShouldBe("a");
        queue.Done("a");
        queue.Count.ShouldBe(0);
    }

    [Fact]
    public async Task Nobody_gets_a_key_by_waiting_who_was_cancelled()
    {
        using var queue = NewQueue();
        using var cancel = new CancellationTokenSource();
        var cancelled = queue.GetAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(cancelled);
        queue.Add("a");
        (await queue.GetAsync()).ShouldBe("a");
    }

    [Fact]
    public async Task A_key_comes_when_its_time_is_over_and_of_two_times_at_the_earlier()
    {
        using var queue = NewQueue();
        queue.AddAfter("a", TimeSpan.FromSeconds(10));
        queue.AddAfter("b", TimeSpan.FromSeconds(5));
        queue.AddAfter("a", TimeSpan.FromSeconds(20));
        queue.AddAfter("c", TimeSpan.FromSeconds(20));
        queue.AddAfter("c", TimeSpan.FromSeconds(1));
        queue.AddAfter("now", TimeSpan.Zero);
        (await queue.GetAsync()).ShouldBe("now");
        queue.DelayedCount.ShouldBe(3);
        _time.Advance(TimeSpan.FromSeconds(0.999));
        queue.Count.ShouldBe(0);
        _time.Advance(TimeSpan.FromSeconds(0.001));
        (await queue.GetAsync()).ShouldBe("c");
        _time.Advance(TimeSpan.FromSeconds(9));
        (await queue.GetAsync()).ShouldBe("b");
        (await queue.GetAsync()).ShouldBe("a");
        _time.Advance(TimeSpan.FromSeconds(60));
        queue.Count.ShouldBe(0);
        queue.DelayedCount.ShouldBe(0);
        _time.Timers.ShouldBe(0);
    }

    [Fact]
    public void Back_off_grows_by_key_up_to_its_limit_and_is_forgotten()
    {
        using var queue = new WorkQueue<string>(new() { Time = _time, MaxDelay = TimeSpan.FromMilliseconds(35) });
        queue.AddRateLimited("a").TotalMilliseconds.ShouldBe(5);
        queue.AddRateLimited("a").TotalMilliseconds.ShouldBe(10);
        queue.AddRateLimited("a").TotalMilliseconds.ShouldBe(20);
        queue.AddRateLimited("a").TotalMilliseconds.ShouldBe(35);
        queue.AddRateLimited("b").TotalMilliseconds.ShouldBe(5);
        queue.Failures("a").ShouldBe(4);
        queue.Forget("a");
        queue.AddRateLimited("a").TotalMilliseconds.ShouldBe(5);
        for (var i = 0; i < 5000; i++) queue.AddRateLimited("c").TotalMilliseconds.ShouldBeLessThanOrEqualTo(35);
    }

    [Fact]
    public async Task A_closed_queue_gives_what_waits_and_then_ends()
    {
        var queue = NewQueue();
        queue.Add("a");
        queue.Dispose();
        queue.Add("b");
        (await queue.GetAsync()).ShouldBe("a");
        await Should.ThrowAsync<OperationCanceledException>(() => queue.GetAsync().AsTask());
    }

    [Fact]
    public async Task Under_many_workers_and_adders_no_key_is_lost_and_none_is_worked_on_twice_at_a_time()
    {
        const int Keys = 50, Adders = 4, Adds = 20_000;
        using var queue = new WorkQueue<int>();
        using var cancel = new CancellationTokenSource();
        var (wanted, seen, busy) = (new int[Keys], new int[Keys], new int[Keys]);
        var faults = new ConcurrentQueue<string>();
        var work = Reconciler.RunAsync(queue, 8, (key, _) =>
        {
            if (Interlocked.Increment(ref busy[key]) != 1) faults.Enqueue($"two workers on {key}");
            // Level-triggered: what is seen is what was wanted before the look.
            Volatile.Write(ref seen[key], Volatile.Read(ref wanted[key]));
            Interlocked.Decrement(ref busy[key]);
            return Task.FromResult(new ReconcileResult());
        }, "test", NullLogger.Instance, cancel.Token);
        await Task.WhenAll(Enumerable.Range(0, Adders).Select(adder => Task.Run(() =>
        {
            var random = new Random(adder);
            for (var i = 0; i < Adds; i++)
            {
                var key = random.Next(Keys);
                Interlocked.Increment(ref wanted[key]);
                if (i % 10 == 0) queue.AddAfter(key, TimeSpan.FromMilliseconds(random.Next(3)));
                else queue.Add(key);
            }
        })));
        await Wait.UntilAsync(() => wanted.SequenceEqual(seen), "all that was wanted is seen");
        await cancel.CancelAsync();
        await work;
        faults.ShouldBeEmpty();
    }

    [Fact]
    public async Task Work_that_fails_comes_again_until_it_is_well_and_then_when_it_asked_to()
    {
        using var metrics = new MetricReader();
        using var queue = new WorkQueue<string>(new() { BaseDelay = TimeSpan.FromMilliseconds(1) });
        using var cancel = new CancellationTokenSource();
        var calls = new ConcurrentQueue<int>();
        var work = Reconciler.RunAsync(queue, 2, (_, _) =>
        {
            calls.Enqueue(queue.Failures("a"));
            return calls.Count < 4
                ? throw new InvalidOperationException("not yet")
                : Task.FromResult(new ReconcileResult(calls.Count < 6 ? TimeSpan.FromMilliseconds(1) : null));
        }, "counted", NullLogger.Instance, cancel.Token);
        queue.Add("a");
        await Wait.UntilAsync(() => calls.Count == 6, "six calls");
        calls.ShouldBe([0, 1, 2, 3, 0, 0]);
        await cancel.CancelAsync();
        await work;
        queue.Count.ShouldBe(0);
        double Reconciled(string result) =>
            metrics.Sum("controller_runtime_reconcile_total", ("controller", "counted"), ("result", result));
        (Reconciled("error"), Reconciled("requeue_after"), Reconciled("success")).ShouldBe((3, 2, 1));
        metrics.Sum("controller_runtime_active_workers", ("controller", "counted")).ShouldBe(0);
    }

    [Fact]
    public async Task What_went_wrong_and_says_when_to_look_again_is_an_error_without_the_queues_pause()
    {
        using var metrics = new MetricReader();
        using var queue = new WorkQueue<string>();
        using var cancel = new CancellationTokenSource();
        var work = Reconciler.RunAsync(
            queue, 3, (_, _) => Task.FromResult(new ReconcileResult { IsError = true }), "partly", NullLogger.Instance, cancel.Token);
        // Before anything has happened, all results are there: a rate sees the first.
        var controller = ("controller", "partly");
        foreach (var result in (string[])["error", "requeue_after", "requeue", "success"])
            metrics.Values("controller_runtime_reconcile_total", controller, ("result", result)).ShouldBe([0]);
        metrics.Values("controller_runtime_reconcile_errors_total", controller).ShouldBe([0]);
        metrics.Sum("controller_runtime_max_concurrent_reconciles", controller).ShouldBe(3);
        queue.Add("a");
        await Wait.UntilAsync(() => metrics.Sum("controller_runtime_reconcile_errors_total", controller) == 1, "it is counted");
        metrics.Sum("controller_runtime_reconcile_total", controller, ("result", "error")).ShouldBe(1);
        queue.Failures("a").ShouldBe(0);
        await cancel.CancelAsync();
        await work;
        metrics.Sum("controller_runtime_max_concurrent_reconciles", controller).ShouldBe(0);
    }

    [Fact]
    public async Task Workers_that_are_cancelled_are_waited_for()
    {
        using var queue = NewQueue();
        using var cancel = new CancellationTokenSource();
        var (began, end) = (new TaskCompletionSource(), new TaskCompletionSource());
        var work = Reconciler.RunAsync(queue, 1, async (_, _) =>
        {
            began.SetResult();
            await end.Task;
            return default;
        }, "test", NullLogger.Instance, cancel.Token);
        queue.Add("a");
        await began.Task;
        await cancel.CancelAsync();
        work.IsCompleted.ShouldBeFalse();
        end.SetResult();
        await work;
    }

    [Fact]
    public async Task The_queue_is_measured_under_the_names_that_dashboards_know()
    {
        using var metrics = new MetricReader();
        var queue = NewQueue("measured");
        var name = ("name", "measured");
        queue.Add("a");
        queue.Add("b");
        _time.Advance(TimeSpan.FromSeconds(3));
        metrics.Sum("workqueue_adds_total", name).ShouldBe(2);
        metrics.Gauge("workqueue_depth", name, ("controller", "measured")).ShouldBe(2);
        await queue.GetAsync();
        metrics.Values("workqueue_queue_duration_seconds", name).ShouldBe([3]);
        _time.Advance(TimeSpan.FromSeconds(4));
        metrics.Gauge("workqueue_unfinished_work_seconds", name).ShouldBe(4);
        metrics.Gauge("workqueue_longest_running_processor_seconds", name).ShouldBe(4);
        queue.Done("a");
        metrics.Values("workqueue_work_duration_seconds", name).ShouldBe([4]);
        queue.AddRateLimited("c");
        metrics.Sum("workqueue_retries_total", name).ShouldBe(1);
        metrics.Gauge("workqueue_depth", name).ShouldBe(1);
        queue.Dispose();
        Should.Throw<ShouldAssertException>(() => metrics.Gauge("workqueue_depth", name));
    }
}
