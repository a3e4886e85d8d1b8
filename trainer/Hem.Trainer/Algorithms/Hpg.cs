using Hem.Core.Sweeps;
using Hem.Trainer.Networks;
using Hem.Trainer.Replay;
using Hem.Trainer.Tasks;

namespace Hem.Trainer.Algorithms;

/// <summary>The parameters of HPG; names as in the sweep file.</summary>
internal sealed record HpgSettings : TrainingSettings
{
    /// <summary><see cref="Algorithms.Baseline.None"/> or <see cref="Algorithms.Baseline.Value"/>.</summary>
    public Baseline Baseline { get; init; }

    /// <summary>Of the value baseline.</summary>
    public double CriticLearningRate { get; init; } = 1e-3;

    public static HpgSettings From(ParameterSet parameters) => Read(
        new HpgSettings
        {
            Iterations = 0,
            Baseline = Baselines.Parse(parameters["baseline"].AsString()),
            CriticLearningRate = parameters.Find("criticLearningRate")?.AsDouble() ?? 1e-3,
        },
        parameters);
}

/// <summary>
/// HPG: hindsight policy gradients (Rauber et al. 2019), the weighted per-decision estimator, discrete actions, on-policy: each batch of n
/// episodes (M workers with N each) is used for one Adam step.
/// <para>
/// Episode i was collected for the goal g_i. Every active goal g, a state of the batch, is pursued with all episodes by importance
/// sampling; t counts actions from 1:
/// </para>
/// <code>
/// rho_{i,t}(g) = prod_{t' &lt;= t} pi(a_{i,t'} | s_{i,t'}, g) / pi(a_{i,t'} | s_{i,t'}, g_i),  0 once episode i is over; then + 1e-12
/// w_{i,t} = rho_{i,t} / sum_j rho_{j,t}                                                       no gradient goes through w
/// r_{i,t}(g) = T + 1 - t  at the first t whose action leads to g, else 0
/// A_{i,t} = sum_{t' &gt;= t} w_{i,t'} r_{i,t'}(g) - w_{i,t} b(s_{i,t}, g)
/// J_g = 1/n sum_i sum_t log pi(a_{i,t} | s_{i,t}, g) A_{i,t},    dJ_g/dphi_j = A_{i,t} (1[j = a] - pi_j) / n
/// </code>
/// <para>and the gradient is the sum of dJ_g over the active goals; pi is softmax(phi) + 1e-12.</para>
/// </summary>
/// <remarks>
/// Without a baseline A_{i,t} is w_{i,t*} (T + 1 - t*) up to the action t* with which episode i reaches g, and 0 afterwards and in all
/// episodes that do not. So only those rows are differentiated, and of the weights only those at some t* are needed: no state visited
/// later has to be evaluated for g, and none twice. That is the whole estimator, at a fraction of its cost.
/// </remarks>
internal sealed class HpgAlgorithm : TrainingLoop
{
    private const double Tiny = 1e-12;

    // Products of ratios stay finite, and so do their sums; the ratio of two probabilities alone may be 1e12.
    private const double Huge = 1e290;

    private readonly HpgSettings settings;
    private readonly IDiscreteTask task;
    private readonly TrainedNetwork policy;
    private readonly HpgValue? value;
    private readonly HindsightBatch batch;
    private readonly int outputs;

    private float[] probabilities = [];
    private double[] own = [];
    private double[] weights = [];
    private double[] sums = [];
    private readonly float[] rows;
    private readonly float[] picked;

    // Rows that wait for their gradient.
    private readonly float[] inputs;
    private readonly float[] slope;
    private readonly int[] actions;
    private readonly float[] advantages;
    private int waiting;
    private bool accumulate;

    /// <inheritdoc cref="HemAlgorithm(HemSettings, long, ITask, int, KernelWidth, int?)"/>
    public HpgAlgorithm(
        HpgSettings settings, long seed, IDiscreteTask task,
        int threads = 1, KernelWidth kernels = KernelWidth.Auto, int? rowsPerPart = null)
        : base(settings, seed, task, threads, kernels, collectAtOnce: settings.N)
    {
        (this.settings, this.task, outputs) = (settings, task, task.Actions);
        NetworkDescription description = Describe(outputs) with
        {
            Hidden = Activation.Tanh,
            Initialization = Initialization.TruncatedNormal,
            Deviation = 0.01,
        };
        policy = CreateTrained(description, number: 0, settings.LearningRate);
        Part = rowsPerPart ?? PartFor(task.Inputs, policy);
        if (settings.Baseline == Baseline.Value)
        {
            NetworkDescription critic = Describe(1, moreInputs: 1) with
            {
                Hidden = Activation.Tanh,
                Initialization = Initialization.TruncatedNormal,
                Deviation = 0.001,
            };
            value = new HpgValue(task, CreateTrained(critic, number: 1, settings.CriticLearningRate), Part);
        }

        batch = new HindsightBatch(task);
        rows = new float[checked(Part * task.Inputs)];
        picked = new float[checked(Part * outputs)];
        inputs = new float[checked(Part * task.Inputs)];
        slope = new float[checked(Part * outputs)];
        actions = new int[Part];
        advantages = new float[Part];
    }

