namespace Hem.Trainer.Networks;

/// <summary>Work in numbered pieces that may be done in any order by any worker.</summary>
internal interface IParallelWork
{
    /// <param name="piece">Which piece.</param>
    /// <param name="worker">Who does it, from 0 to the number of threads less one: the key to scratch memory.</param>
    void Do(int piece, int worker);
}

/// <summary>
/// A few threads that share the pieces of one piece of work at a time. The caller is one of them. Between works the others spin for
/// a moment, since the next usually follows within microseconds, and then sleep. Nothing is allocated per work.
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    private const int SpinsBeforeSleep = 2000;

    private readonly object gate = new();
    private readonly Thread[] helpers;
    private IParallelWork? work;
    private int pieces;
    private int nextPiece;
    private int busyHelpers;
    private volatile int generation;
    private int sleepers;
    private volatile bool stopping;

    public WorkerPool(int threads)
    {
        Threads = threads;
        helpers = new Thread[threads - 1];
        for (var i = 0; i < helpers.Length; i++)
        {
            var worker = i + 1;
            helpers[i] = new Thread(() => Help(worker)) { IsBackground = true, Name = $"kernels {worker}" };
            helpers[i].Start();
        }
    }

    public int Threads { get; }

    /// <summary>Does all pieces and returns when the last is done. Callers take turns by themselves.</summary>
    public void Run(IParallelWork newWork, int newPieces)
    {
        ObjectDisposedException.ThrowIf(stopping, this);
        if (helpers.Length == 0 || newPieces == 1)
        {
            for (var piece = 0; piece < newPieces; piece++)
                newWork.Do(piece, 0);
            return;
        }

        (work, pieces, nextPiece) = (newWork, newPieces, 0);
        Volatile.Write(ref busyHelpers, helpers.Length);
        Announce();
        DoPieces(0);
        var spinner = default(SpinWait);
        while (Volatile.Read(ref busyHelpers) != 0)
            spinner.SpinOnce(sleep1Threshold: -1);
    }

    public void Dispose()
    {
        if (stopping)
            return;
        stopping = true;
        Announce();
        foreach (var helper in helpers)
            helper.Join();
    }

    private void Announce()
    {
        lock (gate)
        {
            generation++;
            if (sleepers > 0)
                Monitor.PulseAll(gate);
        }
    }

    private void Help(int worker)
    {
        for (var seen = 0; ;)
        {
            WaitFor(seen);
            seen++;
            if (stopping)
                return;
            DoPieces(worker);
            Interlocked.Decrement(ref busyHelpers);
        }
    }

    private void WaitFor(int seen)
    {
        for (var i = 0; i < SpinsBeforeSleep; i++)
        {
            if (generation != seen)
                return;
            Thread.SpinWait(8);
        }

        lock (gate)
        {
            sleepers++;
            while (generation == seen)
                Monitor.Wait(gate);
            sleepers--;
        }
    }

    private void DoPieces(int worker)
    {
        for (int piece; (piece = Interlocked.Increment(ref nextPiece) - 1) < pieces;)
            work!.Do(piece, worker);
    }
}
