using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Hem.Cli.Cluster;
using Hem.Cli.Engine;
using Hem.Cli.Terminal;
using Hem.Core.Sweeps;
using Hem.Results;

namespace Hem.Cli.Commands;

/// <summary>`hem plan`: what a run would do, without doing it.</summary>
internal static class PlanCommand
{
    public const string Closing = """
        Changes nothing. A cell of the table is the success rate of a trial that is done,
        else what a run would do (run, resume, retry), or that it failed for good. Times
        come from the store's history of the same configurations, or of similar ones.

        With -n the cluster is asked instead: what is done there, what `kubectl apply`
        would add, and the axes as the API server would store them. What it would drop, or
        refuses, is said.

        Examples:
          hem plan sweep.yaml
          hem plan sweep.yaml --trials                  each trial by name
          hem plan sweep.yaml --json | jq .toRun
          hem plan sweep.yaml -n research               on a cluster

        """;

    private const int MostSeedColumns = 10;

    public static Command Build()
    {
        Argument<string> file = CommonOptions.File();
        Option<string?> store = CommonOptions.Store();
        Option<int?> parallelism = CommonOptions.Parallelism();
        Option<bool> trials = new("--trials", "-t") { Description = "List every trial by name" };
        Option<bool> json = CommonOptions.Json("The plan as JSON, every trial with its parameters");
        var cluster = new ClusterOptions();
        var command = new Command("plan", "What a run would do: trials, what is done, expected time")
        {
            file, store, parallelism, trials, json,
        };
        cluster.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            using ClusterConnection? connection = cluster.Connect(parsed);
            if (connection is null)
                return Run(parsed.GetRequiredValue(file), parsed.Layout(store), parsed.GetValue(parallelism), parsed.GetValue(trials),
                    parsed.GetValue(json));
            if (new Option[] { store, parallelism }.FirstOrDefault(option => parsed.GetResult(option) is not null) is { } other)
                throw new HemException(ExitCodes.BadInput, $"{other.Name} is of this machine: leave it out, or -n.");
            return await RunAsync(
                connection, parsed.GetRequiredValue(file), parsed.GetValue(trials), parsed.GetValue(json), cancel);
        });
        return command;
    }

    private static int Run(string path, StoreLayout layout, int? parallelism, bool trials, bool json)
    {
        SweepFile file = SweepFile.Read(path);
        (HemSweep sweep, SweepExpansion expansion) = file.Require();
        file.WarnOfTrainer();
        SweepPlan plan = SweepPlan.Make(sweep, expansion, layout, parallelism ?? sweep.Spec.Parallelism ?? Environment.ProcessorCount);
        if (json) Console.WriteLine(Json(plan).ToJsonString(JsonText.Indented));
        else Print(sweep, plan, $"store: {Format.ShortPath(layout.Root)}", trials);
        return ExitCodes.Complete;
    }

    private static async Task<int> RunAsync(ClusterConnection cluster, string path, bool trials, bool json, CancellationToken cancel)
    {
        SweepFile file = SweepFile.Read(path);
        file.Require();
        ClusterPlan planned = await ClusterPlan.MakeAsync(cluster, file, cancel);
        foreach (string warning in planned.Warnings) Console.Error.WriteLine($"hem: warning: {warning}");
        if (json)
        {
            JsonObject all = Json(planned.Plan);
            all["namespace"] = cluster.Namespace;
            all["isThere"] = planned.IsThere;
            all["dropped"] = new JsonArray([.. planned.Dropped.Select(field => (JsonNode)field)]);
            Console.WriteLine(all.ToJsonString(JsonText.Indented));
        }
        else
        {
            Print(planned.Sweep, planned.Plan, $"namespace {cluster.Namespace}", trials);
            if (!planned.IsThere) Console.WriteLine($"There is no sweep {planned.Plan.Sweep} yet: kubectl apply makes it.");
        }

        return ExitCodes.Complete;
    }

    private static void Print(HemSweep sweep, SweepPlan plan, string place, bool trials)
    {
        SweepSpec spec = sweep.Spec;
        Console.WriteLine($"{sweep.Metadata.Name}: {Format.Count(plan.Trials.Count, "trial")} = "
            + $"{Format.Count(plan.Configurations.Count, "configuration")} x {Format.Count(spec.Seeds.Total, "seed")}");
        Console.WriteLine();
        if (spec.Base.Count > 0) Console.WriteLine($"  base     {Pairs(spec.Base)}");
        foreach (ParameterSet item in spec.Cases) Console.WriteLine($"  case     {Pairs(item)}");
        foreach (GridAxis axis in spec.Grid) Console.WriteLine($"  grid     {axis.Name} = {string.Join(", ", axis.Values)}");
        foreach (ParameterSet item in spec.Exclude) Console.WriteLine($"  exclude  {Pairs(item)}");
        Console.WriteLine($"  seeds    {Seeds(spec.Seeds.List)}");
        Console.WriteLine();
        Console.Write(trials ? TrialTable(plan) : ConfigurationTable(plan, spec.Seeds.List));
        Console.WriteLine();
        Console.WriteLine(Summary(plan, place));
        if (plan.NoLongerWanted > 0)
        {
            Console.WriteLine(
                $"{Format.Count(plan.NoLongerWanted, "trial")} of an earlier version of this sweep would stay, out of the ranking.");
        }

        if (plan.Holder is { } holder) Console.WriteLine($"The store is in use by process {holder.ProcessId} (`{holder.Command}`).");
    }

    private static TextTable ConfigurationTable(SweepPlan plan, IReadOnlyList<int> seeds)
    {
        bool wide = seeds.Count <= MostSeedColumns;
        IEnumerable<(string, bool)> middle = wide
            ? seeds.Select(seed => (string.Create(CultureInfo.InvariantCulture, $"seed {seed}"), true))
            : [("DONE", true), ("TO RUN", true), ("FAILED", true)];
        var table = new TextTable([("CONFIGURATION", false), .. middle, ("EACH", true)]);
        ILookup<string, PlannedTrial> byConfiguration = plan.Trials.ToLookup(trial => trial.Spec.ConfigurationId);
        foreach (Configuration configuration in plan.Configurations)
        {
            PlannedTrial[] own = [.. byConfiguration[configuration.Id]];
            IEnumerable<string> cells = wide
                ? own.Select(Cell)  // the expansion goes seed by seed
                : new[] { TrialState.Done, TrialState.Run, TrialState.Failed }
                    .Select(state => own.Count(trial => Column(trial.State) == state).ToString(CultureInfo.InvariantCulture));
            table.Add([configuration.Label, .. cells, Each(plan.Expected(configuration.Id))]);
        }

        return table;
    }

    private static TextTable TrialTable(SweepPlan plan)
    {
        var table = new TextTable(("TRIAL", false), ("CONFIGURATION", false), ("SEED", true), ("STATE", false), ("SUCCESS", true));
        Dictionary<string, string> labels = plan.Configurations.ToDictionary(
            configuration => configuration.Id, configuration => configuration.Label);
        foreach (PlannedTrial trial in plan.Trials)
        {
            table.Add(
                trial.Spec.Name, labels[trial.Spec.ConfigurationId], trial.Spec.Seed.ToString(CultureInfo.InvariantCulture),
                trial.Word, Format.Success(trial.SuccessRate));
        }

        return table;
    }

    private static string Summary(SweepPlan plan, string place)
    {
        int done = plan.Count(TrialState.Done), failed = plan.Count(TrialState.Failed), rest = plan.ToRun;
        string text = $"{done} done, {rest} to run" + (failed > 0 ? $", {failed} failed for good" : "")
            + $" ({place}).";
        if (rest == 0) return text;
        return text + (plan.ExpectedSeconds is { } seconds
            ? $" About {Format.Duration(TimeSpan.FromSeconds(seconds))} with {plan.Parallelism} at once."
            : $" No history to tell the time from; {plan.Parallelism} run at once.");
    }

    private static JsonObject Json(SweepPlan plan) => new()
    {
        ["sweep"] = plan.Sweep,
        ["parallelism"] = plan.Parallelism,
        ["total"] = plan.Trials.Count,
        ["done"] = plan.Count(TrialState.Done),
        ["toRun"] = plan.ToRun,
        ["failed"] = plan.Count(TrialState.Failed),
        ["noLongerWanted"] = plan.NoLongerWanted,
        ["expectedSeconds"] = plan.ExpectedSeconds,
        ["configurations"] = new JsonArray([.. plan.Configurations.Select(JsonNode (configuration) => new JsonObject
        {
            ["id"] = configuration.Id,
            ["label"] = configuration.Label,
            ["parameters"] = JsonNode.Parse(configuration.Parameters.ToJson()),
            ["expectedSecondsEach"] = plan.Expected(configuration.Id),
        })]),
        ["trials"] = new JsonArray([.. plan.Trials.Select(JsonNode (trial) => new JsonObject
        {
            ["name"] = trial.Spec.Name,
            ["configuration"] = trial.Spec.ConfigurationId,
            ["seed"] = trial.Spec.Seed,
            ["state"] = trial.State.ToString().ToLowerInvariant(),
            ["attempts"] = trial.Attempts,
            ["successRate"] = trial.SuccessRate,
        })]),
    };

    private static TrialState Column(TrialState state) => state is TrialState.Done or TrialState.Failed ? state : TrialState.Run;

    private static string Cell(PlannedTrial trial) => trial.State == TrialState.Done ? Format.Success(trial.SuccessRate) : trial.Word;

    private static string Each(double? seconds) => seconds is { } known ? Format.Duration(TimeSpan.FromSeconds(known)) : "?";

    private static string Pairs(ParameterSet parameters) =>
        string.Join(", ", parameters.Select(parameter => $"{parameter.Key}={parameter.Value}"));

    private static string Seeds(IReadOnlyList<int> seeds)
    {
        bool run = seeds.Count > 3 && seeds.Select((seed, i) => seed - i).Distinct().Count() == 1;
        return run ? $"{seeds[0]} to {seeds[^1]}" : string.Join(", ", seeds.Take(20)) + (seeds.Count > 20 ? ", ..." : "");
    }
}
