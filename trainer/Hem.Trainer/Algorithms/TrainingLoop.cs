using System.Runtime.InteropServices;
using Hem.Trainer.Checkpoints;
using Hem.Trainer.Networks;
using Hem.Trainer.Replay;
using Hem.Trainer.Tasks;
using Hem.Trainer.Trials;

namespace Hem.Trainer.Algorithms;

/// <summary>
/// What all algorithms have in common: evaluate, then again and again let every worker collect N episodes, take the updates, evaluate;
/// save and load where that stands. An algorithm says how it acts, what it does with the new episodes, and what an update is.
/// </summary>
/// <remarks>
/// M logical workers, each with its own random stream and its own part of the replay; what they do is computed together. The course
/// is the same to the last bit whatever the number of threads and the width of the vectors.
/// </remarks>
internal abstract class TrainingLoop : IAlgorithm
{
    /// <summary>A checkpoint holds the networks and their moments in one piece of at most 2 GiB.</summary>
    private const long LargestState = 1_800_000_000;

    // A step of training takes its rows in parts, so that one at any batch size can be left, and needs the memory of a part only. A part
    // takes well under a second: at most so many rows, so many products of a row and a parameter, and so many numbers of input.
    private const int LargestPart = 4096;
    private const int SmallestPart = 48;
    private const int FewestRows = 8;
    private const long ProductsPerPart = 1L << 30;
    private const int NumbersPerPart = 1 << 24;

    /// <summary>Pictures are collected so many bytes at a time, for a checkpoint between: there are seconds to save what is new.</summary>
    private const long LargestCollection = SaveSchedule.MostUnsavedBytes / 2;

    private readonly TrainingSettings settings;
    private readonly long seed;
    private readonly NetworkBackend backend;
    private readonly WorkerPool? stepping;
    private readonly Episodes tested;
    private readonly GoalCoverage coverage;
    private readonly RandomStream[] workersBefore;
    private readonly List<TrainedNetwork> networks = [];
    private readonly List<SavedMemory> memories = [];
    private long stateBytes;

    // Where training stands: everything below, the networks, the workers' streams and the replay make a checkpoint.
    private Stage stage = Stage.Evaluate;
    private int update, collected;
    private long trajectories, environmentSteps, updates, unstable;
    private double lossSum;
    private long lossCount;
    private double coverageSum;
    private long coverageCount;
    private int evaluationsReached;

    /// <param name="settings">The parameters.</param>
    /// <param name="seed">The trial's seed.</param>
    /// <param name="task">The task.</param>
    /// <param name="threads">Threads that step simulated tasks, and of each network.</param>
    /// <param name="kernels">Vector width of the networks.</param>
    /// <param name="collectAtOnce">
    /// Episodes of a worker that are collected and kept at once, which changes nothing but memory and the time between two checkpoints;
    /// default: as many as their bytes allow. N, where what is kept depends on all of an iteration's episodes.
    /// </param>
    protected TrainingLoop(
        TrainingSettings settings, long seed, ITask task, int threads, KernelWidth kernels, int? collectAtOnce = null)
    {
        (this.settings, this.seed, Task, backend) = (settings, seed, task, new NetworkBackend(threads, kernels, settings.Device));
        Workers = [.. Enumerable.Range(0, settings.Workers).Select(worker => RandomStream.OfWorker(seed, worker))];
        workersBefore = new RandomStream[Workers.Length];
        stepping = threads > 1 && task is IContinuousTask ? new WorkerPool(threads) : null;
        long together = (long)settings.Workers * TrajectoryLayout.Of(task).SlotBytes;
        CollectAtOnce = Math.Min(collectAtOnce ?? (int)Math.Max(1, LargestCollection / together), settings.N);
        Collected = new Episodes(task, checked(settings.Workers * CollectAtOnce), stepping);
        tested = new Episodes(task, settings.EvaluationEpisodes, stepping);
        coverage = new GoalCoverage(task, (long)settings.Workers * settings.N * task.Horizon);
    }

    private enum Stage
    {
        Evaluate,
        Collect,
        Update,
    }

    private delegate Span<byte> SavedMemory();

    public long Iteration { get; private set; }

    public TrainingCounts Counts => new(trajectories, environmentSteps, updates, unstable);

    public bool StoppedEarly { get; private set; }

    public abstract ReplayBuffer? Replay { get; }

    protected ITask Task { get; }

    /// <summary>The streams of the workers, which fork those of their episodes and draw their samples.</summary>
    protected RandomStream[] Workers { get; }

    /// <summary>
    /// The episodes that were collected last, n = <see cref="CollectedPerWorker"/>: worker k's are k n .. (k+1) n - 1.
    /// </summary>
    protected Episodes Collected { get; }

