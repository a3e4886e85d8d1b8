using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Hem.Core.Sweeps;
using Hem.Trainer.Checkpoints;
using Hem.Trainer.Replay;
using Hem.Trainer.Theory;

namespace Hem.Trainer.Algorithms;

/// <summary>The parameters of theory; names as in the sweep file.</summary>
internal sealed record TheorySettings
{
    /// <summary>k of `one-step-k`.</summary>
    public required int K { get; init; }
    public long Samples { get; init; } = 1_000_000;

    /// <summary>Share of normalised hindsight among the samples: 0 is Theorem 1, 1 is Theorem 2.</summary>
    public double Relabel { get; init; }
    public Baseline Baseline { get; init; }

    /// <summary>The parameter table has seen to it that the task is one-step-K.</summary>
    public static TheorySettings From(ParameterSet parameters) => new()
    {
        K = TaskName.TryParse(parameters["task"].AsString(), out TaskName? task) ? task.Size : 0,
        Samples = parameters["samples"].AsInt(),
        Relabel = parameters["relabel"].AsDouble(),
        Baseline = Baselines.Parse(parameters["baseline"].AsString()),
    };
}

/// <summary>
/// Theorems 1 and 2 as a trial: the single-sample gradient estimators of the one-step problem with k actions and k goals
/// (<see cref="OneStep"/>), measured. There is nothing to learn; the curve is the estimate getting better, in ten points of equal
/// numbers of samples.
/// <list type="bullet">
/// <item>`loss` is the squared relative error V/E^2 of one sample, mean over all k^2 components: k^2 - 1 for REINFORCE, k - 1 for
/// hindsight. Its slope in log k over a sweep of k is what the theorems are about.</item>
/// <item>`success_rate` is 1 / (1 + V/E^2) = E^2 / E[eta^2], the share of an estimate that is gradient and not noise. Both plain
/// estimators are Bernoulli: there it is just the share of samples that carry any gradient, 1/k^2 and 1/k. So a sweep ranks
/// estimators as it ranks learners.</item>
/// <item>`trajectories` and `env_steps` count samples, each an episode of one step.</item>
/// </list>
/// </summary>
internal sealed class TheoryAlgorithm(TheorySettings settings, long seed) : IAlgorithm
{
    private const int Points = 10;

    // A part of a point takes well under a second.
    private const long WorkPerPart = 1 << 24;

    private readonly GradientSamples samples = new(settings.K, settings.Relabel, settings.Baseline);
    private RandomStream random = RandomStream.OfWorker(seed, 0);

    public long Iteration { get; private set; }

    public TrainingCounts Counts => new(samples.Count, samples.Count, 0, 0);

    public bool StoppedEarly => false;

    public ReplayBuffer? Replay => null;

    public bool Train(ITrainingHost host)
    {
        long points = Math.Min(Points, settings.Samples), part = Math.Max(1, WorkPerPart / settings.K);
        while (Iteration < points)
        {
            long end = settings.Samples / points * (Iteration + 1) + settings.Samples % points * (Iteration + 1) / points;
            while (samples.Count < end)
            {
                if (!host.Continue())
                    return false;
                samples.Draw(Math.Min(part, end - samples.Count), ref random);
            }

            Iteration++;
            double error = samples.RelativeError();
            host.Evaluated(new Evaluation(
                Iteration, samples.Count, samples.Count, 0, 1 / (1 + error), double.IsFinite(error) ? error : double.NaN));
        }

        Report(host);
        return true;
    }

    /// <summary>The measured table beside the closed forms, and Theorem 3, into the attempt's log.</summary>
    private void Report(ITrainingHost host)
    {
        int k = settings.K;
        bool hindsight = settings.Relabel >= 1, mixed = !hindsight && settings.Relabel > 0;
        string estimator = hindsight ? "normalised hindsight"
            : mixed ? $"{settings.Relabel} hindsight, the rest REINFORCE" : $"REINFORCE, baseline {settings.Baseline}";
        host.Note($"{estimator}, k = {k}, {samples.Count} samples:");
        foreach (bool diagonal in (bool[])[true, false])
        {
            (double mean, double variance) = samples.Measured(diagonal);
            double exact = (1 - settings.Relabel) * (OneStep.ReinforceError(k, settings.Baseline, diagonal).ToDouble() + 1)
                + settings.Relabel * (OneStep.HindsightError(k).ToDouble() + 1) - 1;
            host.Note(
                $"a {(diagonal ? "=" : "!=")} g: E {mean:E3} (exact {OneStep.Mean(k, diagonal).ToDouble():E3}), "
                + $"V {variance:E3}, V/E^2 {samples.RelativeError(diagonal):F3} (exact {exact:F3})");
        }

        host.Note(
            $"all components: V/E^2 {samples.RelativeError():F3} "
            + $"(exact {GradientSamples.ExactRelativeError(k, settings.Relabel, settings.Baseline):F3})");
        foreach (int n in (int[])[1, Math.Max(2, k / 2), k, 2 * k])
        {
            CoverageOfRuns runs = Coverage.OneStep(k, n, 20, new RandomStream(seed, RandomPurpose.Evaluation, n));
            host.Note(
                $"Theorem 3, {n} trajectories, {runs.Runs} runs: {runs.Coverage * k:F2} goals covered "
                + $"(expected {Coverage.ExpectedGoals(k, n):F2}), J {runs.Success:F4} >= {runs.Coverage:F4}: "
                + (runs.Violations == 0 ? "holds" : "VIOLATED"));
        }
    }

    public void Save(BinaryWriter writer)
    {
        var (diagonal, rest, count) = samples.State;
        writer.Write(Iteration);
        writer.Write(count);
        writer.Write(diagonal.First);
        writer.Write(diagonal.Second);
        writer.Write(rest.First);
        writer.Write(rest.Second);
        writer.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<RandomStream>(in random)));
    }

    public void Load(BinaryReader reader)
    {
        int length = 2 * sizeof(long) + 4 * sizeof(double) + Unsafe.SizeOf<RandomStream>();
        if (reader.BaseStream.Length - reader.BaseStream.Position != length)
            throw new UnusableCheckpointException("its state has another length");
        Iteration = reader.ReadInt64();
        long count = reader.ReadInt64();
        var diagonal = new GradientSamples.Sums(reader.ReadDouble(), reader.ReadDouble());
        samples.State = (diagonal, new GradientSamples.Sums(reader.ReadDouble(), reader.ReadDouble()), count);
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(new Span<RandomStream>(ref random)));
    }

    public void Dispose()
    {
    }
}
