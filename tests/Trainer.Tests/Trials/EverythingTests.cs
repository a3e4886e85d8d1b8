using Hem.Core.Sweeps;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Trials;
using Trainer.Tests.Algorithms;
using Trainer.Tests.MuJoCo;
using Trainer.Tests.Rendering;

namespace Trainer.Tests.Trials;

/// <summary>examples/everything-smoke.yaml: every algorithm on every task.</summary>
public class EverythingTests
{
    private static readonly string[] Sizes = ["flipbit-8", "one-step-5"];

    public static TheoryData<string> Algorithms => [.. AlgorithmName.All];

    public static TheoryData<string> AlgorithmsWithImages =>
        [.. Trials().Where(HasImages).Select(trial => trial["algorithm"].AsString()).Distinct()];

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Every_trial_of_the_sweep_runs_to_its_end(string algorithm)
    {
        Native.Require();
        RunAll(algorithm, images: false);
    }

    [Theory]
    [MemberData(nameof(AlgorithmsWithImages))]
    public void Every_trial_with_images_runs_to_its_end(string algorithm)
    {
        Drawing.Require();
        RunAll(algorithm, images: true);
    }

    private static void RunAll(string algorithm, bool images)
    {
        foreach (ParameterSet parameters in Trials().Where(
            trial => trial["algorithm"].AsString() == algorithm && HasImages(trial) == images))
        {
            var trial = new TrialDocument(
                HemSweep.CurrentApiVersion, "test", "test-0", 1, ParameterTable.Resolve(parameters), new TrainerSettings());
            using IAlgorithm built = AlgorithmCatalog.Create(trial);
            var host = new RecordingHost();
            built.Train(host).ShouldBeTrue(parameters.ToJson());
            host.Curve.ShouldNotBeEmpty(parameters.ToJson());
        }
    }

    [Fact]
    public void Every_pair_of_an_algorithm_and_a_task_that_go_together_is_in_the_sweep()
    {
        HashSet<(string, string)> pairs =
            [.. Trials().Select(trial => (trial["algorithm"].AsString(), trial["task"].AsString()))];
        foreach (string algorithm in AlgorithmName.All)
        {
            foreach (string name in TaskName.All)
            {
                string task = Sizes.FirstOrDefault(sized => sized.StartsWith(name[..^1], StringComparison.Ordinal)) ?? name;
                bool together = ParameterTable.Check(ParameterSet.Of(("algorithm", algorithm), ("task", task))).Count == 0;
                pairs.Contains((algorithm, task)).ShouldBe(together, $"{algorithm} on {task}");
            }
        }
    }

    [Fact]
    public void All_that_the_sweep_needs_is_in_this_trainer()
    {
        (HemSweep? sweep, SweepExpansion? expansion, _) = Load();
        BuiltIn.Missing(sweep!, expansion!).ShouldBeEmpty();
    }

    private static bool HasImages(ParameterSet trial) => trial.Find("stateObservation")?.AsString() == "image";

    private static IEnumerable<ParameterSet> Trials() => Load().Expansion!.Configurations.Select(configuration => configuration.Parameters);

    private static (HemSweep? Sweep, SweepExpansion? Expansion, IReadOnlyList<Fault> Faults) Load()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Hem.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("not in the repository");
        const string Name = "everything-smoke.yaml";
        var loaded = SweepReader.Load(File.ReadAllBytes(Path.Combine(folder, "examples", Name)), Name);
        loaded.Faults.ShouldBeEmpty();
        return loaded;
    }
}
