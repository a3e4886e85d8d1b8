using Hem.Progress;

namespace Progress.Tests;

/// <summary>Limits of a checkpoint store, and what it says of those that found no room.</summary>
public sealed class CheckpointRoomTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hem-checkpoints-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Over_the_cap_a_trial_gives_up_its_older_one_before_it_is_refused()
    {
        var store = new FileCheckpointStore(_folder, limitInAll: 3000);
        await PutAsync(store, "a", 1, 1000);
        await PutAsync(store, "a", 2, 1000);
        await PutAsync(store, "b", 1, 1000);
        store.Used.ShouldBe(3000);

        await PutAsync(store, "a", 3, 1000);
        store.Used.ShouldBe(3000);
        store.OpenNewest(Of("a"))!.Value.Iteration.ShouldBe(3);

        (await Should.ThrowAsync<CheckpointTooLargeException>(PutAsync(store, "c", 1, 1))).Message.ShouldContain("3000 bytes");
        store.OpenNewest(Of("c")).ShouldBeNull();
        store.OpenNewest(Of("b"))!.Value.Iteration.ShouldBe(1);
    }

    [Fact]
    public async Task Who_found_no_room_is_known_until_one_of_its_checkpoints_is_taken_or_it_is_deleted()
    {
        var store = new FileCheckpointStore(_folder, limitPerTrial: 500, limitInAll: 1000);
        await PutAsync(store, "a", 1, 500);
        await PutAsync(store, "b", 1, 450);
        foreach (var trial in new[] { "c", "d" }) await Should.ThrowAsync<CheckpointTooLargeException>(PutAsync(store, trial, 1, 100));
        await Should.ThrowAsync<CheckpointTooLargeException>(PutAsync(store, "a", 2, 501));
        store.ReadRefusals().Select(r => (r.SweepUid, r.Trial)).Order().ShouldBe([("u", "a"), ("u", "c"), ("u", "d")]);
        store.ReadRefusals().Single(r => r.Trial == "c").Reason.ShouldContain("all trials together");
        store.ReadRefusals().Single(r => r.Trial == "a").Reason.ShouldContain("more than 500 bytes");

        store.ReadRefusals("u").Count.ShouldBe(3);
        store.ReadRefusals("other").ShouldBeEmpty();

        store.Delete("u", "a");
        await PutAsync(store, "c", 2, 100);
        store.ReadRefusals().Select(r => r.Trial).ShouldBe(["d"]);
        store.ReadSweepUids().ShouldBe(["u"]);
        store.DeleteSweep("u");
        store.ReadRefusals().ShouldBeEmpty();
        store.Used.ShouldBe(0);
        store.ReadSweepUids().ShouldBeEmpty();
    }

    private static AttemptIdentity Of(string trial) => new("u", trial, "pod", 1);

    private static async Task PutAsync(FileCheckpointStore store, string trial, long iteration, int size)
    {
        await using var upload = store.BeginPut(Of(trial), iteration);
        await upload.WriteAsync(new byte[size]);
        await upload.CommitAsync(System.Security.Cryptography.SHA256.HashData(new byte[size]));
    }
}
