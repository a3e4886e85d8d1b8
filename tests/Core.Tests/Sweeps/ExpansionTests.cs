using Core.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using Hem.Core.Sweeps;

namespace Core.Tests.Sweeps;

public class ExpansionTests
{
    [Fact]
    public void Cases_cross_the_grid_in_the_order_of_the_file()
    {
        var expansion = Sweep.Named("x").WithoutBase("task")
            .Case(("task", "flipbit-25"), ("iterations", 20)).Case(("task", "flipbit-50"))
            .Grid("N", 5, 10).Grid("updates", 1, 2).Seeds(1).Expand();
        expansion.Configurations.Select(configuration => configuration.Label).ShouldBe(
        [
            "task=flipbit-25, N=5, updates=1", "task=flipbit-25, N=5, updates=2",
            "task=flipbit-25, N=10, updates=1", "task=flipbit-25, N=10, updates=2",
            "task=flipbit-50, N=5, updates=1", "task=flipbit-50, N=5, updates=2",
            "task=flipbit-50, N=10, updates=1", "task=flipbit-50, N=10, updates=2",
        ]);
        expansion.Configurations[1].Parameters.ToJson().ShouldBe(
            """{"N":5,"algorithm":"hem","iterations":20,"task":"flipbit-25","updates":2}""");
    }

    [Fact]
    public void All_configurations_run_with_one_seed_before_any_runs_with_the_next()
    {
        var expansion = Sweep.Named("x").Grid("N", 5, 10).SeedValues(7, 3).Expand();
        expansion.Trials.Select(trial => (trial.Seed, trial.Parameters["N"].AsInt())).ShouldBe([(7, 5), (7, 10), (3, 5), (3, 10)]);
        expansion.Trials.Select(trial => trial.ConfigurationId).Distinct().ShouldBe(expansion.Configurations.Select(c => c.Id));
    }

    [Fact]
    public void The_case_goes_before_the_base_and_the_grid_before_both()
    {
        var configuration = Sweep.Named("x").Base(("N", 1), ("updates", 1), ("batchSize", 1)).Case(("updates", 2)).Grid("N", 3)
            .Expand().Configurations.ShouldHaveSingleItem();
        configuration.Parameters.ToJson().ShouldBe("""{"N":3,"algorithm":"hem","batchSize":1,"task":"flipbit-5","updates":2}""");
        configuration.Label.ShouldBe("hem");
    }

    [Fact]
    public void Names_hold_the_sweep_and_the_hash_and_are_all_different()
    {
        var trials = Sweep.Named("quick").Grid("N", 5, 10, 20).Seeds(5).Expand().Trials;
        trials.Count.ShouldBe(15);
        trials.Select(trial => trial.Name).ShouldBeUnique();
        foreach (var trial in trials)
        {
            trial.Name.ShouldBe($"quick-{trial.Hash[..16]}");
            trial.Hash.ShouldBe(Identity.TrialHash(trial.Parameters, trial.Seed));
            trial.ConfigurationId.ShouldBe(Identity.ConfigurationId(trial.Parameters));
        }
    }

    [Fact]
    public void Adding_a_value_or_a_seed_keeps_the_names_of_what_was_there()
    {
        var before = Sweep.Named("x").Grid("N", 5, 10).Seeds(2).Expand().Trials.Select(trial => trial.Name).ToArray();
        var after = Sweep.Named("x").Grid("N", 80, 10, 5).Base(("workers", 30)).Seeds(3).Expand().Trials
            .Select(trial => trial.Name).ToArray();
        after.Length.ShouldBe(9);
        before.ShouldBeSubsetOf(after);
    }

    [Fact]
    public void A_parameter_both_in_the_cases_and_in_the_grid_is_a_fault()
    {
        var fault = Sweep.Named("x").Case(("updates", 3)).Case(("N", 5)).Grid("N", 5, 10).Faults().ShouldHaveSingleItem();
        fault.Path.ShouldBe("spec.grid.N");
        fault.Message.ShouldContain("spec.cases[1].N");
    }

    [Fact]
    public void Exclude_drops_what_equals_all_of_its_fields_defaults_included()
    {
        var sweep = Sweep.Named("x").WithoutBase("task").Grid("task", "flipbit-5", "flipbit-6").Grid("N", 5, 20);
        sweep.Exclude(("task", "flipbit-5"), ("N", 20)).Expand().Configurations.Select(c => c.Label)
            .ShouldBe(["task=flipbit-5, N=5", "task=flipbit-6, N=5", "task=flipbit-6, N=20"]);
        sweep.Exclude(("N", 5), ("workers", 30)).Expand().Configurations.Count.ShouldBe(2);
    }

