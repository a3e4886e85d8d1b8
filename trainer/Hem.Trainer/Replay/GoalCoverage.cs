using Hem.Trainer.Tasks;

namespace Hem.Trainer.Replay;

/// <summary>
/// Counts the distinct goals that trajectories achieve after an action: the support of their hindsight distribution, of which Theorem 3
/// of the hEM paper says that it bounds what is learned from them.
/// </summary>
/// <param name="task">The task.</param>
/// <param name="states">States at once at most, as far as is known.</param>
internal sealed class GoalCoverage(ITask task, long states)
{
    private const int MostAtFirst = 1 << 16;

    private readonly HashSet<UInt128> seen = new((int)Math.Min(states, MostAtFirst));

    /// <summary>|{phi(s_t): t in 1..L}| over the trajectories that were added, points by their <see cref="GoalCells"/>.</summary>
    public int Count => seen.Count;

    public void Clear() => seen.Clear();

    public void Add(Trajectory trajectory)
    {
        for (int t = 1; t <= trajectory.Length; t++)
            seen.Add(task.AchievedCell(trajectory.State(t)));
    }
}
