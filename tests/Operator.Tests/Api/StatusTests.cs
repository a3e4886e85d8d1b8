using System.Text;
using System.Text.Json;
using Hem.Core.Planning;
using Hem.Core.Sweeps;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Sweeps;
using Hem.Progress;

namespace Operator.Tests.Api;

/// <summary>Sizes of statuses.</summary>
public sealed class StatusTests
{
    [Theory]
    [InlineData("short", 10, "short")]
    [InlineData("one two three", 12, "one two ...")]
    [InlineData("abcdefghijklmnop", 10, "abcdef ...")]
    [InlineData("\"\"\"\"\"\"", 10, "\"\"\" ...")]
    [InlineData("ééééééé", 10, "ééé ...")]
    public void A_text_is_cut_at_a_word_where_it_is_too_long(string text, int most, string expected) =>
        StatusText.Shorten(text, most).ShouldBe(expected);

    [Fact]
    public void A_text_is_never_longer_than_it_may_be_nor_cut_within_a_character()
    {
        var text = string.Concat(Enumerable.Repeat("\U0001F600 \"quoted\" ", 50));
        for (var most = 10; most < 400; most++)
        {
            var cut = StatusText.Shorten(text, most);
            Encoding.UTF8.GetByteCount(cut.Replace("\"", "\\\"")).ShouldBeLessThanOrEqualTo(most);
            cut.EnumerateRunes().ShouldAllBe(rune => rune != Rune.ReplacementChar);
        }
    }

    /// <summary>A status in which nothing is small.</summary>
    internal static HemSweepStatus Largest()
    {
        var time = new DateTimeOffset(2026, 11, 22, 12, 34, 56, TimeSpan.Zero);
        var message = string.Concat(Enumerable.Repeat("spec.base.task: \"flipbit-1000\" is not allowed; ", 2_000));
        var plan = new SweepStatus(
            SweepState.CompleteWithFailures,
            new TrialCounts(20_000, 19_999, 19_999, 19_999, 19_999, 19_999, 19_999, 19_999, 19_999, 19_999),
            new SweepUsage(TimeSpan.FromDays(9_999), TimeSpan.FromDays(99_999.123456789)),
            [.. Enum.GetValues<ConditionType>().Select(type => new Condition(type, false, "BudgetExhausted", message))])
        {
            ObservedGeneration = 1_000_000,
            EndedAt = time,
        };
        var best = new BestConfiguration
        {
            Configuration = new string('x', HemSweepStatus.LongestLabel),
            Id = "0123456789abcdef",
            Score = 0.1234,
            Measure = "interquartileMean",
            Interval = [0.1234, 0.1234],
            Seeds = 20_000,
        };
        return StatusMapper.Sweep(plan, best, time, null, time,
            [new CheckpointRefusal("u", "s-0", new string('x', 1000))]);
    }

    internal static HemTrialResource Trial(HemSweepResource sweep, HemSweep read, TrialSpec trial)
    {
        var time = new DateTimeOffset(2026, 11, 22, 12, 34, 56, TimeSpan.Zero);
        return new()
        {
            Metadata = new() { Name = trial.Name, Namespace = sweep.Metadata.Namespace },
            Spec = new()
            {
                Sweep = read.Metadata.Name,
                SweepUid = sweep.Metadata.Uid!,
                Hash = trial.Hash,
                Seed = trial.Seed,
                Configuration = trial.ConfigurationId,
                Parameters = JsonDocument.Parse(ParameterTable.Resolve(trial.Parameters).ToJson()).RootElement,
            },
            Status = new()
            {
                Phase = HemTrialPhase.BackingOff,
                Attempts = 3,
                Failures = 1,
                Disruptions = 1,
                Retries = 2,
                Progress = "40/80",
                SuccessRate = 0.5,
                Reason = "Failed",
                Message = "exit code 1",
                PodName = "a-pod",
                StartTime = time,
                CompletionTime = time,
                ObservedGeneration = 1,
                Conditions =
                [
                    new()
                    {
                        Type = "Failed",
                        Status = "False",
                        Reason = "Retrying",
                        Message = "m",
                        LastTransitionTime = time,
                        ObservedGeneration = 1,
                    },
                ],
            },
        };
    }
}
