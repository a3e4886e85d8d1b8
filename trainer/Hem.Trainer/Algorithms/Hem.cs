using System.Runtime.InteropServices;
using Hem.Trainer.Checkpoints;
using Hem.Trainer.Networks;
using Hem.Trainer.Replay;
using Hem.Trainer.Tasks;
using Hem.Trainer.Trials;

namespace Hem.Trainer.Algorithms;

/// <summary>The parameters of hEM; names as in the sweep file.</summary>
internal sealed record HemSettings
{
    public required int Iterations { get; init; }
    public int Workers { get; init; } = 30;
    public int N { get; init; } = 20;
    public int BatchSize { get; init; } = 64;
    public int Updates { get; init; } = 40;
    public int BufferTrajectories { get; init; } = 20_000;
    public double LearningRate { get; init; } = 1e-3;
    public int HiddenLayers { get; init; } = 5;
    public int HiddenUnits { get; init; } = 256;
    public double Epsilon { get; init; } = 0.2;
    public double Relabel { get; init; } = 1;
    public bool StopOnSuccess { get; init; } = true;
    public int EvaluateEvery { get; init; } = 1;
    public int EvaluationEpisodes { get; init; } = 200;
    public StopAt? StopAt { get; init; }
}

/// <summary>
/// hEM: goal-conditioned RL by hindsight expectation maximisation (Tang and Kucukelbir 2021), discrete actions.
/// <para>
/// Success is an optimality variable O with p(O=1 | tau, g) = R(tau, g). For any q(tau, g),
/// log p(O=1) >= E_q[log p(O=1 | tau, g)] - KL(q || p(g) p_theta(tau | g)).
/// The E-step takes for q the hindsight distribution: trajectories of the policy itself, each pair relabelled with a goal that the
/// trajectory went on to achieve, so that R = 1 in every sample. The M-step maximises what depends on theta, E_q[sum_t log pi_theta(a_t
/// | s_t, g)]: supervised learning. No rewards, no critic, no target network, no importance weights.
/// </para>
/// </summary>
/// <remarks>
/// M logical workers, each with its own random stream and its own part of the replay; what they do is computed together. The course
/// is the same to the last bit whatever the number of threads and the width of the vectors.
/// </remarks>
internal sealed class HemAlgorithm : IAlgorithm
{
    // A step of training takes its rows in parts, so that one at any batch size can be left, and needs the memory of a part only. A part
    // takes well under a second: at most so many rows, and so many products of a row and a parameter.
    private const int LargestPart = 4096;
    private const int SmallestPart = 48;
    private const long ProductsPerPart = 1L << 30;

    private readonly HemSettings settings;
    private readonly long seed;
    private readonly IDiscreteTask task;
    private readonly INetwork policy;
    private readonly Adam adam;
    private readonly ReplayBuffer replay;
    private readonly Episodes collected;
    private readonly Episodes tested;
    private readonly RandomStream[] workers;
    private readonly RandomStream[] workersBefore;
    private readonly int batch;
    private readonly int part;
    private readonly float[] probabilities;
    private readonly float[] inputs;
    private readonly int[] actions;
    private readonly float[] gradient;

    // Where training stands: everything below, the parameters, Adam, the workers' streams and the replay make a checkpoint.
    private Stage stage = Stage.Evaluate;
    private int update;
    private long trajectories, environmentSteps, updates;
    private double lossSum;
    private long lossCount;
    private int evaluationsReached;

    /// <param name="settings">The parameters.</param>
    /// <param name="seed">The trial's seed.</param>
    /// <param name="task">The task.</param>
    /// <param name="threads">Threads of the network.</param>
    /// <param name="kernels">Vector width of the network.</param>
    /// <param name="rowsPerPart">Rows of a batch computed at once; changes nothing but time and memory.</param>
    public HemAlgorithm(
        HemSettings settings, long seed, IDiscreteTask task,
        int threads = 1, KernelWidth kernels = KernelWidth.Auto, int? rowsPerPart = null)
    {
        (this.settings, this.seed, this.task) = (settings, seed, task);
        int[] hidden = [.. Enumerable.Repeat(settings.HiddenUnits, settings.HiddenLayers)];
        var description = new NetworkDescription(task.Inputs, hidden, task.Actions, Initialization.HeUniform);
        policy = ManagedBackend.Create(description, new RandomStream(seed, RandomPurpose.Initialization).AsRandom(), threads, kernels);
        adam = new Adam(policy, settings.LearningRate);

        workers = [.. Enumerable.Range(0, settings.Workers).Select(worker => RandomStream.OfWorker(seed, worker))];
        workersBefore = new RandomStream[workers.Length];
        replay = new ReplayBuffer(TrajectoryLayout.Of(task), settings.Workers, settings.BufferTrajectories);
        collected = new Episodes(task, checked(settings.Workers * settings.N));
        tested = new Episodes(task, settings.EvaluationEpisodes);

        batch = checked(settings.Workers * settings.BatchSize);
        part = rowsPerPart ?? (int)Math.Clamp(ProductsPerPart / policy.Parameters.Length, SmallestPart, LargestPart);
        int rows = Math.Min(batch, part);
        inputs = new float[checked(rows * task.Inputs)];
        actions = new int[rows];
        gradient = new float[checked(rows * task.Actions)];
        probabilities = new float[checked(Math.Min(part, settings.Workers * settings.N) * task.Actions)];
    }

