using System.Globalization;

namespace Hem.Results.Reports;

/// <summary>
/// All evaluation points as RFC 4180: one row each, by trial and iteration, superseded and unfinished trials included (columns
/// <c>superseded</c> and <c>state</c> tell). Numbers are written so that reading them back gives the same bits; a loss that is not
/// there or not a number is empty, one that overflowed is <c>inf</c> or <c>-inf</c>, as numpy and pandas read them.
/// </summary>
internal static class PointsCsv
{
    private static readonly string[] Before = ["sweep", "configuration", "trial", "seed", "state", "superseded"];

    private static readonly string[] After =
        ["iteration", "trajectories", "env_steps", "updates", "success_rate", "loss", "goal_coverage", "wall_seconds"];

    /// <summary>Task, algorithm, and every parameter that varies anywhere in the sweep.</summary>
    public static IReadOnlyList<string> Parameters(ReportData data)
    {
        string[] always = data.Configurations.Any(configuration => configuration.Parameters.ContainsKey("task"))
            ? ["task", "algorithm"] : ["algorithm"];
        return [.. always.Union(TaskResults.VaryingParameters(data.Configurations, data.ParametersSet))];
    }

    public static void Write(ReportData data, TextWriter writer)
    {
        writer.NewLine = "\r\n";
        var parameters = Parameters(data);
        writer.WriteLine(string.Join(',', Before.Concat(parameters).Concat(After).Select(Field)));
        foreach (var configuration in data.Configurations)
        {
            var values = string.Concat(parameters.Select(name => "," + Field(configuration.Parameters.GetValueOrDefault(name, ""))));
            foreach (var trial in configuration.Trials)
            {
                var superseded = configuration.Superseded || trial.Superseded ? "true" : "false";
                var head = string.Create(CultureInfo.InvariantCulture,
                    $"{Field(data.Sweep)},{Field(configuration.Id)},{Field(trial.Name)},"
                        + $"{trial.Seed},{State(trial.State)},{superseded}{values}");
                foreach (var point in trial.Points)
                {
                    writer.Write(head);
                    writer.Write(string.Create(CultureInfo.InvariantCulture,
                        $",{point.Iteration},{point.Trajectories},{point.EnvSteps},{point.Updates},{Number(point.SuccessRate)},"));
                    writer.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"{Number(point.Loss)},{Number(point.GoalCoverage ?? double.NaN)},{Number(point.WallSeconds)}"));
                }
            }
        }
    }

    public static string State(ReportTrialState state) => state switch
    {
        ReportTrialState.Complete => "complete",
        ReportTrialState.Running => "running",
        ReportTrialState.Failed => "failed",
        _ => "waiting",
    };

    private static string Number(double value) => double.IsFinite(value) ? value.ToString("R", CultureInfo.InvariantCulture)
        : double.IsNaN(value) ? "" : value > 0 ? "inf" : "-inf";

    private static string Field(string text) =>
        text.AsSpan().IndexOfAny(",\"\r\n") >= 0 ? $"\"{text.Replace("\"", "\"\"")}\"" : text;
}
