using Hem.Trainer.Networks;

namespace Trainer.Tests.Networks;

public class WorkerPoolTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(5)]
    public void Each_piece_is_done_once_in_every_run(int threads)
    {
        using var pool = new WorkerPool(threads);
        var work = new Count(threads);
        for (var run = 1; run <= 100; run++)
        {
            // The last piece takes long enough, now and then, for the other workers to fall asleep.
            work.Pause = run % 50 == 0;
            pool.Run(work, 40);
            work.Done.ShouldAllBe(count => count == run);
        }
    }

    [Fact]
    public void Helpers_allocate_nothing_per_run()
    {
        using var pool = new WorkerPool(3);
        var work = new Count(3);
        for (var run = 0; run < 500; run++)
            pool.Run(work, 40);
        work.Allocated.ShouldAllBe(bytes => bytes == 0);
    }

    [Fact]
    public void Threads_end_when_the_pool_is_disposed()
    {
        var pool = new WorkerPool(4);
        pool.Dispose();
        Should.Throw<ObjectDisposedException>(() => pool.Run(new Count(4), 3));
    }

    private sealed class Count(int threads) : IParallelWork
    {
        private readonly long[] first = Enumerable.Repeat(-1L, threads).ToArray();

        public int[] Done { get; } = new int[40];

        /// <summary>By worker: bytes since its first piece.</summary>
        public long[] Allocated { get; } = new long[threads];

        public bool Pause { get; set; }

        public void Do(int piece, int worker)
        {
            var bytes = GC.GetAllocatedBytesForCurrentThread();
            if (first[worker] < 0)
                first[worker] = bytes;
            Allocated[worker] = bytes - first[worker];
            Interlocked.Increment(ref Done[piece]);
            if (Pause && piece == 39)
                Thread.SpinWait(2_000_000);
        }
    }
}
