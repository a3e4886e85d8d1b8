using Hem.Trainer;
using Hem.Trainer.Checkpoints;
using Hem.Trainer.Replay;

namespace Trainer.Tests.Replay;

public class ReplayBufferTests
{
    private static readonly TrajectoryLayout Layout = new(Horizon: 1, StateBytes: 4, GoalBytes: 4, ActionBytes: 1);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(100)]
    public void With_random_overwriting_each_round_overwrites_every_slot_once_in_an_order_of_its_own(int capacity)
    {
        using var replay = new ReplayBuffer(Layout, 2, 2 * capacity, Overwriting.Random, seed: 3);
        var before = new HashSet<(int, long)>();
        for (long n = 0; n < 4 * capacity; n++)
        {
            Add(replay, n);
            for (int worker = 0; worker < 2; worker++)
            {
                long[] held = Held(replay, worker);
                held.Length.ShouldBe((int)Math.Min(n + 1, capacity));
                held.ShouldAllBe(number => number >= replay.Oldest);
                held.ShouldContain(n);
                if (n % capacity == capacity - 1)
                    held.Order().ShouldBe(Enumerable.Range(0, capacity).Select(i => n - capacity + 1 + i));
            }
        }

        replay.AddedPerWorker.ShouldBe(4 * capacity);
        Should.Throw<ArgumentOutOfRangeException>(() => replay.Get(0, replay.Oldest - 1));
    }

    [Fact]
    public void With_random_overwriting_it_is_not_the_oldest_that_goes_and_the_workers_differ()
    {
        using var replay = new ReplayBuffer(Layout, 2, 200, Overwriting.Random, seed: 3);
        for (long n = 0; n < 150; n++)
            Add(replay, n);
        long[] left = [.. Held(replay, 0).Where(n => n < 100)], right = [.. Held(replay, 1).Where(n => n < 100)];
        left.Length.ShouldBe(50);
        left.Count(n => n < 50).ShouldBeInRange(15, 35);
        left.Intersect(right).Count().ShouldBeInRange(15, 35);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_checkpoint_brings_back_what_each_slot_held_however_seldom_it_was_saved(bool random)
    {
        Overwriting overwriting = random ? Overwriting.Random : Overwriting.Oldest;
        foreach (int every in (int[])[1, 3, 17, 40])
        {
            using var folder = new TemporaryFolder();
            using var replay = new ReplayBuffer(Layout, 2, 20, overwriting, seed: 3);
            var checkpoints = new CheckpointFolder(folder.Path, "trial", "test", _ => { });
            for (int n = 0; n < 120; n++)
            {
                Add(replay, n);
                if (n % every != every - 1)
                    continue;
                checkpoints.Save(replay, n, [1]);
                using var loaded = new ReplayBuffer(Layout, 2, 20, overwriting, seed: 3);
                new CheckpointFolder(folder.Path, "trial", "test", message => Assert.Fail(message))
                    .TryLoad(loaded, header => loaded.Restored(header.Segments[^1].End)).ShouldBeTrue();
                loaded.AddedPerWorker.ShouldBe(replay.AddedPerWorker);
                var (a, b) = (new RandomStream(n, RandomPurpose.Worker), new RandomStream(n, RandomPurpose.Worker));
                for (int i = 0; i < 40; i++)
                    loaded.Draw(i % 2, ref a).Record.SequenceEqual(replay.Draw(i % 2, ref b).Record).ShouldBeTrue();
            }
        }
    }

    private static void Add(ReplayBuffer replay, long number)
    {
        using var collected = new TrajectoryStore(Layout, 2);
        for (int worker = 0; worker < 2; worker++)
        {
            Trajectory trajectory = collected[worker];
            trajectory.Length = 1;
            BitConverter.TryWriteBytes(trajectory.State(0), (int)number);
            BitConverter.TryWriteBytes(trajectory.Goal, worker);
        }

        replay.Add(collected, 1);
    }

    private static long[] Held(ReplayBuffer replay, int worker)
    {
        var held = new List<long>();
        for (long n = 0; n < replay.AddedPerWorker; n++)
        {
            if (!replay.Holds(worker, n))
                continue;
            BitConverter.ToInt32(replay.Get(worker, n).State(0)).ShouldBe((int)n);
            BitConverter.ToInt32(replay.Get(worker, n).Goal).ShouldBe(worker);
            held.Add(n);
        }

        return [.. held];
    }
}
