using System.Diagnostics;
using System.Globalization;
using Hem.Core.Planning;

namespace Hem.Bench;

/// <summary>
/// What a step of planning costs in a small and in a large sweep of the same parallelism, both in the middle of their life: an attempt
/// ends, is observed, the plan is made and carried out (a start, a creation), and made again, until nothing is left to do.
/// Rounds alternate between the two on one thread; the figure is the ratio of the medians.
/// </summary>
internal static class PlannerBench
{
    private const int Small = 1_000;
    private const int Large = 100_000;
    private const int Parallelism = 64;
    private const int Rounds = 41;
    private const int EndsPerRound = 400;

    public static int Run(string[] args)
    {
        var large = new Simulation(Large, finished: Large / 2);
        new Simulation(Small, finished: 100).Run(EndsPerRound);
        large.Run(EndsPerRound);

        var (small, big) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            var fresh = new Simulation(Small, finished: Small / 3);
            fresh.Run(20);
            large.Run(20);
            var (first, second) = round % 2 == 0
                ? (fresh.Run(EndsPerRound), large.Run(EndsPerRound))
                : Swap(large.Run(EndsPerRound), fresh.Run(EndsPerRound));
            small.Add(first);
            big.Add(second);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"step at {Small} trials {Median(small):0.00} us, at {Large} trials {Median(big):0.00} us; "
            + $"parallelism {Parallelism}, median of {Rounds} rounds"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"planner ratio={Median(small) / Median(big):0.00}"));
        return 0;
    }

    private static (double, double) Swap(double a, double b) => (b, a);

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);

    private sealed class Simulation
    {
        private readonly ObservedSweep observed;
        private readonly Random random = new(1);
        private readonly List<string> running = [];
        private DateTimeOffset now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        private long steps;

        public Simulation(int trials, int finished)
        {
            var names = Enumerable.Range(0, trials).Select(i => $"bench-{i:x16}").ToArray();
            var desired = new DesiredSweep { Trials = [.. names.Select(name => new DesiredTrial(name, name))], Parallelism = Parallelism };
            observed = new ObservedSweep(desired, names.Take(finished).Select(name => End(Begin(new TrialObservation(name, name), 1))));
            Act();
        }

        /// <summary>Microseconds a step.</summary>
        public double Run(int ends)
        {
            steps = 0;
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < ends; i++)
            {
                now += TimeSpan.FromMilliseconds(100);
                var which = random.Next(running.Count);
                observed.Observe(End(observed.Find(running[which])!));
                running[which] = running[^1];
                running.RemoveAt(running.Count - 1);
                Act();
            }
            return Stopwatch.GetElapsedTime(start).TotalMicroseconds / steps;
        }

        private void Act()
        {
            while (true)
            {
                steps++;
                var plan = Planner.Plan(observed, now);
                if (plan.Actions.Count == 0)
                    return;
                foreach (var action in plan.Actions)
                    switch (action)
                    {
                        case CreateTrial create:
                            observed.Observe(new TrialObservation(create.Trial, create.Hash));
                            break;
                        case StartAttempt attempt:
                            running.Add(attempt.Trial);
                            observed.Observe(Begin(observed.Find(attempt.Trial)!, attempt.Number));
                            break;
                    }
            }
        }

        private TrialObservation Begin(TrialObservation trial, int number) =>
            trial.With(new AttemptObservation(number, "", AttemptPhase.Running) { StartedAt = now });

        private TrialObservation End(TrialObservation trial) => (trial with { FinishedAt = now }).With(trial.Attempts[^1] with
        {
            Phase = AttemptPhase.Exited,
            Outcome = AttemptOutcome.Completed,
            EndedAt = now,
        });
    }
}
