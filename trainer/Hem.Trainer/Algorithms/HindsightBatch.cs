using Hem.Trainer.Replay;
using Hem.Trainer.Tasks;

namespace Hem.Trainer.Algorithms;

/// <summary>
/// A batch of whole episodes of a discrete task as HPG sees it: its steps in one row, its distinct states, and every goal that some
/// state of it achieves, with the episodes that arrive there. Steps are numbered episode by episode; states and goals in the order of
/// the time at which they first occur, so what is needed up to a time is a prefix.
/// </summary>
internal sealed class HindsightBatch
{
    private readonly IDiscreteTask task;
    private readonly Dictionary<UInt128, int> stateNumbers = [];
    private readonly Dictionary<UInt128, int> goalNumbers = [];
    private readonly List<(int Episode, int Time)> firstOfState = [];
    private readonly List<int> statesBefore = [];
    private readonly List<(int Episode, int Time)> firstOfGoal = [];
    private readonly List<(int Goal, int Episode, int Arrival)> found = [];
    private readonly List<int> starts = [];
    private readonly List<int> lastEpisode = [];
    private TrajectoryStore store = null!;
    private int[] stateOf = [];
    private int[] episodeOf = [];
    private int[] goalStarts = [];
    private int[] lastArrivals = [];
    private (int Episode, int Arrival)[] arrivals = [];
    private byte[] goals = [];

    public HindsightBatch(IDiscreteTask task)
    {
        // What tells states apart is a key of 16 bytes: flip bit has up to 128 bits.
        if (task.StateBytes > 16 || task.GoalBytes > 16)
            throw new NotSupportedException($"{task.Name}: HPG takes states and goals of at most 16 bytes");
        this.task = task;
    }

    public int Episodes { get; private set; }

    /// <summary>Actions in all episodes.</summary>
    public int Steps { get; private set; }

    /// <summary>Distinct states in which an action was taken.</summary>
    public int States => firstOfState.Count;

    /// <summary>Distinct goals that a state of the batch achieves, those of the initial states included.</summary>
    public int Goals => firstOfGoal.Count;

    /// <summary>Actions of the longest episode.</summary>
    public int Longest { get; private set; }

    /// <summary>The first step of an episode.</summary>
    public int Start(int episode) => starts[episode];

    public int Length(int episode) => store[episode].Length;

    public int EpisodeOf(int step) => episodeOf[step];

    /// <summary>The time of a step within its episode, from 1.</summary>
    public int TimeOf(int step) => step - starts[episodeOf[step]] + 1;

    public ReadOnlySpan<byte> State(int step) => store[episodeOf[step]].State(TimeOf(step) - 1);

    public int Action(int step) => store[episodeOf[step]].Action(TimeOf(step) - 1)[0];

    /// <summary>The goal for which the step's episode was collected.</summary>
    public ReadOnlySpan<byte> OwnGoal(int step) => store[episodeOf[step]].Goal;

    /// <summary>The number of a step's state.</summary>
    public int StateOf(int step) => stateOf[step];

    public ReadOnlySpan<byte> DistinctState(int state) => store[firstOfState[state].Episode].State(firstOfState[state].Time);

    public ReadOnlySpan<byte> Goal(int goal) => goals.AsSpan(goal * task.GoalBytes, task.GoalBytes);

    /// <summary>The episodes that reach a goal, in their order, each with the first action (from 1) that leads there.</summary>
    public ReadOnlySpan<(int Episode, int Arrival)> Arrivals(int goal) =>
        arrivals.AsSpan(goalStarts[goal], goalStarts[goal + 1] - goalStarts[goal]);

    /// <summary>The latest of the <see cref="Arrivals"/>; 0: none.</summary>
    public int LastArrival(int goal) => lastArrivals[goal];

    /// <summary>How many of the distinct states occur before the last arrival at a goal; all of them, where everything counts.</summary>
    public int StatesFor(int goal, bool everything) => everything ? States : statesBefore[LastArrival(goal)];

