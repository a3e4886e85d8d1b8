namespace Hem.Trainer.Algorithms;

/// <summary>Actions from what a network says.</summary>
internal static class Draws
{
    /// <summary>An index by its probability.</summary>
    public static int Categorical(ReadOnlySpan<float> probabilities, ref RandomStream random)
    {
        float left = random.NextSingle();
        int last = 0;
        for (int j = 0; j < probabilities.Length; j++)
        {
            left -= probabilities[j];
            if (left < 0)
                return j;
            last = probabilities[j] > 0 ? j : last;
        }

        return last;
    }

    /// <summary>argmax; among equals the first.</summary>
    public static int Greedy(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int j = 1; j < values.Length; j++)
            best = values[j] > values[best] ? j : best;
        return best;
    }

    /// <summary>action = mean + sigma times a standard normal draw, component by component.</summary>
    public static void Normal(ReadOnlySpan<float> mean, double sigma, ref RandomStream random, Span<float> action)
    {
        random.NextNormals(action);
        for (int k = 0; k < action.Length; k++)
            action[k] = mean[k] + (float)sigma * action[k];
    }

    /// <summary>Every component uniform in [-1, 1).</summary>
    public static void Uniform(ref RandomStream random, Span<float> action)
    {
        foreach (ref float component in action)
            component = 2 * random.NextSingle() - 1;
    }
}
