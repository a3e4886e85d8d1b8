using System.Diagnostics;
using System.Globalization;
using Hem.Trainer;
using Hem.Trainer.MuJoCo;
using Hem.Trainer.Rendering;
using Hem.Trainer.Tasks;

namespace Hem.Bench;

/// <summary>
/// Frames a second of scenes drawn into memory, here and in a plain C loop (bench/native/render_loop.c) over the same poses, in turns on
/// one core; both must come to the same picture. Then steps a second of every task with its whole pipeline: the action simulated, the
/// state drawn, the network's input written.
/// </summary>
internal static class RenderBench
{
    private const int FramesPerRound = 200, SceneSteps = 400;
    private static readonly (string Scene, int Size)[] Compared = [("fetch-reach", 48), ("sawyer-reach", 84), ("fetch-reach", 84)];

    public static int Run(string[] args)
    {
        int rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 15;
        int core = Cores.Last();
        Cores.PinTo(core);
        if (Peer.Build() is not { } program)
            return 1;

        var last = "";
        foreach ((string scene, int size) in Compared)
        {
            if (Compare(program, core, scene, size, rounds) is not { } line)
                return 1;
            Console.WriteLine(line);
            last = line;
        }

        IVisibleTask[] tasks =
        [
            new PointMass(), new Reacher(), new Fetch(FetchSettings.Reach), new Fetch(FetchSettings.Push), new Fetch(FetchSettings.Slide),
            new Fetch(FetchSettings.PickPlace), new SawyerReach(),
        ];
        foreach (IVisibleTask task in tasks)
        {
            Console.WriteLine(
                $"steps/s of {task.Name,-15} with vectors {StepsPerSecond(task),9:N0}, "
                + $"with images of 48 {StepsPerSecond(new ImageTask(task, 48, goalIsImage: false)),6:N0}, "
                + $"of 84 {StepsPerSecond(new ImageTask(task, 84, goalIsImage: false)),6:N0}");
        }

        Console.WriteLine(last);
        return 0;
    }

    private static string? Compare(string program, int core, string scene, int size, int rounds)
    {
        using var peer = new Peer(program, core, scene, size);
        using var model = Model.FromResource(scene);
        using var renderer = new SceneRenderer(model, size, size);
        var ours = new OurLoop(renderer);
        List<double> theirTimes = [], ourTimes = [];
        for (int round = -1; round < rounds; round++)
        {
            (double theirTime, ulong theirSum) = peer.Draw(FramesPerRound);
            (double ourTime, ulong ourSum) = ours.Draw(FramesPerRound);
            if (ourSum != theirSum)
            {
                Console.Error.WriteLine($"hem-bench render: {scene} looks otherwise here than in the C loop");
                return null;
            }

            if (round < 0)
                continue;   // shaders are compiled
            theirTimes.Add(theirTime);
            ourTimes.Add(ourTime);
        }

        double ratio = theirTimes.Min() / ourTimes.Min(), medians = Median(theirTimes) / Median(ourTimes);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"render ratio={ratio:F3} median_ratio={medians:F3} ours_fps={FramesPerRound / ourTimes.Min():F0} "
            + $"c_fps={FramesPerRound / theirTimes.Min():F0} scene={scene} size={size} rounds={rounds} core={core}");
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static double StepsPerSecond(IContinuousTask task)
    {
        var random = new RandomStream(1, RandomPurpose.Worker);
        byte[] simulation = new byte[task.SimulationBytes], state = new byte[task.StateBytes], goal = new byte[task.GoalBytes];
        float[] input = new float[task.Inputs], action = new float[task.ActionSize];
        long taken = 0, spent = 0;
        for (int episode = 0; episode <= SceneSteps / task.Horizon; episode++)
        {
            task.Reset(ref random, simulation, state, goal);
            long started = Stopwatch.GetTimestamp();
            for (int step = 0; step < task.Horizon; step++)
            {
                foreach (ref float component in action.AsSpan())
                    component = 2 * random.NextSingle() - 1;
                task.Step(ref random, simulation, state, action);
                task.Encode(state, goal, input);
            }

            if (episode == 0)
                continue;
            spent += Stopwatch.GetTimestamp() - started;
            taken += task.Horizon;
        }

        return taken / Stopwatch.GetElapsedTime(0, spent).TotalSeconds;
    }

    /// <summary>The poses of the C loop, drawn by the trainer's renderer.</summary>
    private sealed class OurLoop(SceneRenderer renderer)
    {
        private readonly double[] start = [.. renderer.Simulation.Qpos];
        private readonly byte[] picture = new byte[3 * renderer.Width * renderer.Height];
        private long frame;

        public (double Seconds, ulong Sum) Draw(int frames)
        {
            Span<double> joints = renderer.Simulation.Qpos;
            long started = Stopwatch.GetTimestamp();
            for (int i = 0; i < frames; i++, frame++)
            {
                for (int j = 0; j < joints.Length; j++)
                    joints[j] = start[j] + 0.02 * Math.Sin(0.1 * frame + j);
                renderer.Draw(picture);
            }

            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            ulong sum = 0;
            foreach (byte value in picture)
                sum = sum * 31 + value;
            return (seconds, sum);
        }
    }

    /// <summary>The C loop in a process of its own.</summary>
    private sealed class Peer : IDisposable
    {
        private readonly Process process;

        public Peer(string program, int core, string scene, int size)
        {
            string model = Path.Combine(Root(), "trainer", "Hem.Trainer", "Tasks", "Models", $"{scene}.xml");
            ProcessStartInfo start = Cores.On(core, null, program, model, size.ToString(CultureInfo.InvariantCulture));
            start.RedirectStandardInput = true;
            process = Process.Start(start)!;
        }

        /// <summary>The compiled loop; null (and why, for people) where it cannot be compiled.</summary>
        public static string? Build()
        {
            string program = Path.Combine(Root(), "artifacts", "render-loop");
            string source = Path.Combine(Root(), "bench", "native", "render_loop.c");
            using Process gcc = Process.Start("gcc", ["-O2", "-o", program, source, "-lmujoco", "-lEGL", "-lm"]);
            gcc.WaitForExit();
            if (gcc.ExitCode == 0)
                return program;
            Console.Error.WriteLine("hem-bench render: the C loop needs apt-get install gcc libc6-dev libmujoco-dev libegl-dev");
            return null;
        }

        public (double Seconds, ulong Sum) Draw(int frames)
        {
            process.StandardInput.WriteLine(frames.ToString(CultureInfo.InvariantCulture));
            process.StandardInput.Flush();
            string line = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the C loop ended early");
            string[] answer = line.Split(' ');
            return (double.Parse(answer[0], CultureInfo.InvariantCulture), ulong.Parse(answer[1], CultureInfo.InvariantCulture));
        }

        public void Dispose()
        {
            process.StandardInput.Close();
            process.WaitForExit();
            process.Dispose();
        }

        private static string Root()
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Hem.sln")))
                folder = folder.Parent;
            return folder?.FullName ?? throw new InvalidOperationException("run hem-bench from within the source tree");
        }
    }
}
