namespace Hem.Results.Reports;

/// <summary>
/// How long configurations trained: a ranking compares them at the end of their own training, which need not be the same amount.
/// </summary>
internal static class TrainingLength
{
    /// <summary>Iterations and trajectories of the longest finished trial; null without one.</summary>
    public static (long Iterations, long Trajectories)? Of(ConfigurationResult configuration)
    {
        var ends = configuration.Trials.Where(TaskResults.IsScored).Select(trial => trial.Points[^1]).ToArray();
        return ends.Length == 0 ? null : (ends.Max(end => end.Iteration), ends.Max(end => end.Trajectories));
    }

    /// <summary>
    /// "at equal iterations (40); trajectories differ: 200 to 800", or whichever of the two differs; null where neither does.
    /// </summary>
    public static string? Note(TaskResults task)
    {
        var lengths = task.Configurations.Select(Of).OfType<(long Iterations, long Trajectories)>().ToArray();
        if (lengths.Length < 2)
            return null;
        var (iterations, sameIterations) = Range(lengths.Select(length => length.Iterations));
        var (trajectories, sameTrajectories) = Range(lengths.Select(length => length.Trajectories));
        if (sameIterations && sameTrajectories)
            return null;
        var note = sameIterations ? $"at equal iterations ({iterations}); trajectories differ: {trajectories}"
            : sameTrajectories ? $"at equal trajectories ({trajectories}); iterations differ: {iterations}"
            : $"at the end of each one's own training: iterations differ, {iterations}, and trajectories too, {trajectories}";
        var stopped = task.Configurations.Any(configuration =>
            configuration.Trials.Any(trial => trial.StoppedEarly && TaskResults.IsScored(trial)));
        return stopped ? note + " (of the longest trial of each; some stopped early)" : note;
    }

    private static (string Text, bool Same) Range(IEnumerable<long> values)
    {
        var (least, most) = (values.Min(), values.Max());
        return least == most ? (Words.Number(least), true) : ($"{Words.Number(least)} to {Words.Number(most)}", false);
    }
}
