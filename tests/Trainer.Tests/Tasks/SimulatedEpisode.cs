using System.Runtime.InteropServices;
using Hem.Trainer;
using Hem.Trainer.Tasks;

namespace Trainer.Tests.Tasks;

/// <summary>An episode of a simulated task, step by step.</summary>
internal sealed class SimulatedEpisode
{
    private readonly SimulatedTask task;
    private readonly byte[] simulation, state, goal;
    private RandomStream random;

    public SimulatedEpisode(SimulatedTask task, long seed = 1)
    {
        this.task = task;
        (simulation, state, goal) = (new byte[task.SimulationBytes], new byte[task.StateBytes], new byte[task.GoalBytes]);
        random = new RandomStream(seed, RandomPurpose.Worker);
        Reset();
    }

    public Span<float> State => MemoryMarshal.Cast<byte, float>(state.AsSpan());

    public Span<float> Goal => MemoryMarshal.Cast<byte, float>(goal.AsSpan());

    public Span<byte> StateBytes => state;

    public Span<byte> SimulationBytes => simulation;

    /// <summary>Joint values.</summary>
    public Span<double> Qpos => Doubles.Slice(1, Sizes.Nq);

    public Span<double> Qvel => Doubles.Slice(1 + Sizes.Nq, Sizes.Nv);

    public bool IsSuccess => task.IsSuccess(state, goal);

    private Span<double> Doubles => MemoryMarshal.Cast<byte, double>(simulation.AsSpan());

    private unsafe (int Nq, int Nv) Sizes => (task.Model.Pointer->nq, task.Model.Pointer->nv);

    public void Reset() => task.Reset(ref random, simulation, state, goal);

    public StepOutcome Step(params ReadOnlySpan<double> action)
    {
        Span<float> executed = stackalloc float[action.Length];
        for (int i = 0; i < action.Length; i++)
            executed[i] = Math.Clamp((float)action[i], -1, 1);
        return task.Step(ref random, simulation, state, executed[..task.ActionSize]);
    }

    /// <summary>Uniform in the box of actions.</summary>
    public StepOutcome StepAtRandom()
    {
        Span<double> action = stackalloc double[task.ActionSize];
        foreach (ref double a in action)
            a = 2 * random.NextDouble() - 1;
        return Step(action);
    }
}
