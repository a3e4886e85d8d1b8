using Hem.Trainer;
using Hem.Trainer.Checkpoints;
using Hem.Trainer.Replay;
using Hem.Trainer.Tasks;

namespace Trainer.Tests.Checkpoints;

public sealed class CheckpointFolderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly List<string> messages = [];
    private readonly FlipBit task = new(9);
    private RandomStream random = new(1, RandomPurpose.Worker);

    public void Dispose() => folder.Dispose();

    [Fact]
    public void An_empty_folder_starts_from_zero_without_a_word()
    {
        Folder().TryLoad(Buffer(), _ => { }).ShouldBeFalse();
        messages.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(100, 5)]
    [InlineData(12, 5)]
    [InlineData(3, 5)]
    [InlineData(8, 1)]
    public void The_replay_comes_back_as_it_was_after_any_number_of_saves(int capacityPerWorker, int perIteration)
    {
        using ReplayBuffer replay = Buffer(capacityPerWorker);
        CheckpointFolder saving = Folder();
        saving.TryLoad(replay, _ => { });
        for (int iteration = 1; iteration <= 30; iteration++)
        {
            Collect(replay, perIteration);
            if (iteration % 7 == 0)
                continue;
            saving.Save(replay, iteration, [(byte)iteration]);

            using ReplayBuffer loaded = Buffer(capacityPerWorker);
            Load(loaded).ShouldBe((byte)iteration);
            ShouldBeSame(loaded, replay);
            if (iteration % 5 == 0)
                Folder().TryLoad(loaded, _ => { });
        }

        messages.ShouldBeEmpty();
        Directory.GetFiles(folder.Path, "checkpoint-*").Length.ShouldBe(2);
        long kept = Directory.GetFiles(folder.Path, "replay-*").Sum(file => new FileInfo(file).Length);
        kept.ShouldBeLessThan(2 * 2 * (capacityPerWorker + 4 * perIteration) * replay.Layout.SlotBytes);
    }

    [Fact]
    public void Saving_again_writes_only_what_is_new()
    {
        using ReplayBuffer replay = Buffer(2000);
        CheckpointFolder saving = Folder();
        Collect(replay, 1000);
        saving.Save(replay, 1, [1]).ShouldBeGreaterThan(20_000);
        Collect(replay, 2);
        saving.Save(replay, 2, [2]).ShouldBeLessThan(500);
        saving.Save(replay, 2, [2]).ShouldBeLessThan(400);
    }

    [Fact]
    public void A_checkpoint_broken_anywhere_gives_way_to_the_previous_one_or_to_zero()
    {
        using ReplayBuffer replay = Buffer();
        var damage = new Random(1);
        for (int round = 0; round < 60; round++)
        {
            foreach (string file in Directory.GetFiles(folder.Path))
                File.Delete(file);
            CheckpointFolder saving = Folder();
            for (byte i = 1; i <= 3; i++)
            {
                Collect(replay, 3);
                saving.Save(replay, i, [i, .. new byte[100]]);
            }

            string[] files = Directory.GetFiles(folder.Path);
            string victim = files[damage.Next(files.Length)];
            byte[] bytes = File.ReadAllBytes(victim);
            int at = damage.Next(bytes.Length);
            if (round % 2 == 0)
                bytes[at] ^= (byte)(1 << damage.Next(8));
            else
                bytes = bytes[..at];
            File.WriteAllBytes(victim, bytes);

            using ReplayBuffer loaded = Buffer();
            messages.Clear();
            int got = Load(loaded);
            bool newest = victim.EndsWith("3.hem", StringComparison.Ordinal);
            if (victim.EndsWith(".hem", StringComparison.Ordinal))
                got.ShouldBe(newest ? 2 : 3);
            if (got != 3)
                messages.ShouldContain(line => line.Contains("cannot be used"), $"{victim} broken at {at}");
            if (got == 0)
                messages[^1].ShouldContain("starting from zero");

            // And it can be saved to and loaded from again.
            CheckpointFolder again = Folder();
            again.TryLoad(loaded, header => loaded.Restored(header.Segments[^1].End));
            Collect(loaded, 2);
            again.Save(loaded, 9, [9]);
            using ReplayBuffer last = Buffer();
            Load(last).ShouldBe(9);
            ShouldBeSame(last, loaded);
        }
    }

    [Fact]
    public void A_checkpoint_of_another_format_version_is_named_and_passed_over()
    {
        CheckpointFolder saving = Folder();
        saving.Save(null, 1, [1]);
        saving.Save(null, 2, [2]);
        string newest = Directory.GetFiles(folder.Path).Max()!;
        byte[] bytes = File.ReadAllBytes(newest);
        bytes[8] = 99;
        File.WriteAllBytes(newest, bytes);
        byte got = 0;
        Folder().TryLoad(null, header => got = header.State[0]).ShouldBeTrue();
        got.ShouldBe((byte)1);
        messages.ShouldHaveSingleItem().ShouldContain("version 99");
    }

    [Fact]
    public void A_checkpoint_of_a_newer_version_and_its_logs_stay_whole_whatever_is_saved_beside_them()
    {
        using ReplayBuffer replay = Buffer();
        CheckpointFolder saving = Folder();
        for (byte i = 1; i <= 2; i++)
        {
            Collect(replay, 3);
            saving.Save(replay, i, [i]);
        }

        string newest = Directory.GetFiles(folder.Path, "*.hem").Max()!;
        byte[] bytes = File.ReadAllBytes(newest);
        bytes[8] = 99;
        File.WriteAllBytes(newest, bytes);
        Dictionary<string, byte[]> before = Directory.GetFiles(folder.Path).Where(path => path == newest || path.EndsWith(".log"))
            .ToDictionary(path => path, File.ReadAllBytes);

        using ReplayBuffer loaded = Buffer();
        CheckpointFolder going = Folder();
        going.TryLoad(loaded, header => loaded.Restored(header.Segments[^1].End)).ShouldBeTrue();
        Directory.CreateDirectory(Path.Combine(folder.Path, "checkpoint-00000003.hem.tmp"));
        Collect(loaded, 30);
        Should.Throw<UnauthorizedAccessException>(() => going.Save(loaded, 3, [3]));
        Directory.Delete(Path.Combine(folder.Path, "checkpoint-00000003.hem.tmp"));
        for (byte i = 3; i <= 9; i++)
        {
            Collect(loaded, 30);
            going.Save(loaded, i, [i]);
        }

        foreach ((string path, byte[] content) in before)
            File.ReadAllBytes(path).ShouldBe(content, path);
        using ReplayBuffer last = Buffer();
        Load(last).ShouldBe(9);
        ShouldBeSame(last, loaded);
    }

    [Fact]
    public void What_cannot_be_read_now_is_an_error_and_stays_where_it_is()
    {
        Folder().Save(null, 1, [1]);
        string newest = Path.Combine(folder.Path, "checkpoint-00000002.hem");
        File.CreateSymbolicLink(newest, newest);
        Should.Throw<IOException>(() => Folder().TryLoad(null, _ => { }));
        new FileInfo(newest).LinkTarget.ShouldBe(newest);
        messages.ShouldBeEmpty();
    }

    [Fact]
    public void A_save_that_fails_gives_its_disk_back()
    {
        using ReplayBuffer replay = Buffer(1000);
        CheckpointFolder saving = Folder();
        Collect(replay, 100);
        saving.Save(replay, 1, [1]);
        string[] Files() => [.. Directory.GetFiles(folder.Path).Order().Select(path => $"{path} {new FileInfo(path).Length}")];
        string[] before = Files();
        string obstacle = Path.Combine(folder.Path, "checkpoint-00000002.hem.tmp");
        Directory.CreateDirectory(obstacle);
        Collect(replay, 700);
        Should.Throw<UnauthorizedAccessException>(() => saving.Save(replay, 2, [2]));
        Files().ShouldBe(before);

        Directory.Delete(obstacle);
        saving.Save(replay, 2, [2]);
        using ReplayBuffer loaded = Buffer(1000);
        Load(loaded).ShouldBe(2);
        ShouldBeSame(loaded, replay);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(70)]
    [InlineData(300)]
    public void The_log_takes_no_more_disk_than_two_checkpoints_need(int perSave)
    {
        using ReplayBuffer replay = Buffer(100);
        CheckpointFolder saving = Folder();
        for (int i = 1; i <= 30; i++)
        {
            Collect(replay, perSave);
            saving.Save(replay, i, [1]);
            long kept = Directory.GetFiles(folder.Path, "replay-*").Sum(file => new FileInfo(file).Length);
            kept.ShouldBeLessThanOrEqualTo(2 * (125 + Math.Min(125, perSave)) * (replay.Layout.SlotBytes + 12));
        }
    }

    [Fact]
    public void The_checkpoint_of_another_trial_is_refused_and_left_alone()
    {
        new CheckpointFolder(folder.Path, "another", "test 1", messages.Add).Save(null, 1, [1]);
        byte[] before = File.ReadAllBytes(Directory.GetFiles(folder.Path).Single());
        Should.Throw<ForeignCheckpointException>(() => Folder().TryLoad(null, _ => { })).Message.ShouldContain("another trial (another)");
        File.ReadAllBytes(Directory.GetFiles(folder.Path).Single()).ShouldBe(before);
    }

    [Fact]
    public void A_state_that_the_algorithm_cannot_read_gives_way_too()
    {
        CheckpointFolder saving = Folder();
        saving.Save(null, 1, [1]);
        saving.Save(null, 2, [2]);
        byte got = 0;
        Folder().TryLoad(null, header => got = header.State[0] == 2 ? throw new UnusableCheckpointException("no") : header.State[0])
            .ShouldBeTrue();
        got.ShouldBe((byte)1);
    }

    [Fact]
    public void A_full_disk_is_an_error_that_leaves_the_last_checkpoint_whole_and_a_later_save_succeeds()
    {
        using TinyDisk? disk = TinyDisk.TryMount(megabytes: 1);
        Assert.SkipWhen(disk is null, "needs the right to mount a tmpfs");
        string place = Path.Combine(disk.Path, "trial");
        using ReplayBuffer replay = Buffer(5000);
        var saving = new CheckpointFolder(place, "trial", "test 1", messages.Add);
        Collect(replay, 100);
        saving.Save(replay, 1, [1]);
        string ballast = Path.Combine(disk.Path, "ballast");
        Should.Throw<IOException>(() => File.WriteAllBytes(ballast, new byte[2 << 20]));
        Collect(replay, 4000);
        Should.Throw<IOException>(() => saving.Save(replay, 2, [2])).Message.ShouldContain("No space left");
        Should.Throw<IOException>(() => saving.Save(replay, 2, new byte[100_000]));

        using ReplayBuffer loaded = Buffer(5000);
        var loading = new CheckpointFolder(place, "trial", "test 1", messages.Add);
        byte got = 0;
        loading.TryLoad(loaded, header => got = header.State[0]).ShouldBeTrue();
        got.ShouldBe((byte)1);

        File.Delete(ballast);
        saving.Save(replay, 3, [3]);
        new CheckpointFolder(place, "trial", "test 1", messages.Add).TryLoad(loaded, header => got = header.State[0]);
        loaded.Restored(replay.AddedPerWorker);
        got.ShouldBe((byte)3);
        ShouldBeSame(loaded, replay);
        messages.ShouldBeEmpty();
    }

    [Fact]
    public void A_remote_checkpoint_brings_everything_back_in_one_piece_and_a_broken_one_starts_from_zero()
    {
        using ReplayBuffer replay = Buffer(7);
        byte[]? kept = null;
        RemoteCheckpoints Remote(string trial = "trial") =>
            new(() => kept, (_, bytes) => kept = bytes.ToArray(), trial, "test 1", messages.Add);
        Remote().TryLoad(replay, _ => { }).ShouldBeFalse();
        Collect(replay, 10);
        Remote().Save(replay, 1, [42]).ShouldBe(kept!.Length);

        using ReplayBuffer loaded = Buffer(7);
        byte got = 0;
        Remote().TryLoad(loaded, header =>
        {
            got = header.State[0];
            loaded.Restored(10);
        }).ShouldBeTrue();
        got.ShouldBe((byte)42);
        ShouldBeSame(loaded, replay);

        Should.Throw<ForeignCheckpointException>(() => Remote("another").TryLoad(loaded, _ => { }));
        messages.ShouldBeEmpty();
        foreach (int at in (int[])[0, 9, 30, kept.Length / 2, kept.Length - 1])
        {
            byte[] whole = [.. kept];
            kept[at] ^= 4;
            Remote().TryLoad(loaded, _ => { }).ShouldBeFalse();
            kept = whole[..at];
            Remote().TryLoad(loaded, _ => { }).ShouldBeFalse();
            kept = whole;
        }

        messages.Count.ShouldBe(10);
    }

    private CheckpointFolder Folder() => new(folder.Path, "trial", "test 1", messages.Add);

    private ReplayBuffer Buffer(int capacityPerWorker = 20) => new(TrajectoryLayout.Of(task), 2, 2 * capacityPerWorker);

    private int Load(ReplayBuffer loaded)
    {
        int got = 0;
        Folder().TryLoad(loaded, header =>
        {
            got = header.State[0];
            loaded.Restored(header.Segments[^1].End);
        });
        return got;
    }

    private void Collect(ReplayBuffer replay, int perWorker)
    {
        using var episodes = new Episodes(task, 2 * perWorker);
        episodes.Clear(stopOnSuccess: true);
        for (int i = 0; i < 2 * perWorker; i++)
            episodes.Add(random.Fork());
        episodes.Start();
        for (; episodes.Active > 0; episodes.Advance())
        {
            for (int i = 0; i < episodes.Active; i++)
                episodes.Act(i, episodes.Random(i).Below(random.Below(3) == 0 ? 2 : task.Actions));
        }

        replay.Add(episodes.Trajectories, perWorker);
    }

    private static void ShouldBeSame(ReplayBuffer actual, ReplayBuffer expected)
    {
        actual.AddedPerWorker.ShouldBe(expected.AddedPerWorker);
        for (int worker = 0; worker < 2; worker++)
        {
            for (long i = expected.AddedPerWorker - expected.CountPerWorker; i < expected.AddedPerWorker; i++)
                actual.Get(worker, i).Record.SequenceEqual(expected.Get(worker, i).Record).ShouldBeTrue();
        }
    }
}
