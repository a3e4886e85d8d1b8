using Hem.Progress.Grpc;

namespace Hem.Progress;

/// <summary>What a report must be to be stored. A breach is the trainer's mistake and ends its stream with INVALID_ARGUMENT.</summary>
internal static class ReportRules
{
    public static void Check(TrainerMessage message)
    {
        switch (message.ReportCase)
        {
            case TrainerMessage.ReportOneofCase.Evaluated:
                var point = message.Evaluated;
                if (!(point.SuccessRate is >= 0 and <= 1))
                    throw Breach(message, "evaluated.success_rate", point.SuccessRate, "a number from 0 to 1");
                CheckSeconds(message, "evaluated.wall_seconds", point.WallSeconds);
                if (point.HasGoalCoverage && !(double.IsFinite(point.GoalCoverage) && point.GoalCoverage >= 0))
                    throw Breach(message, "evaluated.goal_coverage", point.GoalCoverage, "a finite number, 0 or more, or absent");
                CheckCount(message, "evaluated.iteration", point.Iteration);
                CheckCount(message, "evaluated.trajectories", point.Trajectories);
                CheckCount(message, "evaluated.env_steps", point.EnvSteps);
                CheckCount(message, "evaluated.updates", point.Updates);
                break;
            case TrainerMessage.ReportOneofCase.Checkpointed:
                CheckCount(message, "checkpointed.iteration", message.Checkpointed.Iteration);
                break;
            case TrainerMessage.ReportOneofCase.Finished:
                CheckCount(message, "finished.iteration", message.Finished.Iteration);
                CheckSeconds(message, "finished.wall_seconds", message.Finished.WallSeconds);
                break;
            case TrainerMessage.ReportOneofCase.Failed:
                break;
            case TrainerMessage.ReportOneofCase.Started:
                throw Invalid($"report {message.Sequence}: Started comes once, as the first message of a stream");
            default:
                throw Invalid($"report {message.Sequence}: holds none of evaluated, checkpointed, finished, failed");
        }
    }

    public static RpcException Invalid(string detail) => new(new Status(StatusCode.InvalidArgument, detail));

    private static void CheckCount(TrainerMessage message, string field, ulong value)
    {
        if (value > long.MaxValue) throw Breach(message, field, value, "at most 2^63 - 1");
    }

    private static void CheckSeconds(TrainerMessage message, string field, double value)
    {
        if (!(double.IsFinite(value) && value >= 0)) throw Breach(message, field, value, "a finite number of seconds, 0 or more");
    }

    private static RpcException Breach(TrainerMessage message, string field, object value, string allowed) =>
        Invalid(string.Create(System.Globalization.CultureInfo.InvariantCulture,
            $"report {message.Sequence}: {field} is {value}; it must be {allowed}"));
}