    [Fact]
    public void An_exclude_that_drops_nothing_is_a_fault()
    {
        var faults = Sweep.Named("x").Grid("N", 5, 10).Exclude(("N", 5)).Exclude(("N", 11)).Exclude(("N", 10), ("workers", 3)).Faults();
        faults.Select(fault => fault.Path).ShouldBe(["spec.exclude[1]", "spec.exclude[2]"]);
        faults[0].Value.ShouldBe("""{"N":11}""");
    }

    [Fact]
    public void Two_entries_may_drop_the_same_combination() =>
        Sweep.Named("x").Grid("N", 5, 10, 20).Exclude(("N", 5)).Exclude(("N", 5), ("workers", 30)).Expand()
            .Configurations.Count.ShouldBe(2);

    [Fact]
    public void A_sweep_without_a_trial_is_a_fault() =>
        Sweep.Named("x").Grid("N", 5).Exclude(("N", 5)).Faults().ShouldHaveSingleItem().Message.ShouldContain("no trial is left");

    [Fact]
    public void Two_combinations_that_are_one_trial_are_a_fault_that_names_both()
    {
        var fault = Sweep.Named("x").Case(("updates", 40)).Case(("updates", 10)).Case(("batchSize", 64)).Grid("N", 5)
            .Faults().ShouldHaveSingleItem();
        fault.Path.ShouldBe("spec.cases[2]");
        fault.Message.ShouldContain("cases[2], grid.N[0]=5");
        fault.Message.ShouldContain("cases[0], grid.N[0]=5");
    }

    [Fact]
    public void A_value_given_twice_on_an_axis_is_named_where_it_stands()
    {
        var fault = Sweep.Named("x").Grid("N", 20, 5, 20.0).Faults().ShouldHaveSingleItem();
        fault.Path.ShouldBe("spec.grid.N[2]");
        fault.Message.ShouldContain("spec.grid.N[0]");
    }

    [Fact]
    public void What_no_trial_uses_is_named_where_it_was_written()
    {
        Sweep.Named("x").Base(("eta", 0.1)).Faults().ShouldHaveSingleItem().Path.ShouldBe("spec.base.eta");
        Sweep.Named("x").Case(("imageSize", 48)).Case(("N", 3)).Faults().ShouldHaveSingleItem().Path.ShouldBe("spec.cases[0].imageSize");
        Sweep.Named("x").Grid("imageSize", 48, 84).Faults().ShouldHaveSingleItem().Path.ShouldBe("spec.grid.imageSize");
        Sweep.Named("x").Grid("start", "zeros", "centre").Faults().ShouldHaveSingleItem().Path.ShouldBe("spec.grid.start[1]");
    }

    [Fact]
    public void A_missing_algorithm_or_task_is_named_where_it_is_missing()
    {
        Sweep.Named("x").WithoutBase("algorithm").WithoutBase("task").Faults().Select(fault => fault.Message)
            .ShouldBe(new[] { "algorithm", "task" }.Select(name => $"{name} is not set: it must be {ParameterTable.Find(name)!.Expected}"));
        var fault = Sweep.Named("x").WithoutBase("task").Case(("task", "flipbit-5")).Case(("N", 3)).Faults().ShouldHaveSingleItem();
        fault.Path.ShouldBe("spec.cases[1]");
    }

    [Fact]
    public void Values_of_a_sweep_made_in_code_are_checked_too()
    {
        var faults = Sweep.Named("x").Base(("N", "five")).Case(("worker", 3)).Grid("updates", 0).Exclude(("task", 3)).Faults();
        faults.Select(fault => fault.Path)
            .ShouldBe(["spec.base.N", "spec.cases[0].worker", "spec.exclude[0].task", "spec.grid.updates[0]"]);
    }

    [Fact]
    public void More_than_100_000_trials_are_refused_without_being_built()
    {
        var values = Enumerable.Range(1, 10_000).Select(n => (ParameterValue)n).ToArray();
        var fault = Sweep.Named("x").Grid("N", values).Grid("updates", values).Grid("batchSize", values).Seeds(100_000)
            .Faults().ShouldHaveSingleItem();
        fault.Path.ShouldBe("spec");
        fault.Message.ShouldContain("at most 100,000");
        Sweep.Named("x").Grid("N", [.. values.Take(1001)]).Seeds(100).Faults()
            .ShouldHaveSingleItem().Message.ShouldContain("100,100 trials");
    }

    [Fact]
    public void Exclude_may_bring_a_sweep_under_the_limit()
    {
        var values = Enumerable.Range(1, 1_001).Select(n => (ParameterValue)n).ToArray();
        Sweep.Named("x").Grid("N", values).Seeds(100).Exclude(("N", 7)).Expand().Trials.Count.ShouldBe(100_000);
        Sweep.Named("x").Grid("N", values).Seeds(101).Exclude(("N", 7)).Faults()
            .ShouldHaveSingleItem().Message.ShouldContain("101,000 trials");
    }

