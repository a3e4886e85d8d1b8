using System.Text;
using Hem.Progress;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Checkpoints;

namespace Hem.Trainer.Trials;

/// <summary>
/// One attempt at a trial once it is granted: resumes or starts, trains, reports, saves every so often and when asked, and says how it
/// ended.
/// </summary>
/// <param name="algorithm">Fresh: no step taken.</param>
/// <param name="checkpoints">Where the trial's checkpoints are; touched by this class alone.</param>
/// <param name="progress">The reports' way to Hem. What it holds unacknowledged travels in the checkpoints.</param>
/// <param name="leave">Somebody wants this process to save and leave.</param>
internal sealed class TrialRun(
    IAlgorithm algorithm, ICheckpoints checkpoints, ProgressClient progress, TimeSpan saveEvery, TimeProvider time, Log log,
    CancellationToken leave)
    : ITrainingHost
{
    private readonly long started = time.GetTimestamp();
    private readonly SaveSchedule schedule = new(saveEvery, checkpoints.AppendsReplay, time);
    private TimeSpan earlier;
    private int saveRequested;
    private long savedAt = time.GetTimestamp();
    private long saves, failedSaves, savedBytes;
    private object? newest;

    public bool LeaveNow => leave.IsCancellationRequested;

    /// <summary>Time spent on the trial over all attempts, as far as checkpoints know.</summary>
    public TimeSpan Wall => earlier + time.GetElapsedTime(started);

    // What metrics tell: asked by other threads, at any time.

    /// <summary>The newest point of the curve that this attempt has computed.</summary>
    public Evaluation? Newest => (Evaluation?)Volatile.Read(ref newest);

    /// <summary>What there would be to train again if this process were killed now.</summary>
    public TimeSpan SinceCheckpoint => time.GetElapsedTime(Volatile.Read(ref savedAt));

    public long Saves => Volatile.Read(ref saves);

    public long FailedSaves => Volatile.Read(ref failedSaves);

    /// <summary>What the last save wrote.</summary>
    public long SavedBytes => Volatile.Read(ref savedBytes);

    /// <summary>Runs the attempt to an exit code of <see cref="ExitCode"/>. The calling thread trains.</summary>
    /// <exception cref="ForeignCheckpointException">The checkpoints belong to another trial.</exception>
    /// <exception cref="ProgressRefusedException">Hem will never take this attempt's reports.</exception>
    public int Run()
    {
        bool resumed = checkpoints.TryLoad(algorithm.Replay, Restore);
        log.Line(resumed ? $"resumed after {algorithm.Iteration} iterations" : "starting from zero");
        schedule.Saved(algorithm.Replay);
        Volatile.Write(ref savedAt, time.GetTimestamp());
        progress.SaveRequested += RequestSave;
        try
        {
            if (!algorithm.Train(this))
                return Leave($"after {algorithm.Iteration} iterations");

            progress.Report(new Finished
            {
                Iteration = (ulong)algorithm.Iteration,
                StoppedEarly = algorithm.StoppedEarly,
                WallSeconds = Wall.TotalSeconds,
            });
            string early = algorithm.StoppedEarly ? " (stopAt reached)" : "";
            log.Line($"trained {algorithm.Iteration} iterations{early} in {Wall.TotalSeconds:F1} s");
            return Flush();
        }
        finally
        {
            progress.SaveRequested -= RequestSave;
        }
    }

    public bool Continue()
    {
        if (leave.IsCancellationRequested)
            return false;
        if (Volatile.Read(ref saveRequested) != 0 || schedule.IsDue(algorithm.Replay))
            Save();
        return true;
    }

    public void Evaluated(Evaluation point)
    {
        Volatile.Write(ref newest, point);
        var report = new Evaluated
        {
            Iteration = (ulong)point.Iteration,
            Trajectories = (ulong)point.Trajectories,
            EnvSteps = (ulong)point.EnvironmentSteps,
            Updates = (ulong)point.Updates,
            SuccessRate = point.SuccessRate,
            Loss = point.Loss,
            WallSeconds = Wall.TotalSeconds,
        };
        if (!double.IsNaN(point.GoalCoverage))
            report.GoalCoverage = point.GoalCoverage;
        progress.Report(report);
        string unstable = point.Unstable > 0 ? $", {point.Unstable} episodes diverged in simulation and were dropped" : "";
        log.Line(
            $"iteration {point.Iteration}: success {point.SuccessRate:F3}, loss {point.Loss:F4}, "
            + $"{point.Trajectories} trajectories, {Wall.TotalSeconds:F1} s{unstable}");
    }

    public void Note(string line) => log.Line(line);

    /// <summary>
    /// The last report may have to wait for a server that is away: then the end is saved, so that nothing is trained twice.
    /// </summary>
    private int Flush()
    {
        try
        {
            Task flushed = progress.FlushAsync(CancellationToken.None);
            if (!flushed.Wait(TimeSpan.FromSeconds(1), leave))
            {
                Save();
                flushed.Wait(leave);
            }

            return ExitCode.Finished;
        }
        catch (AggregateException e) when (e.InnerException is ProgressRefusedException refusal)
        {
            throw refusal;
        }
        catch (OperationCanceledException)
        {
            return Leave("before its last reports were acknowledged; they are in the checkpoint");
        }
    }

    private int Leave(string when)
    {
        if (progress.Refusal is { } refusal)
            throw refusal;
        log.Line($"leaving {when}, as asked: {progress.StopReason ?? "signal"}");
        Save();
        return ExitCode.Left;
    }

    private void RequestSave() => Volatile.Write(ref saveRequested, 1);

    private void Save()
    {
        Volatile.Write(ref saveRequested, 0);
        try
        {
            var state = new MemoryStream();
            using var writer = new BinaryWriter(state, Encoding.UTF8);
            writer.Write(Wall.Ticks);
            byte[] tail = progress.ExportUnacknowledged();
            writer.Write(tail.Length);
            writer.Write(tail);
            algorithm.Save(writer);
            writer.Flush();
            long bytes = checkpoints.Save(algorithm.Replay, algorithm.Iteration, state.ToArray());
            progress.Report(new Checkpointed { Iteration = (ulong)algorithm.Iteration, Bytes = (ulong)bytes });
            Volatile.Write(ref savedAt, time.GetTimestamp());
            Volatile.Write(ref savedBytes, bytes);
            Volatile.Write(ref saves, saves + 1);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string next = LeaveNow ? "the next attempt goes on from it" : $"the next try is in {saveEvery.TotalSeconds:G3} s";
            Volatile.Write(ref failedSaves, failedSaves + 1);
            log.Warning($"no checkpoint was saved: {e.Message}. The previous one, if any, is whole; {next}");
        }

        schedule.Saved(algorithm.Replay);
    }

    private void Restore(CheckpointHeader header)
    {
        using var reader = new BinaryReader(new MemoryStream(header.State), Encoding.UTF8);
        try
        {
            var wall = new TimeSpan(reader.ReadInt64());
            byte[] tail = reader.ReadBytes(reader.ReadInt32());

            // Both take all or nothing. The reports first: they are true even where the learner's state turns out to be of no use.
            progress.RestoreUnacknowledged(tail);
            algorithm.Load(reader);
            earlier = wall;
        }
        catch (Exception e) when (e is EndOfStreamException or ArgumentOutOfRangeException or InvalidDataException)
        {
            throw new UnusableCheckpointException("its state ends too soon", e);
        }
    }
}
