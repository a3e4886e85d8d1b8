using Hem.Cli.Terminal;

namespace Cli.Tests.Terminal;

public sealed class RunScreenTests
{
    private static readonly RunScreen Screen = new(Glyphs.Unicode);

    [Theory]
    [InlineData(80, 24)]
    [InlineData(160, 50)]
    [InlineData(20, 6)]
    [InlineData(40, 10)]
    [InlineData(1, 1)]
    public void Nothing_is_wider_or_higher_than_the_terminal(int width, int height)
    {
        foreach (int running in new[] { 0, 1, 2, 64 })
        {
            IReadOnlyList<Line> lines = Screen.Layout(Busy(running), width, height);

            lines.Count.ShouldBeLessThanOrEqualTo(Math.Max(2, height - 1));
            lines.ShouldAllBe(line => line.Width < Math.Max(20, width));
        }
    }

    [Fact]
    public void A_usual_terminal_shows_everything_that_matters()
    {
        string text = Text(Busy(2), 80, 24);

        text.ShouldContain("flipbit-n  5/40 trials done · 2 running · 32 waiting · 1 failed");
        text.ShouldContain("1:30 elapsed · about 12:00 left");
        text.ShouldContain("TRIAL");
        text.ShouldContain("N=20");
        text.ShouldContain("0.420");
        text.ShouldContain("12/80");
        text.ShouldContain("18.2k");
        text.ShouldContain("failed  N=40 seed 3: exit code 134");
        text.ShouldContain("log: /store/trials/x/attempt-4.log");
        text.ShouldContain("Ctrl-C");
    }

    [Fact]
    public void Many_trials_are_counted_where_there_is_no_room_to_show_them() =>
        Text(Busy(64), 80, 24).ShouldMatch(@"and \d+ more running");

    [Fact]
    public void Ascii_is_enough_where_the_locale_knows_no_more() =>
        string.Concat(new RunScreen(Glyphs.Ascii).Layout(Busy(64), 60, 24)).ShouldAllBe(character => character < 128);

    [Theory]
    [InlineData(0, "0:00")]
    [InlineData(59.6, "1:00")]
    [InlineData(3599, "59:59")]
    [InlineData(3600, "1:00:00")]
    [InlineData(200_000, "2 d 7 h")]
    public void Durations_read_well(double seconds, string expected) => Format.Duration(TimeSpan.FromSeconds(seconds)).ShouldBe(expected);

    [Theory]
    [InlineData(0, "0")]
    [InlineData(9.96, "10")]
    [InlineData(950, "950")]
    [InlineData(999.7, "1.00k")]
    [InlineData(18_240, "18.2k")]
    [InlineData(1_050_000, "1.05M")]
    [InlineData(double.NaN, "-")]
    public void Rates_have_three_digits(double rate, string expected) => Format.Rate(rate).ShouldBe(expected);

    private static string Text(RunView view, int width, int height) => string.Join('\n', Screen.Layout(view, width, height));

    private static RunView Busy(int running) => new()
    {
        Sweep = "flipbit-n",
        Total = 40,
        Done = 5,
        Waiting = 32,
        Failed = 1,
        Progress = 0.15,
        Elapsed = TimeSpan.FromSeconds(90),
        Left = TimeSpan.FromMinutes(12),
        Running = [.. Enumerable.Range(1, running).Select(i => new RunningTrial(
            "N=20", i, 1, "training", 0.42, [0, 0.1, 0.2, 0.42], 12, 80, 18_240, TimeSpan.FromSeconds(75)))],
        Configurations = [new("N=20", 5, 5, 0.98), new("N=40", 5, 0, null)],
        Failures = [new("N=40", 3, "exit code 134", "/store/trials/x/attempt-4.log")],
        Hint = "Ctrl-C saves and leaves; the same command goes on.",
    };
}
