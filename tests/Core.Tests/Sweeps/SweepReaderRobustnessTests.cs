using System.Text;
using Core.Tests.Support;
using Hem.Core.Sweeps;

namespace Core.Tests.Sweeps;

/// <summary>Files that are too large, too deep, damaged, or no text at all.</summary>
public class SweepReaderRobustnessTests
{
    [Fact]
    public void Bytes_that_are_no_UTF8_are_told_with_their_line()
    {
        var fault = SweepReader.Read([.. "a: b\nc: "u8, 0xFF, 0xFE], "x.yaml").Faults.ShouldHaveSingleItem();
        fault.Message.ShouldContain("UTF-8");
        fault.Line.ShouldBe(2);
        SweepReader.Read([.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(SweepReaderTests.Whole)], "x.yaml").Faults.ShouldBeEmpty();
    }

    [Fact]
    public void A_file_over_one_mebibyte_is_refused()
    {
        var text = SweepReaderTests.Whole + "\n#" + new string('x', SweepReader.LargestFile);
        SweepReader.Read(text, "x.yaml").Faults.ShouldHaveSingleItem().Message.ShouldContain("at most 1,048,576");
        SweepReader.Read(Encoding.UTF8.GetBytes(text), "x.yaml").Faults.ShouldHaveSingleItem().Message.ShouldContain("at most 1,048,576");
    }

    [Theory]
    [InlineData("[", "yaml")]
    [InlineData("{a: ", "yaml")]
    [InlineData("- ", "yaml")]
    [InlineData("? ", "yaml")]
    [InlineData("[", "json")]
    [InlineData("{\"a\":", "json")]
    public void Deep_nesting_is_refused(string piece, string extension)
    {
        var text = string.Concat(Enumerable.Repeat(piece, 900_000 / piece.Length));
        SweepReader.Read(text, $"x.{extension}").Faults.ShouldNotBeEmpty();
    }

    [Fact]
    public void A_file_of_nothing_but_faults_is_reported_up_to_a_limit()
    {
        var text = SweepReaderTests.Minimal("grid: {N: [" + string.Join(',', Enumerable.Repeat("0", 200_000)) + "]}");
        var faults = SweepReader.Read(text, "x.yaml").Faults;
        faults.Count.ShouldBe(FaultList.Most + 1);
        faults[^1].Message.ShouldContain("only the first 1,000");
    }

    [Fact]
    public void A_damaged_file_gives_faults_and_never_an_exception()
    {
        var random = new Random(2);
        foreach (var name in new[] { "x.yaml", "x.json" })
        {
            var whole = name == "x.json"
                ? Sweep.Named("x").Grid("N", 5, 10).Exclude(("N", 5)).SeedValues(7, 3).Build().ToJson()
                : SweepReaderTests.Whole;
            for (var i = 0; i < 2_000; i++)
            {
                var text = Mutations.Of(whole, random);
                var read = SweepReader.Read(text, name);
                (read.Sweep is null).ShouldBe(read.Faults.Count > 0, text);
                var (sweep, expansion, faults) = SweepReader.Load(Encoding.UTF8.GetBytes(text), name);
                (sweep is null).ShouldBe(faults.Count > 0, text);
                (expansion is null).ShouldBe(sweep is null, text);
            }
        }
    }
}