    [Fact]
    public void A_hundred_thousand_trials_have_names_of_their_own()
    {
        var sweep = Sweep.Named("large")
            .Grid("N", [.. Enumerable.Range(1, 100).Select(n => (ParameterValue)n)])
            .Grid("updates", [.. Enumerable.Range(1, 100).Select(n => (ParameterValue)n)])
            .Grid("learningRate", [.. Enumerable.Range(1, 10).Select(n => (ParameterValue)(n * 1e-4))]).Seeds(1).Build();
        var expansion = Expansion.Expand(sweep);
        expansion.Trials.Count.ShouldBe(100_000);
        expansion.Trials.Select(trial => trial.Name).Distinct().Count().ShouldBe(100_000);
    }

    [Theory]
    [InlineData("task", "task=flipbit-5, N=5")]
    [InlineData("linked", "task=flipbit-5, N=5")]
    public void Labels_leave_out_what_follows_from_the_rest(string variant, string expected)
    {
        var sweep = Sweep.Named("x").WithoutBase("task").Grid("N", 5, 10);
        sweep = variant == "task"
            ? sweep.Case(("task", "flipbit-5")).Case(("task", "flipbit-6"))
            : sweep.Case(("task", "flipbit-5"), ("updates", 3)).Case(("task", "flipbit-6"), ("updates", 4));
        sweep.Expand().Configurations[0].Label.ShouldBe(expected);
    }

    [Fact]
    public void Labels_name_the_task_the_algorithm_and_N_first_and_the_algorithm_without_the_word() =>
        Sweep.Named("x").WithoutBase("task").WithoutBase("algorithm").Grid("updates", 1, 2).Grid("N", 5, 10)
            .Grid("algorithm", "hem", "her").Grid("task", "flipbit-5", "flipbit-6")
            .Expand().Configurations[^1].Label.ShouldBe("task=flipbit-6, her, N=10, updates=2");

    [Fact]
    public void Labels_show_a_default_as_the_value_that_it_is() =>
        Sweep.Named("x").Case(("N", 5)).Case(("updates", 40)).Expand().Configurations.Select(c => c.Label).ShouldBe(["N=5", "N=20"]);

    [Fact]
    public void Whatever_the_sweep_names_and_labels_are_unique_and_order_does_not_matter()
    {
        string[] names = ["N", "updates", "batchSize", "workers", "epsilon"];
        var axis = from name in Gen.Elements(names)
                   from values in Gen.Choose(1, 4).ListOf()
                   select (name, values.Distinct().ToArray());
        var sweeps = from axes in axis.ListOf()
                     from seeds in Gen.Choose(1, 4)
                     select (Axes: axes.DistinctBy(a => a.name).Where(a => a.Item2.Length > 0).ToArray(), seeds);
        Check.QuickThrowOnFailure(Prop.ForAll(sweeps.ToArbitrary(), input =>
        {
            var forward = Build(input.Axes, input.seeds).Expand();
            var backward = Build([.. input.Axes.Reverse()], input.seeds).Expand();
            forward.Trials.Count.ShouldBe(input.Axes.Aggregate(input.seeds, (product, a) => product * a.Item2.Length));
            forward.Trials.Select(trial => trial.Name).ShouldBeUnique();
            forward.Configurations.Select(configuration => configuration.Label).ShouldBeUnique();
            backward.Trials.Select(trial => trial.Name).ShouldBe(forward.Trials.Select(trial => trial.Name), ignoreOrder: true);
        }));

        static Sweep Build((string Name, int[] Values)[] axes, int seeds) => axes.Aggregate(
            Sweep.Named("x").Seeds(seeds),
            (sweep, a) => sweep.Grid(a.Name, [.. a.Values.Select(v => (ParameterValue)(a.Name == "epsilon" ? v / 4.0 : v))]));
    }

    [Fact]
    public void Overrides_match_defaults_as_if_they_were_written()
    {
        var trainer = new TrainerTemplate
        {
            Overrides =
            [
                new TrainerOverride(ParameterSet.Of(("N", 20)), Gpus: 1),
                new TrainerOverride(ParameterSet.Of(("task", "flipbit-5")), Threads: 4) { Pod = new PodSettings { QueueName = "q" } },
            ],
        };
        var template = trainer.For(ParameterSet.Of(("algorithm", "hem"), ("task", "flipbit-5")));
        (template.Gpus, template.Threads, template.Device, template.Pod.QueueName).ShouldBe((1, 4, "cuda", "q"));
        trainer.For(ParameterSet.Of(("algorithm", "hem"), ("task", "flipbit-6"), ("N", 3))).Gpus.ShouldBe(0);
    }
}
