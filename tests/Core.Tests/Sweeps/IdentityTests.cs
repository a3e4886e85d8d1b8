using Hem.Core.Sweeps;

namespace Core.Tests.Sweeps;

public class IdentityTests
{
    private static readonly ParameterSet flipbit = ParameterSet.Of(("algorithm", "hem"), ("task", "flipbit-25"));

    /// <summary>Names of real work: a change of any of these would run finished trials again.</summary>
    [Fact]
    public void Golden_hashes_never_change()
    {
        Identity.TrialHash(flipbit, 1).ShouldBe("7101a68f4911f303b270e316bfba4b03ef0e1a32507183c2f13948b2cb9076ea");
        Identity.TrialHash(flipbit.With("N", 80).With("learningRate", 3e-4), 7)
            .ShouldBe("d7c5b7e60942cc380ba931fc892d9406b7762d7d79b5448b1e2d549be933b5bd");
        Identity.TrialHash(
            ParameterSet.Of(("algorithm", "her"), ("task", "fetch-push"), ("targetClip", ParameterValue.From([-50, 0])), ("relabel", 0.5),
                ("stopAt", ParameterValue.From(ParameterSet.Of(("successRate", 0.95), ("evaluations", 3))))),
            12345).ShouldBe("16fe4f0e811cfed54796ee1d8b801a93ee230f70aa58096169e3bed792bc7103");
        Identity.ConfigurationId(flipbit).ShouldBe("af3ea5c9d60a49d5");
    }

    [Fact]
    public void What_is_hashed_is_canonical_JSON_without_defaults() =>
        Identity.Prefix(flipbit.With("N", 5).With("workers", 30)).ShouldBe(
            """{"apiVersion":"hem.dev/v1alpha1","parameters":{"N":5,"algorithm":"hem","task":"flipbit-25"}""");

    [Fact]
    public void Writing_every_default_out_changes_no_name()
    {
        var written = ParameterTable.Resolve(flipbit);
        written.Count.ShouldBeGreaterThan(10);
        Identity.TrialHash(written, 3).ShouldBe(Identity.TrialHash(flipbit, 3));
        Identity.ConfigurationId(written).ShouldBe(Identity.ConfigurationId(flipbit));
    }

    [Fact]
    public void A_default_that_follows_another_parameter_is_still_a_default()
    {
        var her = ParameterSet.Of(("algorithm", "her"), ("task", "fetch-push"), ("workers", 4));
        Identity.TrialHash(her.With("bufferTrajectories", 80_000), 1).ShouldBe(Identity.TrialHash(her, 1));
        Identity.TrialHash(her.With("bufferTrajectories", 400_000), 1).ShouldNotBe(Identity.TrialHash(her, 1));
    }

    [Theory]
    [InlineData("N", 5)]
    [InlineData("learningRate", 0.002)]
    [InlineData("evaluateEvery", 2)]
    public void Any_other_value_is_another_trial(string name, double value) =>
        Identity.TrialHash(flipbit.With(name, value), 1).ShouldNotBe(Identity.TrialHash(flipbit, 1));

    [Fact]
    public void Seeds_tell_trials_apart_but_not_configurations() =>
        Enumerable.Range(0, 100).Select(seed => Identity.TrialHash(flipbit, seed)).ShouldBeUnique();

    [Fact]
    public void A_name_is_the_sweep_and_sixteen_digits()
    {
        var hash = Identity.TrialHash(flipbit, 1);
        hash.Length.ShouldBe(64);
        Identity.TrialName("quickstart", hash).ShouldBe($"quickstart-{hash[..16]}");
    }
}
