using System.Security.Cryptography;
using Hem.Progress;
using Hem.Progress.Grpc;
using Hem.TestCluster;

namespace Operator.Tests.Progress;

/// <summary>Checkpoints of trials without a claim, through the operator.</summary>
[Collection(Alone.Name)]
public sealed class CheckpointTests(ControlPlaneFixture fixture)
{
    [Fact]
    public async Task A_pod_that_was_killed_goes_on_elsewhere_from_its_last_checkpoint_whoever_leads()
    {
        await using var bench = await ProgressBench.StartAsync(fixture);
        await bench.ClaimAsync();
        var first = await bench.AddPodAsync();
        var client = bench.Connect(first);
        await client.Granted.WaitAsync(Timeouts.Normal);
        var saved = RandomNumberGenerator.GetBytes(3_000_000);
        await client.PutCheckpointAsync(7, new MemoryStream(saved));
        // Killed in the middle of saving the next one.
        using var killed = new CancellationTokenSource();
        var cut = client.PutCheckpointAsync(8, new CutStream(saved, killed), killed.Token);
        await Should.ThrowAsync<Exception>(cut);
        await client.DisposeAsync();
        bench.Pods.End(first.Attempt, gone: true);
        await bench.Service.EndAsync(first.Attempt);

        await bench.RestartServerAsync();
        await bench.ClaimAsync(number: 2);
        var second = bench.Connect(await bench.AddPodAsync(number: 2));
        await second.Granted.WaitAsync(Timeouts.Normal);
        var found = new MemoryStream();
        (await second.GetCheckpointAsync(found)).ShouldBe(7);
        found.ToArray().SequenceEqual(saved).ShouldBeTrue();
        (await Should.ThrowAsync<RpcException>(bench.Connect(first).GetCheckpointAsync(Stream.Null)))
            .StatusCode.ShouldBe(StatusCode.FailedPrecondition);
    }

    [Fact]
    public async Task Over_the_cap_the_operator_says_so_and_the_trial_starts_from_zero_when_moved()
    {
        await using var bench = await ProgressBench.StartAsync(fixture, trials: 2, checkpointCap: 1_000_000);
        await bench.ClaimAsync(trial: 0);
        await bench.ClaimAsync(trial: 1);
        var (fits, not) = (bench.Connect(await bench.AddPodAsync(trial: 0)), bench.Connect(await bench.AddPodAsync(trial: 1)));
        await Task.WhenAll(fits.Granted, not.Granted).WaitAsync(Timeouts.Normal);
        await fits.PutCheckpointAsync(1, new MemoryStream(new byte[900_000]));
        (await Should.ThrowAsync<RpcException>(not.PutCheckpointAsync(1, new MemoryStream(new byte[900_000]))))
            .StatusCode.ShouldBe(StatusCode.ResourceExhausted);

        var refusal = bench.Checkpoints.ReadRefusals().ShouldHaveSingleItem();
        (refusal.SweepUid, refusal.Trial).ShouldBe((TrialsBench.SweepUid, "s-1"));
        refusal.Reason.ShouldContain("1000000 bytes");
        (await not.GetCheckpointAsync(Stream.Null)).ShouldBeNull();
        (await fits.GetCheckpointAsync(Stream.Null)).ShouldBe(1);
        bench.Counts.Rejected("Checkpoints/Put", "ResourceExhausted").ShouldBe(1);
    }

    [Fact]
    public async Task Large_checkpoints_go_to_disk_and_not_through_memory()
    {
        const int trials = 8;
        await using var bench = await ProgressBench.StartAsync(fixture, trials);
        var clients = new List<ProgressClient>();
        for (var trial = 0; trial < trials; trial++)
        {
            await bench.ClaimAsync(trial);
            clients.Add(bench.Connect(await bench.AddPodAsync(trial)));
        }

        await Task.WhenAll(clients.Select(client => client.Granted)).WaitAsync(Timeouts.Normal);
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true);
        var (before, peak) = (GC.GetTotalMemory(true), 0L);
        var puts = Task.WhenAll(clients.Select(client => client.PutCheckpointAsync(1, new Zeros(60L << 20))));
        while (!puts.IsCompleted)
        {
            // What is alive, sender's side included; garbage does not count.
            peak = Math.Max(peak, GC.GetTotalMemory(true) - before);
            await Task.WhenAny(puts, Task.Delay(Timeouts.Poll));
        }

        await puts;
        bench.Checkpoints.Used.ShouldBe(trials * (60L << 20));
        peak.ShouldBeLessThan(100L << 20);
    }

    /// <summary>Ends the sender after some of the data.</summary>
    private sealed class CutStream(byte[] data, CancellationTokenSource cut) : MemoryStream(data)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position > 1_000_000) await cut.CancelAsync();
            return await base.ReadAsync(buffer, cancellationToken);
        }
    }

    private sealed class Zeros(long length) : Stream
    {
        private long _left = length;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = (int)Math.Min(count, _left);
            buffer.AsSpan(offset, read).Clear();
            _left -= read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
