using Hem.Core.Planning;
using Hem.Core.Sweeps;
using Hem.Operator.Api;
using Hem.Operator.Metrics;

namespace Operator.Tests.Hosting;

/// <summary>Sweeps with many running trials, as the reconcilers tell the metrics of them.</summary>
internal static class ManyTrials
{
    /// <param name="number">Which sweep.</param>
    /// <param name="trials">How many trials run.</param>
    /// <param name="trialSeries">How many of them have series of their own.</param>
    public static SweepView Sweep(int number, int trials, int trialSeries) => new("many", $"fetch-push-images-{number}",
        new SweepStatus(SweepState.Progressing, new TrialCounts(trials, 0, 0, trials, 0, 0, 0, 0, 0, 0),
            new SweepUsage(TimeSpan.FromSeconds(123456.789), TimeSpan.FromSeconds(98765.4321)), []),
        new BestConfiguration { Configuration = "algorithm=her N=20 learningRate=0.001", Score = 0.875 })
    {
        OldestReport = DateTimeOffset.UtcNow.AddSeconds(-12.345),
        OldestCheckpoint = DateTimeOffset.UtcNow.AddSeconds(-45.678),
        Ended =
        [
            new(AttemptResult.Completed, "", trials), new(AttemptResult.Left, "Asked", 2), new(AttemptResult.Failed, EndReason.Error, 3),
            new(AttemptResult.Failed, "OutOfMemory", 1), new(AttemptResult.Disrupted, EndReason.Preempted, 40),
            new(AttemptResult.Disrupted, "NodeLost", 1),
        ],
        Trials = [.. Enumerable.Range(0, Math.Min(trials, trialSeries)).Select(trial => Trial(number, trial))],
    };

    // An algorithm on a task with about as many parameters as there are.
    private static TrialView Trial(int sweep, int trial) => new(
        $"fetch-push-images-{sweep}-{(ulong)((sweep * 1000) + trial) * 0x9E3779B97F4A7C15:x16}", trial % 80, trial % 201 / 200.0,
        TrialView.LabelsOf("algorithm=her N=20 learningRate=0.001", trial + 1, ParameterSet.Of(
            ("algorithm", "her"), ("task", "fetch-push"), ("stateObservation", "image"), ("goalObservation", "image"))));
}
