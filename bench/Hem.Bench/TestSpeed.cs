using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Hem.Trainer;
using Hem.Trainer.Tasks;

namespace Hem.Bench;

/// <summary>Debian's `mujoco-testspeed`, which does nothing but call mj_step, on a task's model.</summary>
internal static partial class TestSpeed
{
    private const string Program = "mujoco-testspeed";
    private const string Models = "Hem.Trainer.Tasks.Models.";

    /// <summary>Simulator steps a second on a core, as the program itself measures them.</summary>
    /// <param name="core">The core.</param>
    /// <param name="model">From <see cref="WriteModel"/>.</param>
    /// <param name="steps">How many it takes.</param>
    public static double StepsPerSecond(int core, string model, int steps)
    {
        string count = steps.ToString(CultureInfo.InvariantCulture);
        ProcessStartInfo start = Cores.On(core, null, Program, model, count, "1", "0");
        start.WorkingDirectory = Path.GetDirectoryName(model);   // where it would leave its log
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Match rate = Reported().Match(output);
        return rate.Success
            ? double.Parse(rate.Groups[1].Value, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"{Program} {model} did not say its speed: {output}");
    }

    /// <summary>
    /// Writes the task's model with the start of an episode as the keyframe from which the program begins; what leads the hand stays
    /// where the episode has it.
    /// </summary>
    /// <returns>The file.</returns>
    public static string WriteModel(SimulatedTask task, string folder)
    {
        var random = new RandomStream(1, RandomPurpose.Worker);
        byte[] simulation = new byte[task.SimulationBytes], state = new byte[task.StateBytes], goal = new byte[task.GoalBytes];
        float[] still = new float[task.ActionSize];
        task.Reset(ref random, simulation, state, goal);
        for (int i = 0; i < 5; i++)
            task.Step(ref random, simulation, state, still);
        return WriteModel(task, simulation, folder);
    }

    /// <summary>The same with an episode that goes on already.</summary>
    /// <param name="task">The task.</param>
    /// <param name="simulation">What the episode carries beside its state.</param>
    /// <param name="folder">Where the model's files go.</param>
    public static unsafe string WriteModel(SimulatedTask task, ReadOnlySpan<byte> simulation, string folder)
    {
        var assembly = typeof(SimulatedTask).Assembly;
        foreach (string name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(Models, StringComparison.Ordinal)))
        {
            using Stream resource = assembly.GetManifestResourceStream(name)!;
            using FileStream copy = File.Create(Path.Combine(folder, name[Models.Length..]));
            resource.CopyTo(copy);
        }

        // The bytes of an episode are doubles: time, positions, velocities, warm start, controls, the target's position and rotation.
        ReadOnlySpan<double> numbers = MemoryMarshal.Cast<byte, double>(simulation);
        var m = task.Model.Pointer;
        var (nq, nv) = (m->nq, m->nv);
        ReadOnlySpan<double> target = numbers.Slice(1 + nq + 2 * nv + m->nu, 7 * m->nmocap);
        string path = Path.Combine(folder, $"{task.Name}.xml");
        var model = new StringBuilder(File.ReadAllText(path));
        if (m->nmocap > 0)
        {
            model.Replace(
                "<body name=\"mocap\" mocap=\"true\" />",
                $"<body name=\"mocap\" mocap=\"true\" pos=\"{Row(target[..3])}\" quat=\"{Row(target[3..])}\" />");
        }

        model.Replace(
            "</mujoco>",
            $"<keyframe><key name=\"test\" qpos=\"{Row(numbers.Slice(1, nq))}\" qvel=\"{Row(numbers.Slice(1 + nq, nv))}\" />"
            + "</keyframe></mujoco>");
        File.WriteAllText(path, model.ToString());
        return path;
    }

    private static string Row(ReadOnlySpan<double> numbers) =>
        string.Join(' ', numbers.ToArray().Select(number => number.ToString("R", CultureInfo.InvariantCulture)));

    [GeneratedRegex(@"Steps per second\s*:\s*([0-9]+)")]
    private static partial Regex Reported();
}
