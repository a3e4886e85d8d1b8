using System.Text.Json.Nodes;
using Cli.Tests.Support;

namespace Cli.Tests.EndToEnd;

public sealed class CommandTests : IDisposable
{
    private readonly SweepWorkspace _work = new();

    public void Dispose() => _work.Dispose();

    [Fact]
    public async Task Validate_names_every_fault_with_its_line_and_the_nearest_name()
    {
        _work.Folder.Write("bad.yaml", """
            apiVersion: hem.dev/v1alpha1
            kind: HemSweep
            metadata: {name: bad}
            spec:
              base:
                algorithm: hem
                task: flipbit-6
                iteratons: 10
              grid:
                N: [1, 2, 0]
              seeds: {count: 0}
            """);

        HemProcess hem = await _work.HemAsync("validate", "bad.yaml");

        hem.ExitCode.ShouldBe(64);
        hem.Output.ShouldBeEmpty();
        string[] lines = hem.Error.TrimEnd().Split('\n');
        lines.ShouldContain(line => line.StartsWith("bad.yaml:8: spec.base.iteratons: ") && line.Contains("iterations"));
        lines.ShouldContain(line => line.StartsWith("bad.yaml:10: spec.grid.N[2]: "));
        lines.ShouldContain(line => line.StartsWith("bad.yaml:11: spec.seeds.count: "));
    }

    [Fact]
    public async Task Run_of_a_bad_file_starts_nothing()
    {
        _work.Folder.Write("bad.yaml", "apiVersion: hem.dev/v1alpha1\nkind: HemSwep\n");

        HemProcess hem = await _work.HemAsync("run", "bad.yaml", "--store", _work.Store);

        hem.ExitCode.ShouldBe(64);
        hem.Error.ShouldContain("bad.yaml");
        hem.Error.ShouldNotContain("   at ");
        Directory.Exists(_work.Store).ShouldBeFalse();
    }

    [Theory]
    [InlineData(64, "there is no command 'rum'", "rum")]
    [InlineData(64, "Required argument missing", "run")]
    [InlineData(64, "there is no such file", "run", "nowhere.yaml")]
    [InlineData(64, "is a folder", "validate", "/")]
    [InlineData(64, "whole number", "run", "x.yaml", "--parallelism", "0")]
    [InlineData(64, "there are no results here", "list", "--store", "/nowhere")]
    [InlineData(64, "there are no results here", "report", "x", "--store", "/nowhere")]
    public async Task Wrong_command_lines_are_said_plainly(int exitCode, string message, params string[] arguments)
    {
        HemProcess hem = await _work.HemAsync(arguments);

        hem.ExitCode.ShouldBe(exitCode, hem.Output + hem.Error);
        hem.Error.ShouldContain(message);
        hem.Error.ShouldNotContain("   at ");
    }

    [Theory]
    [InlineData(64, "hem: --store is empty: name a folder, or leave the option out.", "list", "--store", "")]
    [InlineData(64, "hem: --store is empty: name a folder, or leave the option out.", "run", "sweep.yaml", "--store", "")]
    [InlineData(64, "/sweep.yaml: a store is a folder, and this is a file. Choose another", "run", "sweep.yaml", "--store", "sweep.yaml")]
    [InlineData(64, "/sweep.yaml: a store is a folder, and this is a file. Choose another", "list", "--store", "sweep.yaml")]
    [InlineData(64, "/sweep.yaml/x: a store is a folder, and", "run", "sweep.yaml", "--store", "sweep.yaml/x")]
    [InlineData(74, "/proc/x: this folder cannot be made. Check the path", "run", "sweep.yaml", "--store", "/proc/x")]
    [InlineData(64, "/proc/x: there are no results here", "report", "small", "--store", "/proc/x")]
    [InlineData(64, "/proc/x: there are no results here", "delete", "small", "--yes", "--store", "/proc/x")]
    public async Task A_place_that_is_no_store_is_said_in_one_line_with_what_to_do(int exitCode, string message, params string[] arguments)
    {
        _work.Write();

        HemProcess hem = await _work.HemAsync(arguments);

        hem.ExitCode.ShouldBe(exitCode, hem.Output + hem.Error);
        hem.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldHaveSingleItem().ShouldContain(message);
    }