    /// <summary>The first action (from 1) that takes an episode to the goal for which it was collected; 0: none.</summary>
    public int ArrivalAtOwnGoal(int episode)
    {
        if (!goalNumbers.TryGetValue(GoalCells.OfBytes(store[episode].Goal), out int goal))
            return 0;
        foreach ((int of, int arrival) in Arrivals(goal))
        {
            if (of == episode)
                return arrival;
        }

        return 0;
    }

    /// <summary>Looks at so many episodes, which stay where they are.</summary>
    public void Take(TrajectoryStore episodes, int count)
    {
        (store, Episodes, Steps, Longest) = (episodes, count, 0, 0);
        starts.Clear();
        for (int i = 0; i < count; i++)
        {
            starts.Add(Steps);
            Steps += store[i].Length;
            Longest = Math.Max(Longest, store[i].Length);
        }

        if (stateOf.Length < Steps)
            (stateOf, episodeOf) = (new int[2 * Steps], new int[2 * Steps]);
        for (int i = 0; i < count; i++)
            episodeOf.AsSpan(starts[i], store[i].Length).Fill(i);
        NumberStates();
        FindArrivals();
    }

    /// <summary>Time by time, so that the states that occur before a time are the first so many.</summary>
    private void NumberStates()
    {
        stateNumbers.Clear();
        firstOfState.Clear();
        statesBefore.Clear();
        goalNumbers.Clear();
        firstOfGoal.Clear();
        Span<byte> goal = stackalloc byte[task.GoalBytes];
        for (int time = 0; time <= Longest; time++)
        {
            statesBefore.Add(firstOfState.Count);
            for (int i = 0; i < Episodes; i++)
            {
                Trajectory trajectory = store[i];
                if (time > trajectory.Length)
                    continue;
                ReadOnlySpan<byte> state = trajectory.State(time);
                task.AchievedGoal(state, goal);
                if (goalNumbers.TryAdd(GoalCells.OfBytes(goal), firstOfGoal.Count))
                    firstOfGoal.Add((i, time));
                if (time == trajectory.Length)
                    continue;
                if (stateNumbers.TryAdd(GoalCells.OfBytes(state), firstOfState.Count))
                    firstOfState.Add((i, time));
                stateOf[starts[i] + time] = stateNumbers[GoalCells.OfBytes(state)];
            }
        }
    }

    private void FindArrivals()
    {
        int count = firstOfGoal.Count;
        if (goalStarts.Length <= count)
            (goalStarts, lastArrivals, goals) = (new int[2 * count + 1], new int[2 * count], new byte[2 * count * task.GoalBytes]);
        for (int goal = 0; goal < count; goal++)
            task.AchievedGoal(store[firstOfGoal[goal].Episode].State(firstOfGoal[goal].Time), goals.AsSpan(goal * task.GoalBytes));

        found.Clear();
        lastEpisode.Clear();
        for (int goal = 0; goal < count; goal++)
            lastEpisode.Add(-1);
        goalStarts.AsSpan(0, count + 1).Clear();
        lastArrivals.AsSpan(0, count).Clear();
        Span<byte> achieved = stackalloc byte[task.GoalBytes];
        for (int i = 0; i < Episodes; i++)
        {
            Trajectory trajectory = store[i];
            for (int t = 1; t <= trajectory.Length; t++)
            {
                task.AchievedGoal(trajectory.State(t), achieved);
                int goal = goalNumbers[GoalCells.OfBytes(achieved)];
                if (lastEpisode[goal] == i)
                    continue;
                lastEpisode[goal] = i;
                found.Add((goal, i, t));
                goalStarts[goal + 1]++;
                lastArrivals[goal] = Math.Max(lastArrivals[goal], t);
            }
        }

        // By goal, and in the order of the episodes within it.
        if (arrivals.Length < found.Count)
            arrivals = new (int Episode, int Arrival)[2 * found.Count];
        for (int goal = 0; goal < count; goal++)
        {
            goalStarts[goal + 1] += goalStarts[goal];
            lastEpisode[goal] = goalStarts[goal];
        }

        foreach ((int goal, int episode, int arrival) in found)
            arrivals[lastEpisode[goal]++] = (episode, arrival);
    }
}
