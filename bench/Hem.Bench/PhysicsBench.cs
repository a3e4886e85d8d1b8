using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Hem.Trainer;
using Hem.Trainer.MuJoCo;
using Hem.Trainer.Tasks;

namespace Hem.Bench;

/// <summary>
/// Environments as algorithms see them (an episode's bytes loaded, its action applied, simulated, observed, saved) against Debian's own
/// `mujoco-testspeed`, which does nothing but call mj_step: the same model from the same state, in turns on one core. The environments
/// rest here (actions of zero), as testspeed's do; with random actions they have more to do, which is shown too.
/// <para>
/// Of reacher and Sawyer both then compute the same. A Fetch robot at rest is given its target and its closed fingers anew with each
/// action, and testspeed's is not, so that its steps are other ones: there the second comparison says more, with the very same steps
/// taken by mj_step alone, action for action in turns.
/// </para>
/// </summary>
internal static partial class PhysicsBench
{
    private const int StepsToRest = 5;
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(0.15);

    public static int Run(string[] args)
    {
        int rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 20;
        int core = Cores.Last();
        Cores.PinTo(core);
        DirectoryInfo models = Directory.CreateTempSubdirectory("hem-bench-");
        try
        {
            // Simulator steps that make an action.
            List<Entry> entries =
            [
                new(new Reacher(), 2, models), new(new SawyerReach(), 50, models), new(new Fetch(FetchSettings.Push), 20, models),
                new(new Fetch(FetchSettings.PickPlace), 20, models), new(new Fetch(FetchSettings.Slide), 20, models),
                new(new Fetch(FetchSettings.Reach), 20, models),
            ];
            for (int round = 0; round < rounds; round++)
            {
                foreach (Entry entry in entries)
                    entry.Measure(core, round % 2 == 0);
            }

            Console.WriteLine($"{rounds} turns each on core {core}; simulator steps a second, best of the turns, one thread");
            foreach (Entry entry in entries)
                Console.WriteLine(entry.Describe());
            Entry worst = entries.Where(entry => entry.IsSameWork).MinBy(entry => entry.Ratio)!;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"physics ratio={worst.Ratio:F3} median_ratio={worst.MedianRatio:F3} processor_ratio={worst.ProcessorRatio:F3} "
                + $"same_steps={entries.Min(entry => entry.Share):F3} task={worst.Name} ours={worst.Ours:F0} testspeed={worst.Theirs:F0} "
                + $"unit=steps/s (the lowest)"));
            return 0;
        }
        finally
        {
            models.Delete(recursive: true);
        }
    }

    /// <summary>One task, and the file of the same model that rests where it does.</summary>
    private sealed class Entry
    {
        private readonly SimulatedTask task;
        private readonly int substeps;
        private readonly string file;
        private readonly List<double> ours = [], acting = [], theirs = [], whole = [], alone = [];
        private readonly Simulation bare;
        private readonly List<double> ourProcessor = [], theirProcessor = [];   // steps per second of processor time
        private readonly byte[] simulation, state, goal;
        private readonly float[] still, action;
        private RandomStream random = new(1, RandomPurpose.Worker);

        public Entry(SimulatedTask task, int substeps, DirectoryInfo folder)
        {
            (this.task, this.substeps) = (task, substeps);
            (simulation, state, goal) = (new byte[task.SimulationBytes], new byte[task.StateBytes], new byte[task.GoalBytes]);
            bare = new Simulation(task.Model);
            (still, action) = (new float[task.ActionSize], new float[task.ActionSize]);
            Steps(2000, atRandom: true);   // the runtime compiles what is called often anew
            Rest();
            file = TestSpeed.WriteModel(task, simulation, folder.CreateSubdirectory(Name).FullName);
        }

        /// <summary>Whether testspeed's steps are those of the environment.</summary>
        public bool IsSameWork => task is Reacher or SawyerReach;

        /// <summary>The time of mj_step alone over that of the environment, for the same steps.</summary>
        public double Share => Median(alone) / Median(whole);

        public string Name => task.Name;

        public double Ours => ours.Max();

        public double Theirs => theirs.Max();

        public double Ratio => Ours / Theirs;

        /// <summary>By processor time, which what else runs on the machine hardly changes.</summary>
        public double ProcessorRatio => ourProcessor.Max() / theirProcessor.Max();

        public double MedianRatio => ours.Zip(theirs, (mine, peer) => mine / peer).Order().ElementAt(ours.Count / 2);

        public void Measure(int core, bool oursFirst)
        {
            if (oursFirst)
                Resting();
            MeasurePeer(core);
            if (!oursFirst)
                Resting();
            Rest();
            acting.Add(Rate(atRandom: true).Wall);
            Rest();
            CompareSteps();
        }

        public string Describe() => string.Create(
            CultureInfo.InvariantCulture,
            $"{Name,-16} resting {Ours,9:F0}, testspeed {Theirs,9:F0}, ratio {Ratio:F3} (median {MedianRatio:F3}, "
            + $"processor time {ProcessorRatio:F3}), "
            + $"same steps {Share:F3}; "
            + $"random actions {acting.Max(),9:F0}: {acting.Max() / substeps:F0} actions/s");

        private void Resting()
        {
            Rest();
            (double wall, double processor) = Rate(atRandom: false);
            ours.Add(wall);
            ourProcessor.Add(processor);
        }

        private void Rest()
        {
            task.Reset(ref random, simulation, state, goal);
            Steps(StepsToRest, atRandom: false);
        }

        private (double Wall, double Processor) Rate(bool atRandom)
        {
            const int actions = 50;
            long done = 0;
            TimeSpan before = Environment.CpuUsage.TotalTime;
            var clock = Stopwatch.StartNew();
            for (; clock.Elapsed < Turn; done += actions)
            {
                Steps(actions, atRandom);
                if (atRandom)
                    task.Reset(ref random, simulation, state, goal);
            }

            double steps = done * substeps;
            return (steps / clock.Elapsed.TotalSeconds, steps / (Environment.CpuUsage.TotalTime - before).TotalSeconds);
        }

        private void Steps(int count, bool atRandom)
        {
            for (int i = 0; i < count; i++)
            {
                if (atRandom)
                {
                    foreach (ref float component in action.AsSpan())
                        component = 2 * random.NextSingle() - 1;
                }

                if (task.Step(ref random, simulation, state, atRandom ? action : still) != StepOutcome.Stepped)
                    task.Reset(ref random, simulation, state, goal);
            }
        }

        private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

        /// <summary>Each action by the environment, and then its steps once more from the same state.</summary>
        private unsafe void CompareSteps()
        {
            var m = task.Model.Pointer;
            int first = sizeof(double) * (1 + m->nq + 2 * m->nv);   // where controls and targets lie, which the action sets
            var before = new byte[bare.StateBytes];
            for (int i = 0; i < 4000 / substeps; i++)
            {
                simulation.AsSpan(0, before.Length).CopyTo(before);
                long start = Stopwatch.GetTimestamp();
                Steps(1, atRandom: false);
                whole.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
                simulation.AsSpan(first, before.Length - first).CopyTo(before.AsSpan(first));
                bare.Load(before);
                start = Stopwatch.GetTimestamp();
                for (int k = 0; k < substeps; k++)
                    MuJoCoLibrary.mj_step(m, bare.Pointer);
                alone.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            }
        }

        /// <summary>Its own figure; and the processor time of so many steps more than one.</summary>
        private void MeasurePeer(int core)
        {
            int steps = Math.Max(1000, (int)(ours.Concat(theirs).DefaultIfEmpty(50_000).Max() * Turn.TotalSeconds));
            (double wall, TimeSpan processor) = RunPeer(core, steps);
            theirs.Add(wall);
            theirProcessor.Add(steps / (processor - RunPeer(core, 1).Processor).TotalSeconds);
        }

        private (double Wall, TimeSpan Processor) RunPeer(int core, int steps)
        {
            TimeSpan before = ProcessorTimeOfChildren();
            return (TestSpeed.StepsPerSecond(core, file, steps), ProcessorTimeOfChildren() - before);
        }
    }

    /// <summary>Of those that have ended.</summary>
    private static unsafe TimeSpan ProcessorTimeOfChildren()
    {
        const int children = -1;
        long* usage = stackalloc long[32];   // begins with seconds and microseconds of the user's time, then of the system's
        return GetUsage(children, usage) == 0
            ? TimeSpan.FromSeconds(usage[0] + usage[2]) + TimeSpan.FromMicroseconds(usage[1] + usage[3])
            : throw new InvalidOperationException("getrusage failed");
    }

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static unsafe partial int GetUsage(int who, long* usage);
}
