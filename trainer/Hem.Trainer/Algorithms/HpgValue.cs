using Hem.Trainer.Networks;
using Hem.Trainer.Tasks;

namespace Hem.Trainer.Algorithms;

/// <summary>
/// The value baseline of HPG, b(s, g) = V(s, g, t) with the time as an input because the return depends on it. It is learned on the
/// goals for which the episodes were collected, where the data are its own policy's, by undiscounted TD(0):
/// <code>
/// y_t = r_t + V(s_{t+1}, g, t + 1), 0 after the end, no gradient;   l = mean (V - y)^2,   dl/dV = 2 (V - y) / steps
/// </code>
/// </summary>
/// <remarks>
/// With self-normalised weights a baseline is no longer free of bias, since w depends on the very action: flip bit of 5 bits from zeros
/// comes to 0.96 without it, and with it to 0.1-0.2 with 2 episodes a batch, 0.5-0.9 with 16, 0.8-0.95 with 64.
/// </remarks>
internal sealed class HpgValue(IDiscreteTask task, TrainedNetwork critic, int part)
{
    private readonly int width = task.Inputs + 1;
    private readonly float[] inputs = new float[checked(part * (task.Inputs + 1))];
    private readonly float[] slope = new float[part];
    private readonly float[] targets = new float[part];
    private float[] values = [];

    public INetwork Network => critic.Network;

    /// <summary>V(s_t, g, t) of every step of the batch; empty: left midway.</summary>
    public ReadOnlySpan<float> Of(HindsightBatch batch, int goal, ITrainingHost host)
    {
        for (int first = 0; first < batch.Steps; first += part)
        {
            if (host.LeaveNow)
                return [];
            int count = Math.Min(part, batch.Steps - first);
            for (int i = 0; i < count; i++)
                Encode(batch, first + i, batch.Goal(goal), i);
            Forward(count).CopyTo(values.AsSpan(first));
        }

        return values.AsSpan(0, batch.Steps);
    }

    /// <summary>Leaves the gradient of the TD loss in the critic; false: left midway.</summary>
    public bool Learn(HindsightBatch batch, ITrainingHost host)
    {
        if (values.Length < batch.Steps)
            values = new float[2 * batch.Steps];
        for (int pass = 0; pass < 2; pass++)
        {
            for (int first = 0; first < batch.Steps; first += part)
            {
                if (host.LeaveNow)
                    return false;
                int count = Math.Min(part, batch.Steps - first);
                for (int i = 0; i < count; i++)
                    Encode(batch, first + i, batch.OwnGoal(first + i), i);
                ReadOnlySpan<float> now = Forward(count);
                if (pass == 0)
                {
                    now.CopyTo(values.AsSpan(first));
                    continue;
                }

                for (int i = 0; i < count; i++)
                    targets[i] = Target(batch, first + i);
                Losses.SquaredError(now, targets, slope, batch.Steps);
                critic.Network.Backward(slope.AsSpan(0, count), count, accumulate: first > 0);
            }
        }

        return true;
    }

    public void Step() => critic.Adam.Step();

    private float Target(HindsightBatch batch, int step)
    {
        int episode = batch.EpisodeOf(step), t = batch.TimeOf(step);
        if (t < batch.Length(episode))
            return values[step + 1] + Reward(batch, episode, t);
        return Reward(batch, episode, t);
    }

    /// <summary>T + 1 - t at the first arrival at the episode's own goal, else 0.</summary>
    private float Reward(HindsightBatch batch, int episode, int t) =>
        batch.ArrivalAtOwnGoal(episode) == t ? task.Horizon + 1 - t : 0;

    private void Encode(HindsightBatch batch, int step, ReadOnlySpan<byte> goal, int row)
    {
        task.Encode(batch.State(step), goal, inputs.AsSpan(row * width, task.Inputs));
        inputs[row * width + task.Inputs] = batch.TimeOf(step);
    }

    private ReadOnlySpan<float> Forward(int count) => critic.Network.Forward(inputs.AsSpan(0, count * width), count);
}
