using System.Runtime.CompilerServices;

namespace Hem.Trainer.Replay;

/// <summary>Which trajectory makes room for a new one when a worker's part of the replay is full.</summary>
internal enum Overwriting
{
    /// <summary>First in, first out.</summary>
    Oldest,

    /// <summary>
    /// One at random. In every round of as many additions as there are slots, each slot is overwritten once, in a random order; so no
    /// trajectory outlives two rounds, and the log of a checkpoint needs no more.
    /// </summary>
    Random,
}

/// <summary>
/// Whole trajectories, one equal part of the buffer for each logical worker, filled in order and then overwritten. All workers add in
/// step, so one counter says what every part holds.
/// </summary>
internal sealed class ReplayBuffer : IDisposable
{
    private readonly TrajectoryStore store;
    private readonly Overwriting overwriting;
    private readonly long seed;

    // With random overwriting: for each slot, the running number of its trajectory.
    private readonly long[] numbers;

    /// <param name="layout">The task's trajectories.</param>
    /// <param name="workers">M.</param>
    /// <param name="trajectories">`bufferTrajectories`: over all workers; each keeps floor(trajectories / M), at least one.</param>
    /// <param name="overwriting">What happens when it is full.</param>
    /// <param name="seed">The trial's seed, for random overwriting.</param>
    public ReplayBuffer(
        TrajectoryLayout layout, int workers, int trajectories, Overwriting overwriting = Overwriting.Oldest, long seed = 0)
    {
        Workers = workers;
        CapacityPerWorker = Math.Max(1, trajectories / workers);
        store = new TrajectoryStore(layout, checked(workers * CapacityPerWorker));
        (this.overwriting, this.seed) = (overwriting, seed);
        numbers = overwriting == Overwriting.Random ? new long[store.Slots] : [];
    }

    public TrajectoryLayout Layout => store.Layout;

    public int Workers { get; }

    public int CapacityPerWorker { get; }

    /// <summary>Trajectories that each worker has added since training began, those dropped since included.</summary>
    public long AddedPerWorker { get; private set; }

    /// <summary>Trajectories that each worker's part holds.</summary>
    public int CountPerWorker => (int)Math.Min(AddedPerWorker, CapacityPerWorker);

    /// <summary>No trajectory with a smaller running number is held by any worker.</summary>
    public long Oldest => overwriting == Overwriting.Oldest
        ? AddedPerWorker - CountPerWorker
        : Math.Max(0, (AddedPerWorker / CapacityPerWorker - 1) * CapacityPerWorker);

    /// <summary>One of the worker's stored trajectories, uniformly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Trajectory Draw(int worker, ref RandomStream random) => store[worker * CapacityPerWorker + random.Below(CountPerWorker)];

    /// <summary>Whether the worker's trajectory with the running number <paramref name="number"/> (0 = its first ever) is held.</summary>
    public bool Holds(int worker, long number) =>
        number >= Oldest && number < AddedPerWorker && (numbers.Length == 0 || numbers[Slot(worker, number)] == number);

    /// <summary>The worker's trajectory with the running number <paramref name="number"/>, which must still be held.</summary>
    public Trajectory Get(int worker, long number)
    {
        if (!Holds(worker, number))
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

    /// <summary>
    /// Puts back a record read from a checkpoint, after those with smaller numbers; <see cref="Restored"/> then makes all of them count.
    /// </summary>
    public void PlaceRecord(int worker, long number, ReadOnlySpan<byte> record)
    {
        int index = Slot(worker, number);
        Trajectory slot = store[index];
        slot.Length = BitConverter.ToInt32(record);
        record.CopyTo(slot.Record);
        if (numbers.Length > 0)
            numbers[index] = number;
    }

    /// <summary>Declares that what is held of <paramref name="addedPerWorker"/> trajectories is in place.</summary>
    public void Restored(long addedPerWorker) => AddedPerWorker = addedPerWorker;

    public void Dispose() => store.Dispose();

    private int Slot(int worker, long number)
    {
        (long round, long place) = Math.DivRem(number, CapacityPerWorker);
        if (overwriting == Overwriting.Random && round > 0)
            place = Permuted(worker, round, (uint)place);
        return worker * CapacityPerWorker + (int)place;
    }

    /// <summary>
    /// The place that comes at <paramref name="index"/> in the order of a round: a Feistel network, which is a permutation of the
    /// numbers of an even count of bits, walked until it comes to a number below the capacity.
    /// </summary>
    private uint Permuted(int worker, long round, uint index)
    {
        var keys = new RandomStream(unchecked(seed + 1_000_000L * worker), RandomPurpose.Overwriting, round);
        var (a, b, c, d) = (keys.Next(), keys.Next(), keys.Next(), keys.Next());
        int half = (33 - System.Numerics.BitOperations.LeadingZeroCount((uint)CapacityPerWorker)) / 2;
        uint mask = (1u << half) - 1;
        do
        {
            uint left = index >> half, right = index & mask;
            left ^= Mix(right, a, mask);
            right ^= Mix(left, b, mask);
            left ^= Mix(right, c, mask);
            right ^= Mix(left, d, mask);
            index = left << half | right;
        }
        while (index >= CapacityPerWorker);
        return index;

        static uint Mix(uint value, ulong key, uint mask)
        {
            ulong mixed = (value + key) * 0x9E3779B97F4A7C15;
            return (uint)((mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9 >> 33) & mask;
        }
    }
}
