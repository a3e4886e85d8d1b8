
namespace Hem.Trainer.Theory;

/// <summary>A small deterministic problem with a finite number of states, for Theorem 3.</summary>
/// <param name="Name">For people.</param>
/// <param name="Actions">Actions 0..Actions-1 in every state.</param>
/// <param name="Horizon">T.</param>
/// <param name="Starts">States, each as likely as another.</param>
/// <param name="Goals">The states that are goals, each as likely as another.</param>
/// <param name="Successors">Where action a leads from state s: [s * Actions + a].</param>
internal sealed record TabularProblem(string Name, int Actions, int Horizon, int[] Starts, int[] Goals, int[] Successors)
{
    public int States => Successors.Length / Actions;

    /// <summary>The one-step problem of Theorems 1 and 2: state 0, and a state 1 + a for the outcome of action a.</summary>
    public static TabularProblem OneStep(int k) => new(
        $"one-step-{k}", k, 1, [0], [.. Enumerable.Range(1, k)],
        [.. Enumerable.Range(0, (k + 1) * k).Select(i => 1 + i % k)]);

    /// <summary>Flip bit of few bits.</summary>
    public static TabularProblem FlipBit(int bits, int? horizon = null)
    {
        int[] states = [.. Enumerable.Range(0, 1 << bits)];
        return new TabularProblem(
            $"flipbit-{bits}", bits, horizon ?? bits, states, states,
            [.. states.SelectMany(state => Enumerable.Range(0, bits).Select(bit => state ^ (1 << bit)))]);
    }

    /// <summary>Four rooms without slips.</summary>
    public static TabularProblem FourRooms() => new(
        "fourrooms without slips", 4, 31, [.. Tasks.FourRooms.Starts.ToArray()], [.. Tasks.FourRooms.Goals.ToArray()],
        [.. Enumerable.Range(0, 4 * Tasks.FourRooms.Cells).Select(i => Tasks.FourRooms.Move(i / 4, i % 4))]);
}

/// <summary>
/// Theorem 3 (paper, B.4) on a tabular problem: hindsight data of a few trajectories, the M-step to its optimum, and what the policy
/// then reaches against the share of goals that the data cover, J >= |supp p~| / |G|.
/// </summary>
internal sealed class TabularHindsight(TabularProblem problem)
{
    // The weight of (goal, state, action) in the hindsight distribution: [(goal * States + state) * Actions + action].
    private readonly double[] weights = new double[problem.Goals.Length * problem.States * problem.Actions];
    private readonly bool[] covered = new bool[problem.Goals.Length];
    private readonly int[] goalOf = MakeGoalOf(problem);
    private readonly int[] states = new int[problem.Horizon + 1];
    private readonly int[] actions = new int[problem.Horizon];

    /// <summary>Distinct goals in the data.</summary>
    public int Covered => covered.AsSpan().Count(true);

    /// <summary>|supp p~| / |G|.</summary>
    public double Coverage => (double)Covered / problem.Goals.Length;

    public void Clear()
    {
        weights.AsSpan().Clear();
        covered.AsSpan().Clear();
    }

    /// <summary>
    /// Adds a trajectory s_0 a_0 s_1 ... s_L: (s_t, a_t) with the goal s_t', t uniform in 0..L-1 and t' uniform in t+1..L, the
    /// E-step's distribution; a state that is no goal is left out.
    /// </summary>
    public void Add(ReadOnlySpan<int> visited, ReadOnlySpan<int> taken)
    {
        int length = taken.Length;
        for (int t = 0; t < length; t++)
        {
            for (int later = t + 1; later <= length; later++)
            {
                if (goalOf[visited[later]] is var goal && goal < 0)
                    continue;
                covered[goal] = true;
                weights[(goal * problem.States + visited[t]) * problem.Actions + taken[t]] += 1.0 / (length * (length - t));
            }
        }
    }

    /// <summary>Adds so many trajectories of the uniform policy, each for a goal g ~ p(g) at which it ends.</summary>
    public void Collect(int trajectories, ref RandomStream random)
    {
        for (int i = 0; i < trajectories; i++)
        {
            int goal = problem.Goals[random.Below(problem.Goals.Length)], length = 0;
            states[0] = problem.Starts[random.Below(problem.Starts.Length)];
            do
            {
                actions[length] = random.Below(problem.Actions);
                states[length + 1] = problem.Successors[states[length] * problem.Actions + actions[length]];
                length++;
            }
            while (length < problem.Horizon && states[length] != goal);
            Add(states.AsSpan(0, length + 1), actions.AsSpan(0, length));
        }
    }

    /// <summary>
    /// J after the M-step: pi(a | s, g) is the share of a in the data of (s, g), and uniform where there are none. By dynamic
    /// programming, so exact: v_h(s) = sum_a pi(a | s, g) (s' = g ? 1 : v_{h-1}(s')).
    /// </summary>
    /// <param name="smallest">The least success among the covered goals: 1 is what the theorem's proof takes for granted.</param>
    public double Success(out double smallest)
    {
        double total = 0;
        smallest = 1;
        double[] value = new double[problem.States], before = new double[problem.States];
        double[] policy = new double[problem.States * problem.Actions];
        for (int goal = 0; goal < problem.Goals.Length; goal++)
        {
            MStep(goal, policy);
            value.AsSpan().Clear();
            for (int h = 0; h < problem.Horizon; h++)
            {
                (value, before) = (before, value);
                for (int state = 0; state < problem.States; state++)
                {
                    double sum = 0;
                    for (int a = 0, i = state * problem.Actions; a < problem.Actions; a++, i++)
                    {
                        int next = problem.Successors[i];
                        sum += policy[i] * (next == problem.Goals[goal] ? 1 : before[next]);
                    }

                    value[state] = sum;
                }
            }

            double success = problem.Starts.Average(start => value[start]);
            smallest = covered[goal] ? Math.Min(smallest, success) : smallest;
            total += success;
        }

        return total / problem.Goals.Length;
    }

    private void MStep(int goal, double[] policy)
    {
        for (int state = 0; state < problem.States; state++)
        {
            Span<double> row = policy.AsSpan(state * problem.Actions, problem.Actions);
            ReadOnlySpan<double> data = weights.AsSpan((goal * problem.States + state) * problem.Actions, problem.Actions);
            double sum = 0;
            foreach (double weight in data)
                sum += weight;
            for (int a = 0; a < row.Length; a++)
                row[a] = sum > 0 ? data[a] / sum : 1.0 / problem.Actions;
        }
    }

    private static int[] MakeGoalOf(TabularProblem problem)
    {
        int[] goalOf = new int[problem.States];
        Array.Fill(goalOf, -1);
        for (int goal = 0; goal < problem.Goals.Length; goal++)
            goalOf[problem.Goals[goal]] = goal;
        return goalOf;
    }
}
