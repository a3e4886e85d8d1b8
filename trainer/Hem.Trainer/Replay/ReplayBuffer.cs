using System.Runtime.CompilerServices;

namespace Hem.Trainer.Replay;

/// <summary>
/// Whole trajectories, first in first out, one equal part of the buffer for each logical worker. All workers add in step, so one counter
/// says what every part holds.
/// </summary>
internal sealed class ReplayBuffer : IDisposable
{
    private readonly TrajectoryStore store;

    /// <param name="layout">The task's trajectories.</param>
    /// <param name="workers">M.</param>
    /// <param name="trajectories">`bufferTrajectories`: over all workers; each keeps floor(trajectories / M), at least one.</param>
    public ReplayBuffer(TrajectoryLayout layout, int workers, int trajectories)
    {
        Workers = workers;
        CapacityPerWorker = Math.Max(1, trajectories / workers);
        store = new TrajectoryStore(layout, checked(workers * CapacityPerWorker));
    }

    public TrajectoryLayout Layout => store.Layout;

    public int Workers { get; }

    public int CapacityPerWorker { get; }

    /// <summary>Trajectories that each worker has added since training began, those dropped since included.</summary>
    public long AddedPerWorker { get; private set; }

    /// <summary>Trajectories that each worker's part holds.</summary>
    public int CountPerWorker => (int)Math.Min(AddedPerWorker, CapacityPerWorker);

    /// <summary>One of the worker's stored trajectories, uniformly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Trajectory Draw(int worker, ref RandomStream random) => store[worker * CapacityPerWorker + random.Below(CountPerWorker)];

    /// <summary>
    /// The worker's trajectory with the running number <paramref name="number"/> (0 = its first ever), which must still be held.
    /// </summary>
    public Trajectory Get(int worker, long number)
    {
        if (number >= AddedPerWorker || number < AddedPerWorker - CountPerWorker)
            throw new ArgumentOutOfRangeException(nameof(number), number, "this trajectory is not in the buffer");

        return store[Slot(worker, number)];
    }

    /// <summary>Adds for every worker k the trajectories k*perWorker .. (k+1)*perWorker-1 of <paramref name="collected"/>.</summary>
    public void Add(TrajectoryStore collected, int perWorker)
    {
        for (int worker = 0; worker < Workers; worker++)
        {
            for (int i = 0; i < perWorker; i++)
                PlaceRecord(worker, AddedPerWorker + i, collected[worker * perWorker + i].Record);
        }

        AddedPerWorker += perWorker;
    }

    /// <summary>Puts back a record read from a checkpoint; <see cref="Restored"/> then makes all of them count.</summary>
    public void PlaceRecord(int worker, long number, ReadOnlySpan<byte> record)
    {
        Trajectory slot = store[Slot(worker, number)];
        slot.Length = BitConverter.ToInt32(record);
        record.CopyTo(slot.Record);
    }

    /// <summary>
    /// Declares that the last <see cref="CapacityPerWorker"/> of <paramref name="addedPerWorker"/> trajectories are in place.
    /// </summary>
    public void Restored(long addedPerWorker) => AddedPerWorker = addedPerWorker;

    public void Dispose() => store.Dispose();

    private int Slot(int worker, long number) => worker * CapacityPerWorker + (int)(number % CapacityPerWorker);
}