    private enum Stage
    {
        Evaluate,
        Collect,
        Update,
    }

    public long Iteration { get; private set; }

    public bool StoppedEarly { get; private set; }

    public ReplayBuffer Replay => replay;

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
                if (!host.Continue() || !Collect(host))
                    return false;
                (stage, update) = (Stage.Update, 0);
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

    /// <summary>
    /// Every worker runs N episodes, each for a goal g ~ p(g), with the current policy: a ~ pi_theta(. | s, g), but uniform over all
    /// actions with probability epsilon. All M N environments take a step at once; the policy is evaluated once for those still active.
    /// </summary>
    private bool Collect(ITrainingHost host)
    {
        workers.CopyTo(workersBefore, 0);
        collected.Clear(settings.StopOnSuccess);
        for (int worker = 0; worker < settings.Workers; worker++)
        {
            for (int i = 0; i < settings.N; i++)
                collected.Add(workers[worker].Fork());
        }

        collected.Start();

        while (collected.Active > 0)
        {
            for (int first = 0; first < collected.Active; first += part)
            {
                if (host.LeaveNow)
                {
                    workersBefore.CopyTo(workers, 0);
                    return false;
                }

                int rows = Math.Min(part, collected.Active - first);
                Span<float> p = probabilities.AsSpan(0, rows * task.Actions);
                VectorMath.Softmax(policy.Forward(collected.Encode(first, rows), rows), task.Actions, p);
                for (int i = 0; i < rows; i++)
                {
                    ref RandomStream random = ref collected.Random(first + i);
                    bool explore = random.NextDouble() < settings.Epsilon;
                    collected.Act(
                        first + i, explore ? random.Below(task.Actions) : Categorical(p.Slice(i * task.Actions, task.Actions), ref random));
                }
            }

            collected.Advance();
        }

        replay.Add(collected.Trajectories, settings.N);
        trajectories += (long)settings.Workers * settings.N;
        environmentSteps += collected.Steps;
        return true;
    }

    /// <summary>
    /// E-step: every worker draws B triples (s_t, a_t, g) from the hindsight distribution: a trajectory uniformly from its replay,
    /// t uniform in 0..L-1, and g = phi(s_t') with t' uniform in t+1..L ("future"). Here so many rows of the batch from one on.
    /// </summary>
    private void Relabel(int first, int rows)
    {
        Span<byte> goal = stackalloc byte[task.GoalBytes];
        for (int row = 0; row < rows; row++)
        {
            int worker = (first + row) / settings.BatchSize;
            ref RandomStream random = ref workers[worker];
            Trajectory trajectory = replay.Draw(worker, ref random);
            int t = random.Below(trajectory.Length);
            if (settings.Relabel >= 1 || random.NextDouble() < settings.Relabel)
                task.AchievedGoal(trajectory.State(t + 1 + random.Below(trajectory.Length - t)), goal);
            else
                trajectory.Goal.CopyTo(goal);
            task.Encode(trajectory.State(t), goal, inputs.AsSpan(row * task.Inputs, task.Inputs));
            actions[row] = trajectory.Action(t)[0];
        }
    }

    /// <summary>
    /// M-step, one Adam step on the mean over the M B samples of
    /// <code>
    /// l = -log softmax(phi)_a,    dl/dphi_j = softmax(phi)_j - 1[j = a]
    /// </code>
    /// where phi = phi_theta(s, g) are the policy's logits. The mean over all samples is the mean of the workers' gradients.
    /// </summary>
    private bool Update(ITrainingHost host)
    {
        workers.CopyTo(workersBefore, 0);
        double loss = 0;
        for (int first = 0; first < batch; first += part)
        {
            if (host.LeaveNow)
            {
                workersBefore.CopyTo(workers, 0);
                return false;
            }

            int rows = Math.Min(part, batch - first);
            Relabel(first, rows);
            ReadOnlySpan<float> logits = policy.Forward(inputs.AsSpan(0, rows * task.Inputs), rows);
            Span<float> slope = gradient.AsSpan(0, rows * task.Actions);
            loss += VectorMath.SoftmaxCrossEntropy(logits, actions.AsSpan(0, rows), slope, batch);
            policy.Backward(slope, rows, accumulate: first > 0);
        }

        if (!double.IsFinite(loss))
        {
            throw new BadConfigurationException(
                $"the loss is not finite after update {updates}: lower parameters.learningRate ({settings.LearningRate})");
        }

        adam.Step();
        updates++;
        lossSum += loss;
        lossCount++;
        return true;
    }