    /// <summary>N; less where an iteration is collected in parts.</summary>
    protected int CollectedPerWorker { get; private set; }

    private int CollectAtOnce { get; }

    /// <summary>Rows that are computed at once; changes nothing but time and memory. Set it before training.</summary>
    protected int Part { get; set; } = SmallestPart;

    /// <summary>
    /// One update, of <see cref="Collected"/> itself, follows each collection: both are one step, of which nothing is left when it is
    /// left midway.
    /// </summary>
    protected virtual bool IsOnPolicy => false;

    /// <summary>Chooses an action for so many of the active episodes, from the first on.</summary>
    /// <param name="episodes">The episodes.</param>
    /// <param name="first">The first of the active ones.</param>
    /// <param name="rows">How many of them, at most <see cref="Part"/>.</param>
    /// <param name="explore">True while collecting; false in a test, where the policy does what it thinks best.</param>
    protected abstract void Act(Episodes episodes, int first, int rows, bool explore);

    /// <summary>The new episodes, <see cref="Collected"/>, are complete: keep them.</summary>
    protected abstract void Store();

    /// <summary>
    /// One gradient step; all it changes before its last call of <see cref="ITrainingHost.LeaveNow"/> are the workers' streams, which are
    /// put back.
    /// </summary>
    /// <param name="host">Asked between parts whether to leave.</param>
    /// <param name="number">Which step of the iteration, from 0.</param>
    /// <returns>The loss; null: left midway.</returns>
    protected abstract double? Update(ITrainingHost host, int number);

    public bool Train(ITrainingHost host)
    {
        while (true)
        {
            if (stage == Stage.Evaluate)
            {
                if (!host.Continue() || !Evaluate(host))
                    return false;
                stage = Stage.Collect;
            }

            if (Iteration >= settings.Iterations || StoppedEarly)
                return true;

            if (stage == Stage.Collect)
            {
                for (; collected < settings.N; collected += CollectedPerWorker)
                {
                    CollectedPerWorker = Math.Min(CollectAtOnce, settings.N - collected);
                    if (!host.Continue() || !(IsOnPolicy ? CollectAndUpdate(host) : Collect(host)))
                        return false;
                }

                collected = 0;
                CountGoals();
                (stage, update) = (Stage.Update, IsOnPolicy ? settings.Updates : 0);
            }

            for (; update < settings.Updates; update++)
            {
                if (!host.Continue() || !Update(host))
                    return false;
            }

            Iteration++;
            stage = Iteration % settings.EvaluateEvery == 0 || Iteration >= settings.Iterations ? Stage.Evaluate : Stage.Collect;
        }
    }

    public void Save(BinaryWriter writer)
    {
        writer.Write((int)stage);
        writer.Write(stage == Stage.Collect ? ~collected : update);
        writer.Write(Iteration);
        writer.Write(StoppedEarly);
        writer.Write(trajectories);
        writer.Write(environmentSteps);
        writer.Write(updates);
        writer.Write(lossSum);
        writer.Write(lossCount);
        writer.Write(evaluationsReached);
        writer.Write(Replay?.AddedPerWorker ?? 0);
        writer.Write(Workers.Length);
        writer.Write(MemoryMarshal.AsBytes(Workers.AsSpan()));
        foreach (TrainedNetwork network in networks)
            network.Save(writer);
        foreach (SavedMemory memory in memories)
            writer.Write(memory());
        if (Task is IContinuousTask)
            writer.Write(unstable);
        writer.Write(coverageSum);
        writer.Write(coverageCount);
    }

    public void Load(BinaryReader reader)
    {
        // Nothing is assigned before all of it is known to fit: what goes on after a refusal must not be a mixture.
        var (newStage, newUpdate, newIteration, early) =
            ((Stage)reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt64(), reader.ReadBoolean());
        var (newTrajectories, newSteps, newUpdates) = (reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64());
        var (newLossSum, newLossCount, reached, added) =
            (reader.ReadDouble(), reader.ReadInt64(), reader.ReadInt32(), reader.ReadInt64());
        if (reader.ReadInt32() != Workers.Length)
            throw new UnusableCheckpointException("it has another number of workers");
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(workersBefore.AsSpan()));
        byte[] rest = new byte[reader.BaseStream.Length - reader.BaseStream.Position];
        reader.BaseStream.ReadExactly(rest);
        ReadOnlySpan<byte> saved = rest;
        foreach (TrainedNetwork network in networks)
        {
            if (!network.Fits(saved))
                throw new UnusableCheckpointException("its network has another shape");
            saved = saved[(int)network.SavedBytes..];
        }

        int counts = Task is IContinuousTask ? sizeof(long) : 0;
        int expected = memories.Sum(memory => memory().Length) + counts;

