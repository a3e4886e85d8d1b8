using System.Text;
using System.Text.Json;
using Hem.Core.Sweeps;

namespace Core.Tests.Sweeps;

public class CanonicalJsonTests
{
    /// <summary>RFC 8785, appendix B: the bits of a double and its text.</summary>
    [Theory]
    [InlineData(0x0000000000000000, "0")]
    [InlineData(0x8000000000000000, "0")]
    [InlineData(0x0000000000000001, "5e-324")]
    [InlineData(0x8000000000000001, "-5e-324")]
    [InlineData(0x7fefffffffffffff, "1.7976931348623157e+308")]
    [InlineData(0xffefffffffffffff, "-1.7976931348623157e+308")]
    [InlineData(0x4340000000000000, "9007199254740992")]
    [InlineData(0xc340000000000000, "-9007199254740992")]
    [InlineData(0x4430000000000000, "295147905179352830000")]
    [InlineData(0x44b52d02c7e14af5, "9.999999999999997e+22")]
    [InlineData(0x44b52d02c7e14af6, "1e+23")]
    [InlineData(0x44b52d02c7e14af7, "1.0000000000000001e+23")]
    [InlineData(0x444b1ae4d6e2ef4e, "999999999999999700000")]
    [InlineData(0x444b1ae4d6e2ef4f, "999999999999999900000")]
    [InlineData(0x444b1ae4d6e2ef50, "1e+21")]
    [InlineData(0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7")]
    [InlineData(0x3eb0c6f7a0b5ed8d, "0.000001")]
    [InlineData(0x41b3de4355555553, "333333333.3333332")]
    [InlineData(0x41b3de4355555554, "333333333.33333325")]
    [InlineData(0x41b3de4355555555, "333333333.3333333")]
    [InlineData(0x41b3de4355555556, "333333333.3333334")]
    [InlineData(0x41b3de4355555557, "333333333.33333343")]
    [InlineData(0xbecbf647612f3696, "-0.0000033333333333333333")]
    [InlineData(0x43143ff3c1cb0959, "1424953923781206.2")]
    public void Numbers_are_written_as_the_standard_shows(ulong bits, string expected) =>
        ParameterValue.From(BitConverter.UInt64BitsToDouble(bits)).ToJson().ShouldBe(expected);

    [Theory]
    [InlineData(20.0, "20")]
    [InlineData(1e-3, "0.001")]
    [InlineData(1e-8, "1e-8")]
    [InlineData(123456789012, "123456789012")]
    [InlineData(1e20, "100000000000000000000")]
    [InlineData(1.5e21, "1.5e+21")]
    [InlineData(0.1, "0.1")]
    [InlineData(100, "100")]
    [InlineData(-120.5, "-120.5")]
    public void Numbers_have_no_exponent_where_ECMAScript_writes_none(double value, string expected) =>
        ParameterValue.From(value).ToJson().ShouldBe(expected);

    [Fact]
    public void Any_number_reads_back_as_the_same_double()
    {
        var random = new Random(1);
        for (var i = 0; i < 100_000; i++)
        {
            var value = BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue));
            if (!double.IsFinite(value)) continue;
            var text = ParameterValue.From(value).ToJson();
            double.Parse(text, System.Globalization.CultureInfo.InvariantCulture).ShouldBe(value, text);
        }
    }

    [Fact]
    public void The_standard_s_example_object_comes_out_as_printed()
    {
        using var document = JsonDocument.Parse(
            """
            {
              "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
              "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
              "literals": [true, false]
            }
            """);
        ParameterValue.From(document.RootElement).ToJson().ShouldBe(
            """{"literals":[true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}""");
    }

    [Fact]
    public void Names_are_sorted_by_code_units_and_not_by_code_points()
    {
        var set = ParameterSet.From(new[] { "\u20ac", "\r", "\ufb33", "1", "\ud83d\ude00", "\u0080", "\u00f6" }
            .Select(name => KeyValuePair.Create(name, (ParameterValue)1)));
        set.Keys.ShouldBe(["\r", "1", "\u0080", "\u00f6", "\u20ac", "\ud83d\ude00", "\ufb33"]);
    }

    [Fact]
    public void There_is_no_text_for_what_is_not_finite()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => ParameterValue.From(double.NaN));
        Should.Throw<ArgumentOutOfRangeException>(() => CanonicalJson.AppendNumber(new StringBuilder(), double.PositiveInfinity));
        Should.Throw<ArgumentOutOfRangeException>(() => ParameterValue.From(long.MaxValue));
    }
}