    /// <summary>
    /// The success rate of the greedy policy over test episodes, g ~ p(g): success at any step counts. The stream is that of
    /// (seed, iteration) alone, so evaluating does not disturb training. Where the task is deterministic, an episode that comes back to a
    /// state would go round until T: it has failed and is left.
    /// </summary>
    private bool Evaluate(ITrainingHost host)
    {
        var random = new RandomStream(seed, RandomPurpose.Evaluation, Iteration);
        tested.Clear(stopOnSuccess: true, stopOnReturn: task.IsDeterministic);
        for (int i = 0; i < settings.EvaluationEpisodes; i++)
            tested.Add(random.Fork());
        tested.Start();

        while (tested.Active > 0)
        {
            for (int first = 0; first < tested.Active; first += part)
            {
                if (host.LeaveNow)
                    return false;

                int rows = Math.Min(part, tested.Active - first);
                ReadOnlySpan<float> logits = policy.Forward(tested.Encode(first, rows), rows);
                for (int i = 0; i < rows; i++)
                    tested.Act(first + i, Greedy(logits.Slice(i * task.Actions, task.Actions)));
            }

            tested.Advance();
        }

        double successRate = (double)tested.Successes / settings.EvaluationEpisodes;
        double loss = lossCount > 0 ? lossSum / lossCount : double.NaN;
        (lossSum, lossCount) = (0, 0);
        if (settings.StopAt is { } stopAt)
        {
            evaluationsReached = successRate >= stopAt.SuccessRate ? evaluationsReached + 1 : 0;
            StoppedEarly = evaluationsReached >= stopAt.Evaluations && Iteration < settings.Iterations;
        }

        host.Evaluated(new Evaluation(Iteration, trajectories, environmentSteps, updates, successRate, loss));
        return true;
    }

    private static int Categorical(ReadOnlySpan<float> probabilities, ref RandomStream random)
    {
        float left = random.NextSingle();
        int last = 0;
        for (int j = 0; j < probabilities.Length; j++)
        {
            left -= probabilities[j];
            if (left < 0)
                return j;
            last = probabilities[j] > 0 ? j : last;
        }

        return last;
    }

    /// <summary>argmax; among equals the first.</summary>
    private static int Greedy(ReadOnlySpan<float> logits)
    {
        int best = 0;
        for (int j = 1; j < logits.Length; j++)
            best = logits[j] > logits[best] ? j : best;
        return best;
    }

    public void Save(BinaryWriter writer)
    {
        writer.Write((int)stage);
        writer.Write(update);
        writer.Write(Iteration);
        writer.Write(StoppedEarly);
        writer.Write(trajectories);
        writer.Write(environmentSteps);
        writer.Write(updates);
        writer.Write(lossSum);
        writer.Write(lossCount);
        writer.Write(evaluationsReached);
        writer.Write(replay.AddedPerWorker);
        writer.Write(workers.Length);
        writer.Write(MemoryMarshal.AsBytes(workers.AsSpan()));
        writer.Write(policy.Parameters.Length);
        writer.Write(MemoryMarshal.AsBytes(policy.Parameters));
        writer.Write(MemoryMarshal.AsBytes(adam.FirstMoments));
        writer.Write(MemoryMarshal.AsBytes(adam.SecondMoments));
        writer.Write(adam.Steps);
    }

    public void Load(BinaryReader reader)
    {
        // Nothing is assigned before all of it is known to fit: what goes on after a refusal must not be a mixture.
        var (newStage, newUpdate, newIteration, early) =
            ((Stage)reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt64(), reader.ReadBoolean());
        var (newTrajectories, newSteps, newUpdates) = (reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64());
        var (newLossSum, newLossCount, reached, added) =
            (reader.ReadDouble(), reader.ReadInt64(), reader.ReadInt32(), reader.ReadInt64());
        if (reader.ReadInt32() != workers.Length)
            throw new UnusableCheckpointException("it has another number of workers");
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(workersBefore.AsSpan()));
        if (reader.ReadInt32() != policy.Parameters.Length)
            throw new UnusableCheckpointException("its network has another shape");
        if (reader.BaseStream.Length - reader.BaseStream.Position != 3L * sizeof(float) * policy.Parameters.Length + sizeof(long))
            throw new UnusableCheckpointException("its state has another length");

        (stage, update, Iteration, StoppedEarly) = (newStage, newUpdate, newIteration, early);
        (trajectories, environmentSteps, updates) = (newTrajectories, newSteps, newUpdates);
        (lossSum, lossCount, evaluationsReached) = (newLossSum, newLossCount, reached);
        replay.Restored(added);
        workersBefore.CopyTo(workers, 0);
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(policy.Parameters));
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(adam.FirstMoments));
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(adam.SecondMoments));
        adam.Steps = reader.ReadInt64();
    }

    public void Dispose()
    {
        policy.Dispose();
        replay.Dispose();
        collected.Dispose();
        tested.Dispose();
    }
}
