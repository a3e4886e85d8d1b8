using System.Runtime.CompilerServices;
using Hem.Trainer.Tasks;

namespace Hem.Trainer.Replay;

/// <summary>Hindsight goals by the strategy "future" (Andrychowicz et al. 2017, section 4.5).</summary>
internal static class Hindsight
{
    /// <summary>
    /// Draws a time t uniform in 0..L-1 and the goal for it: with probability <paramref name="relabel"/> the goal phi(s_t') that the
    /// trajectory achieved at a time t' uniform in t+1..L, else the one that it was collected for.
    /// </summary>
    /// <returns>t.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Relabel(ITask task, Trajectory trajectory, double relabel, ref RandomStream random, Span<byte> goal)
    {
        int t = random.Below(trajectory.Length);
        if (relabel >= 1 || random.NextDouble() < relabel)
            task.AchievedGoal(trajectory.State(t + 1 + random.Below(trajectory.Length - t)), goal);
        else
            trajectory.Goal.CopyTo(goal);
        return t;
    }
}
