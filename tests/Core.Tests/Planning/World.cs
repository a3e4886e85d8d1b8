using Hem.Core.Planning;

namespace Core.Tests.Planning;

/// <summary>Something happened that must never happen.</summary>
public sealed class InvariantBroken(string message) : Exception(message);

/// <summary>
/// The truth that an engine only observes: the trials' records and what runs. It carries out actions as the contract asks of an engine,
/// but checks no more than that, so that what the planner promises is the planner's own doing.
/// </summary>
internal sealed class World(bool withRevisions)
{
    private readonly SortedDictionary<string, Trial> trials = new(StringComparer.Ordinal);

    public DateTimeOffset Now { get; private set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Every change, as somebody who watches the records would hear of it; in whatever order the history delivers it.</summary>
    public List<TrialObservation> Notices { get; } = [];

    internal sealed class Trial(string name)
    {
        public string Name { get; } = name;
        public bool Exists { get; set; }
        public bool TakenByAnother { get; set; }
        public bool Superseded { get; set; }
        public DateTimeOffset? FinishedAt { get; set; }
        public List<AttemptObservation> Attempts { get; } = [];
        public long Revision { get; set; }
        public int Completions { get; set; }

        public AttemptObservation? Live => Attempts.LastOrDefault(a => !a.IsTerminal);
        public bool IsKnown => Exists || TakenByAnother || FinishedAt is not null || Attempts.Count > 0;

        public int Count(AttemptResult result) => Attempts.Count(a => a.Ended?.Result == result);
        public int Failures => Count(AttemptResult.Failed) + (FinishedAt is null ? Count(AttemptResult.Completed) : 0);
        public bool HasFailedForGood(DesiredSweep desired) => FinishedAt is null
            && (Attempts.Any(a => a.Ended is { Permanent: true }) || Failures > desired.Retries.Failures
                || Count(AttemptResult.Disrupted) > desired.Retries.Disruptions);
    }

    public static string HashOf(string name) => $"hash-of-{name}";

    public Trial this[string name] => trials.TryGetValue(name, out var trial) ? trial : trials[name] = new Trial(name);
    public IEnumerable<Trial> Trials => trials.Values;
    public IEnumerable<Trial> Running => trials.Values.Where(t => t.Live is not null);
    public int LiveAttempts => trials.Values.Sum(t => t.Attempts.Count(a => !a.IsTerminal));

    public void Advance(TimeSpan time) => Now += time;

    public TrialObservation Look(Trial trial) => new(trial.Name, HashOf(trial.Name))
    {
        Exists = trial.Exists,
        Conflict = trial.TakenByAnother ? "another sweep's" : null,
        Superseded = trial.Superseded,
        FinishedAt = trial.FinishedAt,
        Attempts = [.. trial.Attempts],
        Revision = withRevisions ? trial.Revision : 0,
    };

    public List<TrialObservation> LookAtAll() => [.. trials.Values.Where(t => t.IsKnown).Select(Look)];

    // ---- what happens by itself ----

    public void Launch(Trial trial) => Change(trial, trial.Live! with { Phase = AttemptPhase.Running, StartedAt = Now, Gpus = 1 });

    /// <summary>A queue takes the place away and will give another one to the same attempt.</summary>
    public void Requeue(Trial trial)
    {
        var live = trial.Live!;
        HeldTime held = new(live.StartedAt!.Value, Now);
        Change(trial, live with { Phase = AttemptPhase.Starting, StartedAt = null, Earlier = [.. live.Earlier, held] });
    }

    public void StoreFinished(Trial trial)
    {
        trial.Completions++;
        Ensure(trial.Completions == 1, $"{trial.Name} was completed {trial.Completions} times");
        trial.FinishedAt = Now;
        Change(trial);
    }

    public void End(Trial trial, AttemptOutcome? outcome) => Change(trial, trial.Live! with
    {
        Phase = outcome is null ? AttemptPhase.Gone : AttemptPhase.Exited,
        Outcome = outcome,
        EndedAt = Now,
    });

    public void LoseObject(Trial trial)
    {
        (trial.Exists, trial.Superseded) = (false, false);
        Change(trial);
    }

    public void Take(Trial trial, bool taken)
    {
        trial.TakenByAnother = taken;
        Change(trial);
    }

    // ---- what an engine does ----

    /// <summary>Carries the action out, or refuses it, and says what is now true of the trial.</summary>
    public TrialObservation CarryOut(PlanAction action, DesiredSweep desired)
    {
        var trial = this[action.Trial];
        switch (action)
        {
            case CreateTrial create when !trial.Exists && !trial.TakenByAnother:
                Ensure(!create.Complete || trial.FinishedAt is not null, $"{trial.Name} is created as complete but is not");
                trial.Exists = true;
                Change(trial);
                break;
            case StartAttempt start when trial.Exists && trial.FinishedAt is null && trial.Attempts.All(a => a.Number < start.Number):
                Ensure(trial.Live is null, $"{trial.Name} gets attempt {start.Number} while attempt {trial.Live?.Number} lives");
                Ensure(start.Number == trial.Attempts.Count + 1, $"{trial.Name} gets attempt {start.Number} after {trial.Attempts.Count}");
                Ensure(!trial.HasFailedForGood(desired), $"{trial.Name} is started again though it failed for good");
                Ensure(!desired.Suspend && desired.Faults.Count == 0, $"{trial.Name} is started by a sweep that must start nothing");
                Ensure(desired.Trials.Any(t => t.Name == trial.Name), $"{trial.Name} is started but not wanted");
                Change(trial, new AttemptObservation(start.Number, $"{trial.Name}/{start.Number}", AttemptPhase.Starting));
                break;
            case StopAttempt stop when trial.Live is { } live && live.Number == stop.Number:
                Change(trial, live with { Phase = AttemptPhase.Stopping });
                break;
            case DeleteTrial when trial is { Exists: true, FinishedAt: null, Attempts: [] }:
                LoseObject(trial);
                break;
            case MarkSuperseded or ClearSuperseded when trial.Exists:
                trial.Superseded = action is MarkSuperseded;
                Change(trial);
                break;
        }
        return Look(trial);
    }

    private void Change(Trial trial, AttemptObservation? attempt = null)
    {
        trial.Revision++;
        if (attempt is not null)
        {
            trial.Attempts.RemoveAll(a => a.Number == attempt.Number);
            trial.Attempts.Add(attempt);
        }
        Notices.Add(Look(trial));
    }

    public static void Ensure(bool holds, string message)
    {
        if (!holds)
            throw new InvariantBroken(message);
    }
}
