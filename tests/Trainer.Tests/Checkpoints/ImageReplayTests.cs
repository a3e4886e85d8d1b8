using System.Diagnostics;
using System.Runtime.InteropServices;
using Hem.Trainer.Checkpoints;
using Hem.Trainer.Replay;
using Hem.Trainer.Trials;

namespace Trainer.Tests.Checkpoints;

/// <summary>A replay full of pictures (84 x 84, as of Fetch reach) is saved within the seconds that a process has after SIGTERM.</summary>
public sealed class ImageReplayTests(ITestOutputHelper output) : IDisposable
{
    private const int Workers = 30;
    private static readonly TrajectoryLayout Layout = new(Horizon: 50, 3 * 84 * 84 + 40, GoalBytes: 12, ActionBytes: 12);
    private static readonly TimeSpan Allowed = TimeSpan.FromSeconds(5);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>As much at a time as ever waits to be written; with HEM_SOAK set until there are 3 GB.</summary>
    [Fact]
    public void A_save_writes_what_is_new_and_no_more_however_much_there_was_before()
    {
        bool whole = Environment.GetEnvironmentVariable("HEM_SOAK") is { Length: > 0 };
        long record = Layout.RecordBytes(Layout.Horizon);
        int perWorker = whole ? (int)(SaveSchedule.MostUnsavedBytes / (Workers * record)) : 2;
        int saves = whole ? 12 : 3;
        using var replay = new ReplayBuffer(Layout, Workers, Workers * perWorker * saves);
        var saving = new CheckpointFolder(folder.Path, "trial", "test", _ => { });
        saving.TryLoad(replay, _ => { });
        for (int iteration = 1; iteration <= saves; iteration++)
        {
            Collect(replay, perWorker, iteration);
            var clock = Stopwatch.StartNew();
            long bytes = saving.Save(replay, iteration, new byte[1000]);
            TimeSpan took = clock.Elapsed;
            output.WriteLine($"{bytes / 1e6:F0} MB in {took.TotalSeconds:F2} s, {iteration * bytes / 1e9:F1} GB in all");
            bytes.ShouldBeInRange(Workers * perWorker * record, Workers * perWorker * record + 10_000);
            if (whole) took.ShouldBeLessThan(Allowed);
        }

        using var loaded = new ReplayBuffer(Layout, Workers, Workers * perWorker * saves);
        var loading = new CheckpointFolder(folder.Path, "trial", "test", _ => { });
        loading.TryLoad(loaded, _ => loaded.Restored(replay.AddedPerWorker)).ShouldBeTrue();
        for (long number = 0; number < replay.AddedPerWorker; number++)
            loaded.Get(7, number).Record.SequenceEqual(replay.Get(7, number).Record).ShouldBeTrue();
    }

    [Fact]
    public void Too_large_a_replay_is_not_built_in_memory_to_be_sent_away()
    {
        using var replay = new ReplayBuffer(Layout, Workers, 2000);
        var remote = new RemoteCheckpoints(() => null, (_, _) => Assert.Fail("it was sent"), "trial", "test", _ => { });
        replay.Restored(60);
        Should.Throw<IOException>(() => remote.Save(replay, 1, [])).Message.ShouldContain("claimName");
    }

    private static void Collect(ReplayBuffer replay, int perWorker, int seed)
    {
        using var collected = new TrajectoryStore(Layout, Workers * perWorker);
        var random = new Random(seed);
        byte[] noise = new byte[Layout.SlotBytes];
        random.NextBytes(noise);
        for (int slot = 0; slot < collected.Slots; slot++)
        {
            Trajectory trajectory = collected[slot];
            trajectory.Length = Layout.Horizon;
            noise.AsSpan(sizeof(int)).CopyTo(trajectory.Record[sizeof(int)..]);
            MemoryMarshal.Write(trajectory.Goal, slot);
        }

        replay.Add(collected, perWorker);
    }
}
