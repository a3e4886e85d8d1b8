using Hem.Core.Planning;

namespace Core.Tests.Planning;

/// <summary>
/// Tells a story to an engine and a world, and checks after every event what must always hold; then lets everything go well
/// and checks how it ends.
/// </summary>
internal sealed class Telling
{
    private readonly World world;
    private readonly bool oldEngines;
    private readonly List<(DesiredSweep Desired, List<TrialObservation> Trials)> views = [];
    private ObservedSweep observed;
    private DesiredSweep desired;

    private Telling(Story story)
    {
        world = new World(story.Revisions);
        desired = story.Desired;
        observed = new ObservedSweep(desired);
        oldEngines = story.Events.Any(e => e is Event.OldEngineSteps);
    }

    public static void Of(Story story)
    {
        var telling = new Telling(story);
        foreach (var what in story.Events)
        {
            telling.views.Add((telling.desired, telling.world.LookAtAll()));
            telling.Happen(what);
            telling.CheckView();
        }
        telling.EndWell();
    }

    private void Happen(Event what)
    {
        switch (what)
        {
            case Event.Step: Step(); break;
            case Event.CrashAfter(var actions): Step(actions); Restart(); break;
            case Event.Hear(var which, var again) when world.Notices.Count > 0: Hear(which % world.Notices.Count, again); break;
            case Event.OldEngineSteps(var view): OldEngine(views[view % views.Count]); break;
            case Event.Launch(var n): On(n, t => t.Live!.Phase == AttemptPhase.Starting, world.Launch); break;
            case Event.Requeue(var n): On(n, t => t.Live!.Phase == AttemptPhase.Running, world.Requeue); break;
            case Event.StoreFinished(var n): On(n, Trains, world.StoreFinished); break;
            case Event.Finish(var n): On(n, Trains, Finish); break;
            case Event.Exit(var n, var code): On(n, _ => true, t => Exit(t, code)); break;
            case Event.Vanish(var n): On(n, _ => true, t => world.End(t, null)); break;
            case Event.Wait(var seconds): world.Advance(TimeSpan.FromSeconds(seconds)); break;
            case Event.LoseObject(var n): Among(world.Trials.Where(t => t.Exists), n, world.LoseObject); break;
            case Event.Take(var n, var taken): Take(world[Story.Name(n)], taken); break;
            case Event.Want(var bits): Edit(desired with { Trials = Story.Wanted(bits) }); break;
            case Event.Parallelism(var value): Edit(desired with { Parallelism = value }); break;
            case Event.Retries(var failures, var disruptions): Edit(desired with { Retries = new(failures, disruptions) }); break;
            case Event.Suspend(var on): Edit(desired with { Suspend = on }); break;
            case Event.Faulty(var on): Edit(desired with { Faults = on ? ["spec.grid: wrong"] : [] }); break;
            case Event.Budget(var wall, var gpu):
                Edit(desired with
                {
                    WallClock = wall == 0 ? null : TimeSpan.FromSeconds(wall),
                    GpuHours = gpu == 0 ? null : gpu / 3600.0,
                });
                break;
        }
    }

    private static bool Trains(World.Trial trial) =>
        trial.Live is { Phase: not AttemptPhase.Starting, StartedAt: not null } && trial.FinishedAt is null;

    private void Finish(World.Trial trial)
    {
        world.StoreFinished(trial);
        world.End(trial, AttemptOutcome.Completed);
    }

    private void Exit(World.Trial trial, int code) =>
        world.End(trial, AttemptOutcome.FromExit(code, stopAsked: trial.Live!.Phase == AttemptPhase.Stopping));

    private void Take(World.Trial trial, bool taken)
    {
        if (!trial.Exists && trial.Live is null)
            world.Take(trial, taken);
    }

    private void On(int which, Func<World.Trial, bool> possible, Action<World.Trial> happen) =>
        Among(world.Running.Where(possible), which, happen);

    private static void Among(IEnumerable<World.Trial> trials, int which, Action<World.Trial> happen)
    {
        var possible = trials.ToList();
        if (possible.Count > 0)
            happen(possible[which % possible.Count]);
    }

    private void Edit(DesiredSweep edited)
    {
        desired = edited with { Generation = desired.Generation + 1 };
        observed.Edit(desired);
    }

    private void Hear(int which, bool again)
    {
        var notice = world.Notices[which];
        if (!again)
            world.Notices.RemoveAt(which);
        observed.Observe(notice);
    }

    private void Restart() => observed = new ObservedSweep(desired, world.LookAtAll());

    private Plan Step(int actions = int.MaxValue)
    {
        var plan = Planner.Plan(observed, world.Now);
        CheckPlan(plan);
        foreach (var action in plan.Actions.Take(actions))
            CarryOut(action);
        return plan;
    }

    private void CarryOut(PlanAction action)
    {
        var live = world.LiveAttempts;
        if (action is StartAttempt && !oldEngines)
            World.Ensure(world[action.Trial].FinishedAt is null, $"{action.Trial} is to start though its Finished is stored");
        var seen = world.CarryOut(action, desired);
        if (!oldEngines && world.LiveAttempts > live)
            World.Ensure(live < desired.Parallelism, $"{action.Trial} starts beside {live} others, parallelism {desired.Parallelism}");
        observed.Observe(seen);
    }

