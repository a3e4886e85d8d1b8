using Hem.Trainer.Algorithms;
using Hem.Trainer.Replay;

namespace Trainer.Tests.Algorithms;

/// <summary>What every algorithm must keep: the same bits however it is run, and however often it is left and resumed.</summary>
internal static class Runs
{
    /// <summary>The curve of a whole run.</summary>
    public static List<Evaluation> Train(Func<IAlgorithm> create)
    {
        var host = new RecordingHost();
        using IAlgorithm algorithm = create();
        algorithm.Train(host).ShouldBeTrue();
        return host.Curve;
    }

    /// <summary>All that a checkpoint would hold at the end of a run, and the curve.</summary>
    public static byte[] FinalState(Func<IAlgorithm> create, out List<Evaluation> curve)
    {
        var host = new RecordingHost();
        using IAlgorithm algorithm = create();
        algorithm.Train(host).ShouldBeTrue();
        curve = host.Curve;
        return [.. State(algorithm), .. Records(algorithm.Replay)];
    }

    /// <summary>Left after every so many steps and loaded into a fresh one, it ends in the same state after the same curve.</summary>
    public static void LeftAndLoadedItGoesOnAlike(Func<IAlgorithm> create, int every, long steps)
    {
        byte[] expected = FinalState(create, out List<Evaluation> curve);
        for (long leaveAt = 0; leaveAt < steps; leaveAt += every)
        {
            var first = new RecordingHost { LeaveAfter = leaveAt };
            using IAlgorithm left = create();
            left.Train(first).ShouldBeFalse();

            using IAlgorithm resumed = create();
            CopyState(left, resumed);
            var second = new RecordingHost();
            resumed.Train(second).ShouldBeTrue();
            first.Curve.Concat(second.Curve).ShouldBe(curve);
            byte[] state = [.. State(resumed), .. Records(resumed.Replay)];
            state.SequenceEqual(expected).ShouldBeTrue($"left after {leaveAt} steps");
        }
    }

    /// <summary>Interrupted within steps, it does those again, alike.</summary>
    public static void InterruptedItGoesOnAlike(Func<IAlgorithm> create, int every)
    {
        List<Evaluation> expected = Train(create);
        int asked = 0, times = 0;
        var host = new RecordingHost { Interrupt = () => ++asked % every == 0 };
        using IAlgorithm algorithm = create();
        while (!algorithm.Train(host) && times < 1000)
            times++;
        times.ShouldBeInRange(3, 999);
        host.Curve.ShouldBe(expected);
    }

    /// <summary>Bytes that steps allocate, once the first iterations have made their buffers.</summary>
    public static long AllocatedByLastSteps(IAlgorithm algorithm, int steps)
    {
        var seen = new List<long>(10_000);
        var host = new RecordingHost { BetweenSteps = _ => seen.Add(GC.GetAllocatedBytesForCurrentThread()) };
        algorithm.Train(host);
        return seen[^1] - seen[^(steps + 1)];
    }

    public static void CopyState(IAlgorithm from, IAlgorithm to)
    {
        if (from.Replay is { } source)
        {
            for (int worker = 0; worker < source.Workers; worker++)
            {
                for (long i = source.Oldest; i < source.AddedPerWorker; i++)
                {
                    if (source.Holds(worker, i))
                        to.Replay!.PlaceRecord(worker, i, source.Get(worker, i).Record);
                }
            }
        }

        to.Load(new BinaryReader(new MemoryStream(State(from))));
    }

    public static byte[] State(IAlgorithm algorithm)
    {
        var state = new MemoryStream();
        algorithm.Save(new BinaryWriter(state));
        return state.ToArray();
    }

    private static IEnumerable<byte> Records(ReplayBuffer? replay)
    {
        var bytes = new List<byte>();
        for (int worker = 0; replay is not null && worker < replay.Workers; worker++)
        {
            for (long i = replay.Oldest; i < replay.AddedPerWorker; i++)
            {
                if (replay.Holds(worker, i))
                    bytes.AddRange(replay.Get(worker, i).Record);
            }
        }

        return bytes;
    }
}