    [Fact]
    public async Task A_sweep_is_deleted_with_all_that_it_left_once_nobody_holds_the_store()
    {
        _work.Write(iterations: 1, n: "[2]", seeds: 1);
        await _work.RunAsync();
        await _work.HemAsync("report", "small", "--store", _work.Store);
        string trial = Path.Combine(_work.Store, "trials", _work.Trials.Single().Name);
        Directory.Exists(trial).ShouldBeTrue();

        HemProcess unasked = await _work.HemAsync("delete", "small", "--store", _work.Store);
        (unasked.ExitCode, unasked.Error).ShouldBe(
            (64, "hem: small: nobody is here to be asked. Give --yes to delete it without a question.\n"));
        using (Hem.Results.ResultStore.Open(_work.Store))
        {
            HemProcess refused = await _work.HemAsync("delete", "small", "--yes", "--store", _work.Store);
            refused.ExitCode.ShouldBe(69);
            refused.Error.ShouldContain("in use by process");
        }

        Directory.Exists(trial).ShouldBeTrue();
        HemProcess deleted = await _work.HemAsync("delete", "small", "--yes", "--store", _work.Store);

        (deleted.ExitCode, deleted.Output).ShouldBe((0, "small: deleted, 1 trial.\n"));
        Directory.Exists(trial).ShouldBeFalse();
        Directory.Exists(Path.Combine(_work.Store, "reports", "small")).ShouldBeFalse();
        (await _work.HemAsync("list", "--store", _work.Store)).Output.ShouldContain("no sweeps yet");
        (await _work.HemAsync("delete", "small", "--yes", "--store", _work.Store)).ExitCode.ShouldBe(64);
    }

    [Fact]
    public async Task A_report_that_cannot_be_written_names_the_option_for_another_place()
    {
        using (var store = Hem.Results.ResultStore.Open(_work.Store)) await store.UpsertSweepAsync("small", "");
        File.WriteAllText(Path.Combine(_work.Store, "reports"), "");

        HemProcess hem = await _work.HemAsync("report", "small", "--store", _work.Store);

        hem.ExitCode.ShouldBe(74, hem.Output + hem.Error);
        hem.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldHaveSingleItem()
            .ShouldContain("reports/small: the report cannot be written there");
        hem.Error.ShouldContain("Name another folder with --output DIR.");
    }

    [Theory]
    [InlineData]
    [InlineData("run")]
    [InlineData("plan")]
    [InlineData("validate")]
    [InlineData("report")]
    [InlineData("list")]
    [InlineData("delete")]
    public async Task Help_is_complete_and_fits_a_usual_terminal(params string[] command)
    {
        HemProcess hem = await _work.HemAsync([.. command, "--help"]);

        hem.ExitCode.ShouldBe(0);
        hem.Output.ShouldContain("Examples:");
        hem.Output.Split('\n').ShouldAllBe(line => line.Length <= 100);
    }

    [Fact]
    public async Task Plan_shows_what_is_done_and_what_would_run_and_how_long_it_takes()
    {
        _work.Write();
        HemProcess before = await _work.HemAsync("plan", _work.File, "--store", _work.Store);
        before.ExitCode.ShouldBe(0, before.Error);
        before.Output.ShouldContain("small: 4 trials = 2 configurations x 2 seeds");
        before.Output.ShouldContain("0 done, 4 to run");
        before.Output.ShouldContain("No history");
        Directory.Exists(_work.Store).ShouldBeFalse();

        await _work.RunAsync();
        _work.Write(n: "[2, 4, 8]");
        HemProcess after = await _work.HemAsync("plan", _work.File, "--store", _work.Store, "--json");

        JsonObject plan = JsonNode.Parse(after.Output)!.AsObject();
        ((int?)plan["total"]).ShouldBe(6);
        ((int?)plan["done"]).ShouldBe(4);
        ((int?)plan["toRun"]).ShouldBe(2);
        ((double?)plan["expectedSeconds"]).ShouldNotBeNull().ShouldBeGreaterThan(0);
        plan["trials"]!.AsArray().Count.ShouldBe(6);
    }

    [Fact]
    public async Task Report_and_list_answer_for_a_store()
    {
        _work.Write();
        await _work.RunAsync();

        HemProcess report = await _work.HemAsync("report", "small", "--store", _work.Store, "--output", "out");
        report.ExitCode.ShouldBe(0, report.Error);
        report.Output.ShouldContain("Report: out/report.html");
        File.Exists(_work.Folder["out/points.csv"]).ShouldBeTrue();

        HemProcess list = await _work.HemAsync("list", "--store", _work.Store, "--json");
        JsonNode sweep = JsonNode.Parse(list.Output)!["sweeps"]!.AsArray().Single()!;
        ((string?)sweep["name"]).ShouldBe("small");
        ((int?)sweep["done"]).ShouldBe(4);

        HemProcess unknown = await _work.HemAsync("report", "smal", "--store", _work.Store);
        unknown.ExitCode.ShouldBe(64);
        unknown.Error.ShouldContain("there is no sweep 'smal'; it holds small");
    }
}
