using Hem.Core.Planning;

namespace Core.Tests.Planning;

public class PlannerSimulation
{
    [Fact]
    public void A_hundred_thousand_trials_are_planned_to_the_end()
    {
        const int Trials = 100_000;
        const int Parallelism = 200;
        var random = new Random(1);
        var names = Enumerable.Range(0, Trials).Select(i => $"big-{i:x16}").ToArray();
        var desired = new DesiredSweep { Trials = [.. names.Select(n => new DesiredTrial(n, n))], Parallelism = Parallelism };
        var observed = new ObservedSweep(desired);
        var now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var running = new List<(string Trial, int Number)>();
        int created = 0, failures = 0, disruptions = 0, starts = 0, mostCreated = 0;

        for (var plan = Planner.Plan(observed, now); !plan.Status.HasEnded; plan = Planner.Plan(observed, now))
        {
            foreach (var action in plan.Actions)
                switch (action)
                {
                    case CreateTrial create:
                        created++;
                        observed.Observe(new TrialObservation(create.Trial, create.Hash));
                        break;
                    case StartAttempt start:
                        starts++;
                        running.Add((start.Trial, start.Number));
                        running.Count.ShouldBeLessThanOrEqualTo(Parallelism);
                        observed.Observe(observed.Find(start.Trial)!.With(
                            new AttemptObservation(start.Number, "id", AttemptPhase.Running) { StartedAt = now }));
                        break;
                    default:
                        throw new InvariantBroken($"unexpected: {action}");
                }
            mostCreated = Math.Max(mostCreated, created - plan.Status.Counts.Finished);
            if (plan.Actions.Count > 0)
                continue;

            now += TimeSpan.FromSeconds(1);
            for (var ends = Math.Min(running.Count, 100); ends > 0; ends--)
            {
                var which = random.Next(running.Count);
                var (trial, number) = running[which];
                running[which] = running[^1];
                running.RemoveAt(running.Count - 1);
                var seen = observed.Find(trial)!;
                var luck = seen.Attempts.Count > 3 ? 0 : random.Next(20);
                failures += luck == 1 ? 1 : 0;
                disruptions += luck == 2 ? 1 : 0;
                observed.Observe((luck is 1 or 2 ? seen : seen with { FinishedAt = now }).With(seen.Attempts[^1] with
                {
                    Phase = AttemptPhase.Exited,
                    Outcome = luck switch
                    {
                        1 => AttemptOutcome.Failed("exit code 1"),
                        2 => AttemptOutcome.Disrupted("evicted"),
                        _ => AttemptOutcome.Completed,
                    },
                    EndedAt = now,
                }));
            }
        }

        var status = Planner.Plan(observed, now).Status;
        status.State.ShouldBe(SweepState.Complete);
        status.Counts.Finished.ShouldBe(Trials);
        created.ShouldBe(Trials);
        starts.ShouldBe(Trials + failures + disruptions);
        mostCreated.ShouldBeLessThan(Parallelism * 20, "trials are created when their turn comes");
    }
}
