using Hem.Trainer.Replay;
using Hem.Trainer.Trials;

namespace Trainer.Tests.Trials;

public class SaveScheduleTests
{
    private readonly ManualTime time = new();

    [Fact]
    public void A_save_is_due_when_its_time_has_come()
    {
        var schedule = new SaveSchedule(TimeSpan.FromSeconds(60), appends: true, time);
        schedule.IsDue(null).ShouldBeFalse();
        time.Seconds = 59;
        schedule.IsDue(null).ShouldBeFalse();
        time.Seconds = 60;
        schedule.IsDue(null).ShouldBeTrue();
        schedule.Saved(null);
        schedule.IsDue(null).ShouldBeFalse();
    }

    /// <summary>A trajectory with images of 84 pixels has a megabyte, so 256 MB are 242 of them.</summary>
    [Theory]
    [InlineData(true, 3)]
    [InlineData(false, int.MaxValue)]
    public void Many_new_pictures_are_saved_at_once_where_a_save_writes_no_others(bool appends, int dueAfter)
    {
        var layout = new TrajectoryLayout(Horizon: 50, 3 * 84 * 84, GoalBytes: 8, ActionBytes: 8);
        using var replay = new ReplayBuffer(layout, workers: 100, trajectories: 1000);
        var schedule = new SaveSchedule(TimeSpan.FromSeconds(60), appends, time);
        foreach (long before in (long[])[0, 4, 100])
        {
            replay.Restored(before);
            schedule.Saved(replay);
            for (int added = 0; added < 5; added++)
            {
                replay.Restored(before + added);
                schedule.IsDue(replay).ShouldBe(added >= dueAfter, $"{before} and {added} more");
            }
        }
    }

    private sealed class ManualTime : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => (long)(1000 * Seconds);
    }
}
