using System.Runtime.InteropServices;
using Hem.Trainer;
using Hem.Trainer.Tasks;

namespace Trainer.Tests.Tasks;

/// <summary>
/// The smallest continuous task: a point glides in the square [-1, 1]^2 by a quarter of its speed, and an action changes its speed. The
/// speed can be kept in the simulation instead of in the state, and simulations can be made to diverge at random, or to do so before
/// they begin.
/// </summary>
internal sealed class Glider(bool hidesSpeed = false, double unstable = 0, int horizon = 10, double unstableStarts = 0)
    : IContinuousTask
{
    public string Name => "glider";

    public int Horizon => horizon;

    public int ActionSize => 2;

    public int StateBytes => (hidesSpeed ? 2 : 4) * sizeof(float);

    public int GoalBytes => 2 * sizeof(float);

    public int SimulationBytes => hidesSpeed ? 2 * sizeof(float) : 0;

    public InputShape Input => InputShape.OfVectors(hidesSpeed ? 2 : 4, 2);

    public bool IsDeterministic => unstable == 0;

    public StepOutcome Reset(ref RandomStream random, Span<byte> simulation, Span<byte> state, Span<byte> goal)
    {
        simulation.Clear();
        state.Clear();
        foreach (ref float x in Numbers(goal))
            x = (float)(1.6 * random.NextDouble() - 0.8);
        return unstableStarts > 0 && random.NextDouble() < unstableStarts ? StepOutcome.Unstable : StepOutcome.Stepped;
    }

    public StepOutcome Step(ref RandomStream random, Span<byte> simulation, Span<byte> state, ReadOnlySpan<float> action)
    {
        Span<float> position = Numbers(state)[..2], speed = hidesSpeed ? Numbers(simulation) : Numbers(state)[2..];
        if (unstable > 0 && random.NextDouble() < unstable)
        {
            position.Fill(float.NaN);
            return StepOutcome.Unstable;
        }

        for (int i = 0; i < 2; i++)
        {
            speed[i] = 0.5f * speed[i] + 0.5f * action[i];
            position[i] = Math.Clamp(position[i] + 0.25f * speed[i], -1, 1);
        }

        return StepOutcome.Stepped;
    }

    public void AchievedGoal(ReadOnlySpan<byte> state, Span<byte> goal) => state[..GoalBytes].CopyTo(goal);

    public bool IsSuccess(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal)
    {
        ReadOnlySpan<float> at = MemoryMarshal.Cast<byte, float>(state), wanted = MemoryMarshal.Cast<byte, float>(goal);
        float x = at[0] - wanted[0], y = at[1] - wanted[1];
        return x * x + y * y < 0.15f * 0.15f;
    }

    public void Encode(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input)
    {
        MemoryMarshal.Cast<byte, float>(state).CopyTo(input);
        MemoryMarshal.Cast<byte, float>(goal).CopyTo(input[Input.StateVector..]);
    }

    private static Span<float> Numbers(Span<byte> bytes) => MemoryMarshal.Cast<byte, float>(bytes);
}
