using Hem.Core.Sweeps;

namespace Core.Tests.Sweeps;

public class DurationTests
{
    [Theory]
    [InlineData("90s", 90)]
    [InlineData("12h", 43_200)]
    [InlineData("1h30m", 5_400)]
    [InlineData("1.5h", 5_400)]
    [InlineData("2d", 172_800)]
    [InlineData("500ms", 0.5)]
    [InlineData("1m500ms", 60.5)]
    [InlineData("0s", 0)]
    public void Durations_are_read_as_people_write_them(string text, double seconds) =>
        Duration.Parse(text).ShouldBe(TimeSpan.FromSeconds(seconds));

    [Theory]
    [InlineData("")]
    [InlineData("90")]
    [InlineData("-1h")]
    [InlineData("h")]
    [InlineData("1x")]
    [InlineData("30m1h")]
    [InlineData("1h1h")]
    [InlineData("1 h")]
    [InlineData("1.2.3s")]
    [InlineData("99999999d")]
    [InlineData("9999999999s")]
    [InlineData(".5h")]
    public void Anything_else_is_no_duration(string text) => Duration.Parse(text).ShouldBeNull();

    [Theory]
    [InlineData("1h30m")]
    [InlineData("36h")]
    [InlineData("1m30s")]
    [InlineData("1s500ms")]
    [InlineData("0s")]
    public void Formatting_is_the_inverse_of_reading(string text) => Duration.Format(Duration.Parse(text)!.Value).ShouldBe(text);
}