    public override ReplayBuffer? Replay => null;

    /// <summary>Rows that went forward, and rows that went forward and back, in all updates: what the time goes to.</summary>
    public (long Forward, long Backward) RowsTaken { get; private set; }

    internal INetwork Policy => policy.Network;

    internal INetwork? Critic => value?.Network;

    internal TrajectoryStore Batch => Collected.Trajectories;

    protected override bool IsOnPolicy => true;

    /// <summary>a ~ pi(. | s, g); in a test argmax.</summary>
    protected override void Act(Episodes episodes, int first, int rows, bool explore)
    {
        ReadOnlySpan<float> logits = policy.Network.Forward(episodes.Encode(first, rows), rows);
        Span<float> p = picked.AsSpan(0, logits.Length);
        if (explore)
            VectorMath.Softmax(logits, outputs, p);
        for (int i = 0; i < rows; i++)
        {
            episodes.Act(
                first + i,
                explore ? Draws.Categorical(p.Slice(i * outputs, outputs), ref episodes.Random(first + i))
                    : Draws.Greedy(logits.Slice(i * outputs, outputs)));
        }
    }

    protected override void Store() => batch.Take(Collected.Trajectories, checked(settings.Workers * settings.N));

    /// <summary>One Adam step along the sum of dJ_g over the active goals; the loss is minus the sum of J_g.</summary>
    protected override double? Update(ITrainingHost host, int number)
    {
        if (Gradient(host) is not { } loss)
            return null;
        RequireFinite(loss);
        if (accumulate)
            policy.Adam.Step();
        value?.Step();
        return loss;
    }

    /// <summary>Leaves the gradient of minus the sum of J_g in the network; null: left midway.</summary>
    internal double? Gradient(ITrainingHost host)
    {
        (waiting, accumulate) = (0, false);
        int states = batch.States, steps = batch.Steps;
        Grow(ref own, steps);
        Grow(ref weights, steps);
        Grow(ref sums, task.Horizon + 1);
        Grow(ref probabilities, Math.Max(Part, states) * outputs);
        if (!OwnProbabilities(host) || value?.Learn(batch, host) == false)
            return null;

        double loss = 0;
        for (int goal = 0; goal < batch.Goals;)
        {
            // As many goals as fit into a part together, or one that takes several.
            int last = goal, count = 0;
            do
                count += batch.StatesFor(last++, everything: value is not null);
            while (last < batch.Goals && count + batch.StatesFor(last, value is not null) <= Part);
            if (!Probabilities(goal, last, host))
                return null;
            for (int row = 0; goal < last; goal++)
            {
                int needed = batch.StatesFor(goal, value is not null);
                if (needed > 0 && !AddGoal(goal, probabilities.AsSpan(row * outputs, needed * outputs), ref loss, host))
                    return null;
                row += needed;
            }
        }

        return Flush(ref loss, host) ? loss : null;
    }

    /// <summary>pi(a_t | s_t, g_i) + 1e-12 of every step for the goal for which it was taken.</summary>
    private bool OwnProbabilities(ITrainingHost host)
    {
        for (int first = 0; first < batch.Steps; first += Part)
        {
            if (host.LeaveNow)
                return false;
            int count = Math.Min(Part, batch.Steps - first);
            for (int i = 0; i < count; i++)
                task.Encode(batch.State(first + i), batch.OwnGoal(first + i), rows.AsSpan(i * task.Inputs, task.Inputs));
            Span<float> p = picked.AsSpan(0, count * outputs);
            VectorMath.Softmax(Forward(count), outputs, p);
            for (int i = 0; i < count; i++)
                own[first + i] = p[i * outputs + batch.Action(first + i)] + Tiny;
        }

        return true;
    }