        // Earlier programs counted no goals: their next point is of the iterations that are yet to come.
        bool counted = saved.Length == expected + sizeof(double) + sizeof(long);
        if (!counted && saved.Length != expected)
            throw new UnusableCheckpointException("its state has another length");

        // Of an iteration that is collected in parts, how many are; checkpoints from before there were parts have a number >= 0.
        collected = newStage == Stage.Collect && newUpdate < 0 ? ~newUpdate : 0;
        (stage, update, Iteration, StoppedEarly) = (newStage, newUpdate, newIteration, early);
        (trajectories, environmentSteps, updates) = (newTrajectories, newSteps, newUpdates);
        (lossSum, lossCount, evaluationsReached) = (newLossSum, newLossCount, reached);
        Replay?.Restored(added);
        workersBefore.CopyTo(Workers, 0);
        saved = rest;
        foreach (TrainedNetwork network in networks)
            network.Load(ref saved);
        foreach (SavedMemory memory in memories)
            TrainedNetwork.Take(ref saved, memory());
        if (counts > 0)
            unstable = MemoryMarshal.Read<long>(saved);
        saved = saved[counts..];
        (coverageSum, coverageCount) =
            counted ? (MemoryMarshal.Read<double>(saved), MemoryMarshal.Read<long>(saved[sizeof(double)..])) : (0, 0);
    }

    public virtual void Dispose()
    {
        foreach (TrainedNetwork network in networks)
            network.Dispose();
        Replay?.Dispose();
        Collected.Dispose();
        tested.Dispose();
        stepping?.Dispose();
    }

    /// <summary>
    /// The description of a network that sees a row of the task's input, then some more numbers; layers and padding are the settings'.
    /// </summary>
    protected NetworkDescription Describe(int outputs, int moreInputs = 0) => NetworkDescription.Of(
        Task.Input, moreInputs, settings.HiddenLayers, settings.HiddenUnits, outputs,
        settings.Initialization ?? (Task is IContinuousTask ? Initialization.XavierUniform : Initialization.HeUniform), settings.Padding);

    /// <summary>Makes a network and its Adam; checkpoints keep both.</summary>
    /// <param name="description">Its shape.</param>
    /// <param name="number">Each network of an algorithm has one: its initial weights come from the stream of that number.</param>
    /// <param name="learningRate">Of Adam.</param>
    /// <exception cref="BadConfigurationException">It is too large for a checkpoint.</exception>
    protected TrainedNetwork CreateTrained(NetworkDescription description, int number, double learningRate)
    {
        RequireSavable(description, 3 * sizeof(float));
        Random random = new RandomStream(seed, RandomPurpose.Initialization, number).AsRandom();
        var network = new TrainedNetwork(backend.Create(description, random), learningRate);
        networks.Add(network);
        return network;
    }

    /// <summary>Makes a network of the same shape and parameters, which no gradient changes; checkpoints keep it.</summary>
    protected INetwork CreateTarget(TrainedNetwork original)
    {
        RequireSavable(original.Network.Description, sizeof(float));
        INetwork target = backend.Create(original.Network.Description, null);
        original.Network.Parameters.CopyTo(target.Parameters);
        memories.Add(() => MemoryMarshal.AsBytes(target.Parameters));
        return target;
    }

    /// <summary>target = polyak * target + (1 - polyak) * network.</summary>
    protected static void Follow(INetwork target, TrainedNetwork network, double polyak)
    {
        Span<float> kept = target.Parameters, current = network.Network.Parameters;
        float old = (float)polyak, share = (float)(1 - polyak);
        for (int i = 0; i < kept.Length; i++)
            kept[i] = old * kept[i] + share * current[i];
    }

    /// <summary>Checkpoints keep these numbers too.</summary>
    protected void Keep(double[] numbers) => memories.Add(() => MemoryMarshal.AsBytes(numbers.AsSpan()));

    /// <summary>
    /// The size of <see cref="Part"/> for a step in which a row goes through these networks, and which keeps so many numbers of each row.
    /// </summary>
    protected static int PartFor(long numbers, params ReadOnlySpan<TrainedNetwork> networks)
    {
        long products = 0;
        foreach (TrainedNetwork network in networks)
            products += Math.Max(network.ParameterCount, network.Network.Description.ProductsPerRow);
        return (int)Math.Min(
            Math.Clamp(ProductsPerPart / products, SmallestPart, LargestPart), Math.Max(NumbersPerPart / numbers, FewestRows));
    }

    /// <summary>To be called before the step is taken: a loss that is not finite ends the run with what to change.</summary>
    protected double RequireFinite(double loss) => double.IsFinite(loss)
        ? loss
        : throw new BadConfigurationException(
            $"the loss is not finite after update {updates}: lower parameters.learningRate ({settings.LearningRate})");

    /// <summary>Every worker runs its next episodes, each for a goal g ~ p(g); all of them take a step at once.</summary>
    private bool Collect(ITrainingHost host)
    {
        Workers.CopyTo(workersBefore, 0);
        Collected.Clear(settings.StopOnSuccess);
        for (int worker = 0; worker < settings.Workers; worker++)
        {
            for (int i = 0; i < CollectedPerWorker; i++)
                Collected.Add(Workers[worker].Fork());
        }

        if (!Run(Collected, explore: true, host))
        {
            workersBefore.CopyTo(Workers, 0);
            return false;
        }

        Store();
        trajectories += (long)settings.Workers * CollectedPerWorker;
        environmentSteps += Collected.Steps;
        unstable += Collected.Unstable;
        return true;
    }

    /// <summary>Of what the iteration collected: of all that the replay keeps of it, where there is one.</summary>
    private void CountGoals()
    {
        coverage.Clear();
        if (Replay is { } replay)
        {
            for (int worker = 0; worker < settings.Workers; worker++)
            {
                for (long number = replay.AddedPerWorker - settings.N; number < replay.AddedPerWorker; number++)
                {
                    if (replay.Holds(worker, number))
                        coverage.Add(replay.Get(worker, number));
                }
            }
        }
        else
        {
            for (int i = 0; i < settings.Workers * settings.N; i++)
                coverage.Add(Collected.Trajectories[i]);
        }

        coverageSum += coverage.Count;
        coverageCount++;
    }

    private bool CollectAndUpdate(ITrainingHost host)
    {
        RandomStream[] before = [.. Workers];
        var counts = (trajectories, environmentSteps, unstable);
        if (Collect(host) && Update(host))
            return true;
        before.CopyTo(Workers, 0);
        (trajectories, environmentSteps, unstable) = counts;
        return false;
    }

    private bool Update(ITrainingHost host)
    {
        Workers.CopyTo(workersBefore, 0);
        if (Update(host, IsOnPolicy ? 0 : update) is not { } loss)
        {
            workersBefore.CopyTo(Workers, 0);
            return false;
        }

        updates++;
        lossSum += loss;
        lossCount++;
        return true;
    }

    /// <summary>
    /// The success rate of the policy without exploration over test episodes, g ~ p(g). The stream is that of (seed, iteration) alone,
    /// so evaluating does not disturb training. Where the state says all and the task is deterministic, an episode that comes back to a
    /// state would go round until T: it has failed and is left.
    /// </summary>
    private bool Evaluate(ITrainingHost host)
    {
        var random = new RandomStream(seed, RandomPurpose.Evaluation, Iteration);
        bool goesRound = Task.IsDeterministic && Task.SimulationBytes == 0;
        tested.Clear(!settings.SuccessAtEnd, goesRound && !settings.SuccessAtEnd, restartUnstable: false);
        for (int i = 0; i < settings.EvaluationEpisodes; i++)
            tested.Add(random.Fork());
        if (!Run(tested, explore: false, host))
            return false;

        int successes = settings.SuccessAtEnd ? tested.FinalSuccesses : tested.Successes;
        double successRate = (double)successes / settings.EvaluationEpisodes;
        double loss = lossCount > 0 ? lossSum / lossCount : double.NaN;
        double goals = coverageCount > 0 ? coverageSum / coverageCount : double.NaN;
        (lossSum, lossCount, coverageSum, coverageCount) = (0, 0, 0, 0);
        unstable += tested.Unstable;
        if (settings.StopAt is { } stopAt)
        {
            evaluationsReached = successRate >= stopAt.SuccessRate ? evaluationsReached + 1 : 0;
            StoppedEarly = evaluationsReached >= stopAt.Evaluations && Iteration < settings.Iterations;
        }

        host.Evaluated(new Evaluation(Iteration, trajectories, environmentSteps, updates, successRate, loss, unstable, goals));
        return true;
    }

    /// <summary>Runs episodes to their end; false: left midway.</summary>
    private bool Run(Episodes episodes, bool explore, ITrainingHost host)
    {
        for (episodes.Start(); episodes.Active > 0; episodes.Advance())
        {
            for (int first = 0; first < episodes.Active; first += Part)
            {
                if (host.LeaveNow)
                    return false;
                Act(episodes, first, Math.Min(Part, episodes.Active - first), explore);
            }
        }

        return true;
    }

    private void RequireSavable(NetworkDescription description, int bytesPerParameter)
    {
        long parameters = description.ParameterCount;
        stateBytes += bytesPerParameter * parameters;
        if (stateBytes > LargestState)
        {
            throw new BadConfigurationException(
                $"parameters.hiddenUnits, parameters.hiddenLayers: {settings.HiddenLayers} layers of {settings.HiddenUnits} units make a "
                + $"network of {parameters:N0} parameters, more than a checkpoint has room for; make it smaller");
        }
    }
}
