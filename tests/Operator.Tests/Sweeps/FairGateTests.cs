using Hem.Operator.Sweeps;

namespace Operator.Tests.Sweeps;

/// <summary>How sweeps share what may be done at once.</summary>
public sealed class FairGateTests
{
    [Fact]
    public async Task One_with_three_things_to_do_is_not_behind_one_with_a_thousand()
    {
        var gate = new FairGate<string>(2);
        var order = new List<string>();
        var begin = new TaskCompletionSource();
        Task<int>[] huge = [.. Enumerable.Range(0, 1000).Select(_ => RunAsync("huge"))];
        Task<int>[] small = [.. Enumerable.Range(0, 3).Select(_ => RunAsync("small"))];
        begin.SetResult();
        await Task.WhenAll([.. huge, .. small]).WaitAsync(TimeSpan.FromSeconds(30));
        order.Count.ShouldBe(1003);
        order.LastIndexOf("small").ShouldBeLessThan(20);

        Task<int> RunAsync(string key) => gate.RunAsync(key, async () =>
        {
            await begin.Task;
            lock (order) order.Add(key);
            return 0;
        }, CancellationToken.None);
    }

    [Fact]
    public async Task No_more_is_done_at_once_than_there_is_room_for_and_what_fails_or_is_given_up_leaves_its_place()
    {
        var gate = new FairGate<int>(3);
        int now = 0, most = 0;
        using var stop = new CancellationTokenSource();
        var hold = new TaskCompletionSource();
        Task<int>[] held = [.. Enumerable.Range(0, 3).Select(i => gate.RunAsync(i, async () =>
        {
            await hold.Task;
            return 0;
        }, CancellationToken.None))];
        Task<int> givenUp = gate.RunAsync(1, () => Task.FromResult(0), stop.Token);
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(givenUp);
        hold.SetResult();
        await Task.WhenAll(held);

        Task<int>[] work = [.. Enumerable.Range(0, 100).Select(i => gate.RunAsync(i % 7, async () =>
        {
            int at = Interlocked.Increment(ref now);
            lock (gate) most = Math.Max(most, at);
            await Task.Yield();
            Interlocked.Decrement(ref now);
            return i % 10 == 0 ? throw new InvalidOperationException("as told") : 0;
        }, CancellationToken.None))];
        await Task.WhenAll(work.Select(one => one.ContinueWith(_ => { }))).WaitAsync(TimeSpan.FromSeconds(30));
        work.Count(one => one.IsFaulted).ShouldBe(10);
        most.ShouldBe(3);
    }
}
