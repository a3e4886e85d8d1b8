using System.Security.Cryptography;
using Google.Protobuf;
using Hem.Progress;
using Hem.Progress.Grpc;
using static Hem.Tests.TrialsBench;
using static Progress.Tests.ProgressBench;

namespace Progress.Tests;

public sealed class CheckpointTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(ProgressMethods.ChunkBytes)]
    [InlineData((3 * ProgressMethods.ChunkBytes) + 17)]
    public async Task A_checkpoint_comes_back_as_it_was_put(int size)
    {
        await using var bench = await StartAsync();
        var client = bench.Connect(await bench.AddAttemptAsync());
        (await client.GetCheckpointAsync(Stream.Null)).ShouldBeNull();
        var data = RandomNumberGenerator.GetBytes(size);
        await client.PutCheckpointAsync(42, new MemoryStream(data)).WaitAsync(Patience);
        var back = new MemoryStream();
        (await client.GetCheckpointAsync(back).WaitAsync(Patience)).ShouldBe(42);
        back.ToArray().AsSpan().SequenceEqual(data).ShouldBeTrue();
    }

    [Fact]
    public async Task The_last_two_are_kept_and_the_newest_is_the_last_put()
    {
        await using var bench = await StartAsync();
        var client = bench.Connect(await bench.AddAttemptAsync());
        foreach (var iteration in new[] { 30, 5, 10 })
            await client.PutCheckpointAsync(iteration, new MemoryStream(new byte[1000])).WaitAsync(Patience);
        (await client.GetCheckpointAsync(Stream.Null)).ShouldBe(10);
        Files(bench).Length.ShouldBe(2);
        bench.Checkpoints.Used.ShouldBe(2000);
        new FileCheckpointStore(Path.Combine(bench.Folder, "checkpoints")).Used.ShouldBe(2000);

        bench.Checkpoints.Delete(SweepUid, "s-0");
        Files(bench).ShouldBeEmpty();
        bench.Checkpoints.Used.ShouldBe(0);
    }

    [Fact]
    public async Task A_checkpoint_that_the_disk_has_damaged_gives_way_to_the_one_before()
    {
        await using var bench = await StartAsync();
        var client = bench.Connect(await bench.AddAttemptAsync());
        for (var iteration = 1; iteration <= 2; iteration++)
            await client.PutCheckpointAsync(iteration, new MemoryStream(RandomNumberGenerator.GetBytes(1000))).WaitAsync(Patience);
        var newest = Files(bench).Single(f => Path.GetFileName(f).StartsWith("2-", StringComparison.Ordinal));
        await File.WriteAllBytesAsync(newest, new byte[1000]);
        (await client.GetCheckpointAsync(Stream.Null)).ShouldBe(1);
    }

    [Fact]
    public async Task One_that_is_too_large_or_arrives_damaged_leaves_the_one_before_in_place()
    {
        await using var bench = await StartAsync();
        var attempt = await bench.AddAttemptAsync();
        var client = bench.Connect(attempt);
        await client.PutCheckpointAsync(1, new MemoryStream(new byte[100])).WaitAsync(Patience);

        var tooLarge = client.PutCheckpointAsync(2, new MemoryStream(new byte[(8 << 20) + 1]));
        (await Should.ThrowAsync<RpcException>(tooLarge.WaitAsync(Patience))).StatusCode.ShouldBe(StatusCode.ResourceExhausted);
        (await PutRawAsync(bench, attempt,
            new CheckpointChunk { Data = ByteString.CopyFrom(1, 2), Sha256 = ByteString.CopyFrom(new byte[32]) }))
            .ShouldBe(StatusCode.DataLoss);
        (await PutRawAsync(bench, attempt, new CheckpointChunk { Data = ByteString.CopyFrom(1, 2) })).ShouldBe(StatusCode.InvalidArgument);
        (await PutRawAsync(bench, attempt, new CheckpointChunk { Data = ByteString.CopyFrom(new byte[ProgressMethods.ChunkBytes + 1]) }))
            .ShouldBe(StatusCode.InvalidArgument);

        (await client.GetCheckpointAsync(Stream.Null)).ShouldBe(1);
        await Until(() => Files(bench).Length == 1 && bench.Checkpoints.Used == 100, "nothing of the others is left");
    }

    [Fact]
    public async Task Only_the_attempt_with_the_grant_is_served()
    {
        await using var bench = await StartAsync();
        var (first, second) = (await bench.AddAttemptAsync(), await bench.AddAttemptAsync(number: 2));
        var (old, young) = (bench.Connect(first), bench.Connect(second));
        await old.PutCheckpointAsync(1, new MemoryStream(new byte[10])).WaitAsync(Patience);
        Func<Task>[] calls = [() => young.GetCheckpointAsync(Stream.Null), () => young.PutCheckpointAsync(2, Stream.Null)];
        foreach (var call in calls)
            (await Should.ThrowAsync<RpcException>(call().WaitAsync(Patience))).StatusCode.ShouldBe(StatusCode.FailedPrecondition);
        await bench.Service.EndAsync(first);
        (await young.GetCheckpointAsync(Stream.Null).WaitAsync(Patience)).ShouldBe(1);
        (await Should.ThrowAsync<RpcException>(old.GetCheckpointAsync(Stream.Null).WaitAsync(Patience)))
            .StatusCode.ShouldBe(StatusCode.FailedPrecondition);
    }

    [Fact]
    public async Task An_upload_whose_sender_goes_away_leaves_no_trace()
    {
        await using var bench = await StartAsync();
        var attempt = await bench.AddAttemptAsync();
        using (var channel = GrpcChannel.ForAddress("unix:" + bench.Socket))
        using (var call = channel.CreateCallInvoker()
            .AsyncClientStreamingCall(ProgressMethods.PutCheckpoint, null, Authorized(bench, attempt)))
        {
            await call.RequestStream.WriteAsync(new CheckpointChunk { Data = ByteString.CopyFrom(new byte[1000]) });
            await Until(() => Files(bench).Length == 1, "the upload has begun");
        }

        await Until(() => Files(bench).Length == 0 && bench.Checkpoints.Used == 0, "it is gone");
    }

    [Fact]
    public async Task All_together_have_a_limit_and_the_rest_of_a_cut_short_upload_is_swept_away_at_the_start()
    {
        var folder = Directory.CreateTempSubdirectory("hem-checkpoints-").FullName;
        try
        {
            var ours = Directory.CreateDirectory(Path.Combine(folder, "sweep", "a")).FullName;
            await File.WriteAllTextAsync(Path.Combine(ours, $"{Guid.NewGuid():N}.checkpoint-part"), "half");
            var store = new FileCheckpointStore(folder, limitPerTrial: 100, limitInAll: 150);
            Directory.EnumerateFiles(ours).ShouldBeEmpty();
            await PutAsync(store, "a", 100);
            (await Should.ThrowAsync<CheckpointTooLargeException>(PutAsync(store, "b", 60))).Message.ShouldContain("150");
            await PutAsync(store, "b", 50);
            store.Used.ShouldBe(150);

            // What is kept of one trial together stays under its limit too.
            store.Delete("sweep", "a");
            await PutAsync(store, "b", 60);
            store.Used.ShouldBe(60);
            Should.Throw<ArgumentException>(() => store.Delete("..", "a"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Files_that_it_did_not_make_are_neither_counted_nor_touched()
    {
        var folder = Directory.CreateTempSubdirectory("hem-checkpoints-").FullName;
        try
        {
            // As in a result store, which somebody points it at by mistake, and names that are nearly its own.
            string[] others =
            [
                "results.db", "results.db-wal", "lock", "x.checkpoint", "trials/t/attempt-1.log", "trials/t/token-1",
                "trials/t/checkpoint/checkpoint-3.hem", "trials/t/checkpoint/replay-3.log", "trials/t/checkpoint/notes.checkpoint",
                "trials/t/1-2-abc.checkpoint", "trials/t/mine.checkpoint-part", "trials/t/x.part", "a/b/c/1-2.checkpoint",
            ];
            foreach (var name in others)
            {
                var path = Path.Combine(folder, name);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                await File.WriteAllTextAsync(path, name);
            }

            var store = new FileCheckpointStore(folder);
            store.Used.ShouldBe(0);
            for (var i = 0; i < 3; i++)
            {
                await using var upload = store.BeginPut(new AttemptIdentity("trials", "t", "t", 1), i);
                await upload.CommitAsync(SHA256.HashData([]));
            }

            store.Delete("trials", "t");
            foreach (var name in others) (await File.ReadAllTextAsync(Path.Combine(folder, name))).ShouldBe(name);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task PutAsync(FileCheckpointStore store, string trial, int size)
    {
        await using var upload = store.BeginPut(new AttemptIdentity("sweep", trial, trial, 1), 1);
        var data = new byte[size];
        await upload.WriteAsync(data);
        await upload.CommitAsync(SHA256.HashData(data));
    }

    private static async Task<StatusCode> PutRawAsync(ProgressBench bench, AttemptIdentity attempt, CheckpointChunk chunk)
    {
        using var channel = GrpcChannel.ForAddress("unix:" + bench.Socket);
        using var call = channel.CreateCallInvoker()
            .AsyncClientStreamingCall(ProgressMethods.PutCheckpoint, null, Authorized(bench, attempt));
        await call.RequestStream.WriteAsync(chunk);
        await call.RequestStream.CompleteAsync();
        return (await Should.ThrowAsync<RpcException>(call.ResponseAsync.WaitAsync(Patience))).StatusCode;
    }

    private static CallOptions Authorized(ProgressBench bench, AttemptIdentity attempt) =>
        new(new Metadata { { "authorization", "Bearer " + File.ReadAllText(bench.TokenFile(attempt)).Trim() } });

    private static string[] Files(ProgressBench bench) =>
        Directory.GetFiles(Path.Combine(bench.Folder, "checkpoints"), "*", SearchOption.AllDirectories);
}