    private void OldEngine((DesiredSweep Desired, List<TrialObservation> Trials) view)
    {
        foreach (var action in Planner.Plan(new ObservedSweep(view.Desired, view.Trials), world.Now).Actions)
            world.CarryOut(action, view.Desired);
    }

    // ---- what always holds ----

    private void CheckPlan(Plan plan)
    {
        if (plan.Status.State != SweepState.Progressing)
            World.Ensure(!plan.Actions.Any(a => a is StartAttempt), $"a sweep that is {plan.Status.State} starts attempts");
        if (plan.Status.HasEnded)
            World.Ensure(plan.Actions.All(a => a is not StopAttempt), "an ended sweep stops attempts");
        foreach (var perTrial in plan.Actions.Where(a => a is not ClearSuperseded).GroupBy(a => a.Trial))
            World.Ensure(perTrial.Count() == 1, $"{perTrial.Key} gets several actions: {string.Join(", ", perTrial)}");
    }

    private void CheckView()
    {
        var plan = Text(Planner.Plan(observed, world.Now));
        World.Ensure(plan == Text(Planner.Plan(observed, world.Now)), "planning twice gives two plans");
        var rebuilt = new ObservedSweep(desired, observed.Trials.Reverse());
        var again = Text(Planner.Plan(rebuilt, world.Now));
        World.Ensure(plan == again, $"the index differs from one built again.\nkept:    {plan}\nrebuilt: {again}");
        Oracle.Check(observed, Planner.Plan(observed, world.Now), world.Now);
    }

    private static string Text(Plan plan) =>
        $"{string.Join("; ", plan.Actions)} | {plan.Status.State} {plan.Status.Counts} {plan.Status.Usage} {plan.Status.EndedAt} "
        + $"{string.Join("; ", plan.Status.Conditions)} {string.Join("; ", plan.Status.Faults)} | wakes {plan.NextWake:O}";

    // ---- how it ends ----

    private void EndWell()
    {
        foreach (var trial in world.Trials.Where(t => t.TakenByAnother))
            world.Take(trial, false);
        Edit(desired with { Suspend = false, Faults = [], Parallelism = Math.Max(1, desired.Parallelism) });
        RunToTheEnd();
        if (desired.WallClock is not null || desired.GpuHours is not null)
        {
            Edit(desired with { WallClock = null, GpuHours = null });
            RunToTheEnd();
        }

        var status = Planner.Plan(observed, world.Now).Status;
        foreach (var trial in world.Trials)
        {
            var wanted = desired.Trials.Any(t => t.Name == trial.Name);
            World.Ensure(trial.Superseded == (!wanted && trial.Exists), $"{trial.Name}: wanted {wanted}, superseded {trial.Superseded}");
            World.Ensure(wanted ? trial.Exists : !trial.Exists || trial.Attempts.Count > 0,
                $"{trial.Name}: wanted {wanted}, exists {trial.Exists}");
            World.Ensure(!wanted || trial.Completions == (trial.HasFailedForGood(desired) ? 0 : 1),
                $"{trial.Name} ends with {trial.Completions} completions, {trial.Failures} failures and "
                + $"{trial.Count(AttemptResult.Disrupted)} disruptions");
        }
        var finished = desired.Trials.Count(t => world[t.Name].FinishedAt is not null);
        World.Ensure(status.Counts.Finished == finished, $"{finished} finished, counted: {status.Counts}");
        var end = finished == desired.Trials.Count ? SweepState.Complete : SweepState.CompleteWithFailures;
        World.Ensure(status.State == end, $"ends {status.State}, not {end}");
    }

    /// <summary>From here on nothing fails and everything is seen, until the sweep says that it has ended.</summary>
    private void RunToTheEnd()
    {
        for (var round = 0; round < 300; round++)
        {
            foreach (var trial in world.Trials)
                observed.Observe(world.Look(trial));
            CheckView();
            var plan = Step();
            if (plan.Actions.Count > 0)
                continue;
            if (plan.Status.HasEnded)
                return;
            if (!Proceed())
            {
                World.Ensure(plan.NextWake > world.Now, $"stuck: {Text(plan)}");
                world.Advance(plan.NextWake!.Value - world.Now);
            }
        }
        throw new InvariantBroken($"does not end: {Text(Planner.Plan(observed, world.Now))}");
    }

    private bool Proceed()
    {
        var running = world.Running.ToList();
        foreach (var trial in running)
        {
            world.Advance(TimeSpan.FromMilliseconds(700));
            if (trial.FinishedAt is not null)
                world.End(trial, AttemptOutcome.Completed);
            else if (trial.Live!.Phase == AttemptPhase.Starting)
                world.Launch(trial);
            else if (trial.Live.Phase == AttemptPhase.Stopping)
                world.End(trial, AttemptOutcome.Left);
            else
                Finish(trial);
        }
        return running.Count > 0;
    }
}
