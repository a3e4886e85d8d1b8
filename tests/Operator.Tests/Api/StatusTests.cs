using System.Text;
using System.Text.Json;
using Hem.Core.Planning;
using Hem.Core.Sweeps;
using Hem.Kubernetes;
using Hem.Operator.Api;

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
        return new()
        {
            ObservedGeneration = 1_000_000,
            State = SweepState.CompleteWithFailures,
            Trials = 20_000,
            Done = 19_999,
            Running = 19_999,
            Waiting = 19_999,
            Failed = 19_999,
            Superseded = 19_999,
            Best = new()
            {
                Configuration = string.Concat(Enumerable.Repeat("task=fetch-pickplace, ", 100)),
                Id = "0123456789abcdef",
                Score = 0.123456789012345,
                Measure = "interquartileMean",
                Interval = [0.123456789012345, 0.123456789012345],
                Seeds = 20_000,
            },
            Usage = new() { WallClockSeconds = 1_000_000_000, GpuHours = 123_456.123456789 },
            StartTime = time,
            CompletionTime = time,
            Conditions =
            [
                .. Enum.GetNames<ConditionType>().Select(type => new V1Condition
                {
                    Type = type,
                    Status = "Unknown",
                    Reason = "BudgetExhausted",
                    Message = string.Concat(Enumerable.Repeat("spec.base.task: \"flipbit-1000\" is not allowed; ", 200)),
                    LastTransitionTime = time,
                    ObservedGeneration = 1_000_000,
                }),
            ],
        };
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
