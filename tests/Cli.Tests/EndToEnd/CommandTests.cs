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
    [InlineData]
    [InlineData("run")]
    [InlineData("plan")]
    [InlineData("validate")]
    [InlineData("report")]
    [InlineData("list")]
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
