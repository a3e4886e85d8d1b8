using Hem.Operator.Sweeps;

namespace Operator.Tests.Sweeps;

/// <summary>Whose status is written next.</summary>
public sealed class StatusQueueTests
{
    private static readonly DateTimeOffset now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private readonly StatusQueue _queue = new();

    [Fact]
    public void Final_ones_come_first_and_a_sweeps_before_its_trials()
    {
        Add("a-0", "a", StatusRank.Progress);
        Add("a-1", "a", StatusRank.Trial);
        Add("a-2", "a", StatusRank.FinalTrial);
        Add("b", "b", StatusRank.FinalSweep);
        Taken(4).ShouldBe(["b", "a-2", "a-1", "a-0"]);
    }

    [Fact]
    public void Of_two_writes_one_is_a_sweeps_however_many_trials_have_ended()
    {
        for (int i = 0; i < 1000; i++) Add($"a-{i}", "a", StatusRank.FinalTrial);
        Taken(3);
        for (int i = 0; i < 3; i++)
        {
            Add("a", "a", StatusRank.Sweep);
            Taken(2).ShouldContain("a");
        }

        Add("a", "a", StatusRank.Sweep);
        Add("b", "b", StatusRank.Sweep);
        Taken(4).Count(uid => uid.Length > 1).ShouldBe(2);
    }

    [Fact]
    public void Sweeps_take_turns_with_their_trials()
    {
        for (int i = 0; i < 1000; i++) Add($"a-{i}", "a", StatusRank.FinalTrial);
        Taken(10);
        for (int i = 0; i < 3; i++) Add($"b-{i}", "b", StatusRank.FinalTrial);
        Taken(6).Count(uid => uid[0] == 'b').ShouldBe(3);
        Taken(1000).Length.ShouldBe(984 + 3);
    }

    [Fact]
    public void Who_waits_keeps_his_turn_and_nobody_is_taken_before_his_time()
    {
        Add("a", "a", StatusRank.Sweep);
        Add("b", "b", StatusRank.Sweep);
        Add("a", "a", StatusRank.Sweep);
        StatusEntry late = Entry("c", "c");
        late.NotBefore = now + TimeSpan.FromSeconds(3);
        _queue.Add(late, StatusRank.FinalSweep);
        Taken(2).ShouldBe(["a", "b"]);
        _queue.Take(now).ShouldBe((null, TimeSpan.FromSeconds(3)));
        _queue.Take(now + TimeSpan.FromSeconds(3)).Next.ShouldBe(late);
        _queue.Count.ShouldBe(0);
    }

    private readonly Dictionary<string, StatusEntry> _entries = [];

    private StatusEntry Entry(string uid, string sweep)
    {
        if (!_entries.TryGetValue(uid, out StatusEntry? entry))
            _entries.Add(uid, entry = new() { Uid = uid, IsSweep = uid == sweep, Sweep = sweep, Namespace = "default", Name = uid });
        return entry;
    }

    private void Add(string uid, string sweep, StatusRank rank) => _queue.Add(Entry(uid, sweep), rank);

    private string[] Taken(int most)
    {
        List<string> taken = [];
        while (taken.Count < most && _queue.Take(now).Next is { } entry) taken.Add(entry.Uid);
        return [.. taken];
    }
}
