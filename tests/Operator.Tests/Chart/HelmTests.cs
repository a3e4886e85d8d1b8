using System.Formats.Tar;
using System.IO.Compression;
using System.Text.RegularExpressions;
using Hem.TestCluster;

namespace Operator.Tests.Chart;

/// <summary>The chart in the hands of helm 3 and 4, and whether the program that stands in for them does what they do.</summary>
public sealed class HelmTests
{
    /// <summary>Values (PATH=JSON) that each `fail` of the templates is for, and what it says.</summary>
    private static readonly IReadOnlyDictionary<string, string> Fails = new Dictionary<string, string>
    {
        ["replicaCount=2"] = "replicaCount is 2",
        ["persistence.accessModes=[\"ReadWriteMany\"]"] = "ReadWriteMany, and Hem keeps its results in SQLite",
        ["trainer.serviceAccount.create=true"] = "name those with sweeps in trainer.serviceAccount.namespaces",
    };

    [Theory, InlineData(3), InlineData(4)]
    public async Task It_renders_every_set_of_values_to_the_same_text_and_notes(int major) =>
        await Task.WhenAll(HemChart.ValueSets.Append("").Select(async values =>
        {
            IReadOnlyList<string> options = values.Length == 0 ? [] : HemChart.OptionsOf(values);
            List<string> helms = [.. options.Select(option => option == "--name" ? "--name-template" : option)];
            if (!helms.Contains("--name-template")) helms.AddRange(["--name-template", "hem"]);

            (await RunAsync(major, ["template", HemChart.Folder, .. helms])).ShouldBe(await HemChart.RenderAsync(options), values);
            if (major == 3) return; // without a server it shows nobody the notes
            // An installation that is only tried has no options about servers.
            foreach (var option in new[] { "--kube-version", "--api-versions" })
                if (helms.IndexOf(option) is >= 0 and var at) helms.RemoveRange(at, 2);
            (await RunAsync(major, ["install", HemChart.Folder, "--dry-run=client", .. helms])).TrimEnd('\n')
                .ShouldEndWith("\nNOTES:\n" + (await HemChart.RenderAsync([.. options, "--notes"])).TrimEnd('\n'), Case.Sensitive, values);
        }));

    [Theory, InlineData(3), InlineData(4)]
    public async Task It_finds_nothing_to_say_of_the_chart(int major)
    {
        var everything = HemChart.OptionsOf("everything.yaml").Take(2);
        foreach (var said in await Task.WhenAll(
            RunAsync(major, ["lint", "--strict", HemChart.Folder]), RunAsync(major, ["lint", "--strict", HemChart.Folder, .. everything])))
        {
            said.ShouldContain("1 chart(s) linted, 0 chart(s) failed");
            said.ShouldNotContain("[", Case.Sensitive);
        }
    }

    [Theory, InlineData(3), InlineData(4)]
    public async Task It_refuses_the_values_that_the_schema_does_not_allow(int major) =>
        await Task.WhenAll(ChartTests.WrongValues.Select(async row =>
        {
            var wrong = row.Data.Item1;
            var refused = await RefusedAsync(major, ["template", HemChart.Folder, "--set-json", wrong]);
            refused.ShouldContain(
                "values don't meet the specifications of the schema(s) in the following chart(s):\nhem:\n", Case.Sensitive, wrong);
            refused.ShouldContain(wrong.Split('=')[0].Split('.')[^1]);
        }));

    [Theory, InlineData(3), InlineData(4)]
    public async Task It_fails_where_the_templates_say_so(int major)
    {
        var templates = Directory.EnumerateFiles(Path.Combine(HemChart.Folder, "templates"), "*", SearchOption.AllDirectories);
        templates.Sum(file => Regex.Count(File.ReadAllText(file), @"\{\{-? *(fail|required) "))
            .ShouldBe(Fails.Count, "each has its case here");

        foreach (var (values, said) in Fails)
        {
            (await RefusedAsync(major, ["template", HemChart.Folder, "--set-json", values])).ShouldContain(said);
            (await Should.ThrowAsync<InvalidOperationException>(() => HemChart.RenderAsync("--set-json", values)))
                .Message.ShouldContain(said);
        }
        (await RefusedAsync(major, ["template", HemChart.Folder, "--kube-version", "1.19.4"]))
            .ShouldContain("chart requires kubeVersion: >=1.20.0-0 which is incompatible with Kubernetes v1.19.4");
    }

    /// <summary>Only its text says what kind of a value it is.</summary>
    [Theory, InlineData(3), InlineData(4)]
    public async Task It_takes_the_same_for_what_is_set(int major)
    {
        string[] assignments =
        [
            "image.tag=1.5", "trainer.image.tag=latest", "defaultParallelism=50", "metrics.trialSeries=0", "crds.install=false",
            "podSecurityContext.runAsUser=null", "persistence.storageClassName=",
        ];
        var options = assignments.SelectMany(assignment => new[] { "--set", assignment }).ToList();
        (await RunAsync(major, ["template", "hem", HemChart.Folder, .. options])).ShouldBe(await HemChart.RenderAsync(options));
    }

    [Theory, InlineData(3), InlineData(4)]
    public async Task A_package_holds_what_a_release_needs_and_no_more(int major)
    {
        var folder = Directory.CreateTempSubdirectory("hem-package-");
        try
        {
            await RunAsync(major, ["package", HemChart.Folder, "--destination", folder.FullName]);
            await using var file = folder.GetFiles().ShouldHaveSingleItem().OpenRead();
            await using var archive = new TarReader(new GZipStream(file, CompressionMode.Decompress));
            var names = new List<string>();
            while (await archive.GetNextEntryAsync() is { } entry) names.Add(entry.Name);

            names.Select(name => name.Split('/')[1]).Distinct().ShouldBe(
                ["Chart.yaml", "values.yaml", "values.schema.json", "README.md", ".helmignore", "templates", "alerts", "dashboards"],
                ignoreOrder: true);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<string> RefusedAsync(int major, IEnumerable<string> arguments) =>
        (await Should.ThrowAsync<InvalidOperationException>(() => RunAsync(major, arguments))).Message;

    /// <summary>What helm prints.</summary>
    /// <exception cref="InvalidOperationException">It failed; what it said.</exception>
    private static async Task<string> RunAsync(int major, IEnumerable<string> arguments)
    {
        string helm;
        try
        {
            helm = await Helm.ProgramAsync(major);
        }
        catch (CannotException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
        return await Machine.RunAsync(helm, arguments);
    }
}
