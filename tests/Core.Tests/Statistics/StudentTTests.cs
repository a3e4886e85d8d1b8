using Hem.Core.Statistics;

namespace Core.Tests.Statistics;

using Independent = MathNet.Numerics.Distributions.StudentT;

public class StudentTTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(9)]
    [InlineData(30)]
    [InlineData(199)]
    [InlineData(5000)]
    public void The_distribution_agrees_with_an_independent_library(double degrees)
    {
        foreach (var t in new[] { -40, -3.3, -1, -0.01, 0, 0.2, 1, 2.5, 6 })
            StudentT.Cdf(t, degrees).ShouldBe(Independent.CDF(0, 1, degrees, t), 1e-11);
        if (degrees == 1)
            return;   // its root finder gives up there; the closed form below is the judge
        foreach (var p in new[] { 0.001, 0.025, 0.3, 0.5, 0.9, 0.975, 0.9999 })
            StudentT.Quantile(p, degrees).ShouldBe(Independent.InvCDF(0, 1, degrees, p), 1e-5);
    }

    [Fact]
    public void Critical_values_are_those_of_the_printed_tables()
    {
        StudentT.Quantile(0.975, 1).ShouldBe(Math.Tan(0.475 * Math.PI), 1e-11);
        StudentT.Quantile(0.975, 2).ShouldBe(4.302652729749442, 1e-12);
        StudentT.Quantile(0.975, 4).ShouldBe(2.776445105, 1e-9);
        StudentT.Quantile(0.025, 9).ShouldBe(-2.262157163, 1e-9);
        StudentT.Quantile(0.975, 1e7).ShouldBe(1.959964, 1e-6);
    }

    [Fact]
    public void One_degree_of_freedom_is_Cauchy_and_two_have_a_closed_form()
    {
        for (var t = -20.0; t <= 20; t += 0.37)
        {
            StudentT.Cdf(t, 1).ShouldBe(0.5 + Math.Atan(t) / Math.PI, 1e-14);
            StudentT.Cdf(t, 2).ShouldBe(0.5 + t / (2 * Math.Sqrt(2 + t * t)), 1e-14);
        }
    }

    [Fact]
    public void Tiny_tails_keep_their_relative_precision() =>
        (StudentT.TwoTails(1e6, 2) * 1e12).ShouldBe(1, 1e-9);   // 1 - t / sqrt(2 + t^2) ~ 1 / t^2

    [Fact]
    public void LogGamma_agrees_with_factorials()
    {
        var log = 0.0;
        for (var n = 1; n < 60; log += Math.Log(n++))
            StudentT.LogGamma(n).ShouldBe(log, 1e-12 * Math.Max(1, log));
        StudentT.LogGamma(0.5).ShouldBe(Math.Log(Math.Sqrt(Math.PI)), 1e-14);
    }

    [Fact]
    public void The_interval_of_a_mean_is_the_textbook_one()
    {
        // mean 0.5, s = 0.1, n = 3: 0.5 +- 4.302653 * 0.1 / sqrt 3
        var interval = StudentT.MeanInterval([0.4, 0.5, 0.6]);
        interval.Low.ShouldBe(0.5 - 0.2484138, 1e-7);
        interval.High.ShouldBe(0.5 + 0.2484138, 1e-7);
        Should.Throw<ArgumentOutOfRangeException>(() => StudentT.MeanInterval([0.5]));
    }

    [Fact]
    public void Quantiles_refuse_what_is_no_probability()
    {
        foreach (var p in new[] { 0, 1, -0.5, 2, double.NaN })
            Should.Throw<ArgumentOutOfRangeException>(() => StudentT.Quantile(p, 3));
    }
}