    /// <summary>pi(. | s, g) of some goals, for each of the states that it needs.</summary>
    private bool Probabilities(int firstGoal, int endGoal, ITrainingHost host)
    {
        int count = 0, done = 0;
        for (int goal = firstGoal; goal < endGoal; goal++)
        {
            int needed = batch.StatesFor(goal, value is not null);
            for (int state = 0; state < needed; state++)
            {
                task.Encode(batch.DistinctState(state), batch.Goal(goal), rows.AsSpan(count * task.Inputs, task.Inputs));
                if (++count < Part && (goal + 1 < endGoal || state + 1 < needed))
                    continue;
                if (host.LeaveNow)
                    return false;
                VectorMath.Softmax(Forward(count), outputs, probabilities.AsSpan(done * outputs, count * outputs));
                (count, done) = (0, done + count);
            }
        }

        if (count == 0)
            return true;
        if (host.LeaveNow)
            return false;
        VectorMath.Softmax(Forward(count), outputs, probabilities.AsSpan(done * outputs, count * outputs));
        return true;
    }

    private ReadOnlySpan<float> Forward(int count)
    {
        RowsTaken = (RowsTaken.Forward + count, RowsTaken.Backward);
        return policy.Network.Forward(rows.AsSpan(0, count * task.Inputs), count);
    }

    /// <summary>Weights and advantages of one goal; the rows whose advantage is not 0 join those that wait.</summary>
    /// <param name="goal">Which.</param>
    /// <param name="p">pi(. | s, g) of each distinct state.</param>
    /// <param name="loss">What is added to the loss.</param>
    /// <param name="host">Asked whether to leave.</param>
    private bool AddGoal(int goal, ReadOnlySpan<float> p, ref double loss, ITrainingHost host)
    {
        int episodes = batch.Episodes, end = value is null ? batch.LastArrival(goal) : batch.Longest;
        sums.AsSpan(0, end + 1).Clear();
        for (int i = 0; i < episodes; i++)
        {
            double ratio = 1;
            int start = batch.Start(i), length = batch.Length(i);
            for (int t = 1; t <= end; t++)
            {
                if (t > length)
                {
                    sums[t] += Tiny;
                    continue;
                }

                int step = start + t - 1;
                ratio = Math.Min(ratio * ((p[batch.StateOf(step) * outputs + batch.Action(step)] + Tiny) / own[step]), Huge);
                weights[step] = ratio + Tiny;
                sums[t] += ratio + Tiny;
            }
        }

        ReadOnlySpan<float> baselines = value is null ? [] : value.Of(batch, goal, host);
        if (value is not null && baselines.IsEmpty)
            return false;

        // Without a baseline, the episodes that reach the goal; with one, all.
        ReadOnlySpan<(int Episode, int Arrival)> arrivals = batch.Arrivals(goal);
        for (int i = 0, next = 0; value is null ? next < arrivals.Length : i < episodes; i++)
        {
            bool arrives = next < arrivals.Length && (value is null || arrivals[next].Episode == i);
            int episode = arrives ? arrivals[next].Episode : i, arrival = arrives ? arrivals[next].Arrival : 0;
            next += arrives ? 1 : 0;
            int start = batch.Start(episode), steps = value is null ? arrival : batch.Length(episode);
            double gain = arrival == 0 ? 0 : weights[start + arrival - 1] / sums[arrival] * (task.Horizon + 1 - arrival);
            for (int t = 1; t <= steps; t++)
            {
                int step = start + t - 1;
                double advantage = t <= arrival ? gain : 0;
                if (value is not null)
                    advantage -= weights[step] / sums[t] * baselines[step];
                if (advantage == 0)
                    continue;

                task.Encode(batch.State(step), batch.Goal(goal), inputs.AsSpan(waiting * task.Inputs, task.Inputs));
                actions[waiting] = batch.Action(step);
                advantages[waiting] = (float)(advantage / episodes);
                if (++waiting == Part && !Flush(ref loss, host))
                    return false;
            }
        }

        return true;
    }

    /// <summary>Back-propagates the rows that wait: of minus J_g, A (pi_j - 1[j = a]) / n each.</summary>
    private bool Flush(ref double loss, ITrainingHost host)
    {
        if (waiting == 0)
            return true;
        if (host.LeaveNow)
            return false;
        RowsTaken = (RowsTaken.Forward, RowsTaken.Backward + waiting);
        Span<float> gradient = slope.AsSpan(0, waiting * outputs);
        ReadOnlySpan<float> logits = policy.Network.Forward(inputs.AsSpan(0, waiting * task.Inputs), waiting);
        Losses.PolicyGradient(logits, actions.AsSpan(0, waiting), advantages, gradient, ref loss);
        policy.Network.Backward(gradient, waiting, accumulate: accumulate);
        (waiting, accumulate) = (0, true);
        return true;
    }

    private static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
            array = new T[Math.Max(length, 2 * array.Length)];
    }
}
