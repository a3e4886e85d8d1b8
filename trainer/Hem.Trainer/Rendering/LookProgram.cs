using System.Globalization;
using Hem.Core.Sweeps;
using Hem.Trainer.Tasks;
using Hem.Trainer.Trials;

namespace Hem.Trainer.Rendering;

/// <summary>
/// `hem-trainer look TASK`: a picture of what an agent with images sees at the start of an episode, of its goal, and of the scene for
/// people, above a film strip of the episode under random actions.
/// </summary>
internal static class LookProgram
{
    private const int PanelSide = 420, FrameSide = 136, Gap = 8, FramesPerRow = 9, Rows = 2, Smooth = 4;

    /// <param name="args">What follows `look`.</param>
    /// <param name="output">Says what was written.</param>
    /// <exception cref="BadConfigurationException">The arguments are wrong, or this machine cannot draw.</exception>
    public static int Run(ReadOnlySpan<string> args, TextWriter output)
    {
        (string name, int size, int seed, string file) = Parse(args);
        IVisibleTask task = VisibleTask(name);
        Picture sheet = Draw(task, size, seed);
        using (FileStream stream = File.Create(file))
            PngFile.Write(stream, sheet);

        output.WriteLine(
            $"{file}: {name}, seed {seed}, drawn by {OpenGl.EnsureContext().Name}. Above: the state and a state at the goal as the agent "
            + $"sees them ({size} x {size} pixels, enlarged), and the scene with the goal marked. Below: an episode under random actions.");
        return ExitCode.Finished;
    }

    /// <summary>The sheet of one episode.</summary>
    public static Picture Draw(IVisibleTask task, int size, int seed)
    {
        int enlarged = PanelSide / size, panel = enlarged * size;
        int strip = FramesPerRow * FrameSide + (FramesPerRow - 1) * Gap;
        var sheet = new Picture(
            Math.Max(3 * panel + 2 * Gap, strip) + 2 * Gap, panel + Gap + Rows * (FrameSide + Gap) + Gap);
        sheet.Fill(38, 38, 38);

        var episode = new Episode(task, new RandomStream(seed, RandomPurpose.Evaluation));
        using var small = new SceneRenderer(task.Model, size, size);
        string people = task.Model.HasCamera(SceneRenderer.Scene) ? SceneRenderer.Scene : SceneRenderer.Agent;
        using var large = new SceneRenderer(task.Model, panel, panel, Smooth, people);
        using var frames = new SceneRenderer(task.Model, FrameSide, FrameSide, Smooth, people);
        Marker[] goal = episode.GoalMarkers();
        sheet.Paste(Render(small, episode, []), Gap, Gap, enlarged);
        sheet.Paste(Render(small, episode.AtGoal(), []), Gap + panel + Gap, Gap, enlarged);
        sheet.Paste(Render(large, episode, goal), Gap + 2 * (panel + Gap), Gap);

        int count = FramesPerRow * Rows, step = 0;
        for (int frame = 0; frame < count; frame++)
        {
            for (; step < frame * task.Horizon / (count - 1); step++)
                episode.StepAtRandom();
            (int row, int column) = Math.DivRem(frame, FramesPerRow);
            sheet.Paste(
                Render(frames, episode, goal), Gap + column * (FrameSide + Gap), panel + 2 * Gap + row * (FrameSide + Gap));
        }

        return sheet;
    }

    private static Picture Render(SceneRenderer renderer, Episode episode, ReadOnlySpan<Marker> markers)
    {
        var picture = new Picture(renderer.Width, renderer.Height);
        episode.Pose(renderer);
        renderer.Draw(picture.Bytes, markers);
        return picture;
    }

    private static (string Task, int Size, int Seed, string File) Parse(ReadOnlySpan<string> args)
    {
        string? task = null, file = null;
        int size = 84, seed = 1;
        for (int i = 0; i < args.Length; i++)
        {
            string arg = args[i];
            if (!arg.StartsWith('-') && task is null)
            {
                task = arg;
                continue;
            }

            string value = i + 1 < args.Length ? args[++i] : throw Wrong($"{arg} needs a value");
            switch (arg)
            {
                case "--image-size" when int.TryParse(value, CultureInfo.InvariantCulture, out size):
                    if (size is < 36 or > 128 || size % 4 != 0)
                        throw Wrong($"--image-size is {value}: a multiple of 4 from 36 to 128 is wanted");
                    break;
                case "--seed" when int.TryParse(value, CultureInfo.InvariantCulture, out seed):
                    break;
                case "--out":
                    file = value;
                    break;
                default:
                    throw Wrong($"{arg} {value} is not understood");
            }
        }

        return task is null ? throw Wrong("no task was named") : (task, size, seed, file ?? $"look-{task}.png");
    }

    private static BadConfigurationException Wrong(string what) =>
        new($"{what}. usage: hem-trainer look TASK [--image-size 84] [--seed 1] [--out FILE.png]");

    private static IVisibleTask VisibleTask(string name)
    {
        if (TaskName.TryParse(name, out TaskName? task) && task.HasImages)
        {
            ParameterSet parameters = ParameterTable.Resolve(ParameterSet.Of(("algorithm", "hem"), ("task", name)));
            if (TaskCatalog.Create(parameters) is IVisibleTask visible)
                return visible;
        }

        string[] all = [.. TaskName.All.Where(each => TaskName.TryParse(each, out TaskName? other) && other.HasImages)];
        throw new BadConfigurationException($"there is nothing to look at in {name}; the tasks with pictures: {string.Join(", ", all)}");
    }

    /// <summary>One episode, step by step.</summary>
    private sealed class Episode
    {
        private readonly IVisibleTask task;
        private readonly byte[] simulation, state, goal;
        private RandomStream random;

        public Episode(IVisibleTask task, RandomStream random)
        {
            (this.task, this.random) = (task, random);
            (simulation, state, goal) = (new byte[task.SimulationBytes], new byte[task.StateBytes], new byte[task.GoalBytes]);
            task.Reset(ref this.random, simulation, state, goal);
        }

        private Episode(Episode other)
        {
            (task, random, goal) = (other.task, other.random, other.goal);
            (simulation, state) = ([.. other.simulation], [.. other.state]);
        }

        public void StepAtRandom()
        {
            Span<float> action = stackalloc float[task.ActionSize];
            foreach (ref float component in action)
                component = 2 * random.NextSingle() - 1;
            task.Step(ref random, simulation, state, action);
        }

        public Episode AtGoal()
        {
            var there = new Episode(this);
            task.MoveToGoal(there.simulation, there.state, goal);
            return there;
        }

        public void Pose(SceneRenderer renderer) => task.Pose(simulation, state, renderer.Simulation);

        /// <summary>The goal's place, and the ball around it in which a state is a success.</summary>
        public Marker[] GoalMarkers()
        {
            (double x, double y, double z) = task.PlaceOf(goal);
            return [new(x, y, z, 0.2 * task.SuccessDistance, 1, 0, 0, 1), new(x, y, z, task.SuccessDistance, 1, 0.2f, 0.2f, 0.35f)];
        }
    }
}
