namespace Hem.Trainer.Networks;

/// <summary>Functions over rows and spans whose results have the same bits on every processor.</summary>
public static class VectorMath
{
    /// <summary>results[i] = e^values[i]; the spans may be the same.</summary>
    public static void Exp(ReadOnlySpan<float> values, Span<float> results)
    {
        for (var i = 0; i < values.Length; i++)
            results[i] = MathF.Exp(values[i]);
    }

    /// <summary>results[i] = the natural logarithm of values[i]; the spans may be the same.</summary>
    public static void Log(ReadOnlySpan<float> values, Span<float> results)
    {
        for (var i = 0; i < values.Length; i++)
            results[i] = MathF.Log(values[i]);
    }

    /// <summary>results[i] = tanh values[i]; the spans may be the same.</summary>
    public static void Tanh(ReadOnlySpan<float> values, Span<float> results)
    {
        for (var i = 0; i < values.Length; i++)
            results[i] = MathF.Tanh(values[i]);
    }

    /// <summary>Row by row, probabilities = softmax(logits), both [rows, columns]; the spans may be the same.</summary>
    public static void Softmax(ReadOnlySpan<float> logits, int columns, Span<float> probabilities)
    {
        for (var start = 0; start < logits.Length; start += columns)
        {
            var row = probabilities.Slice(start, columns);
            logits.Slice(start, columns).CopyTo(row);
            var maximum = row[0];
            foreach (var value in row)
                maximum = MathF.Max(maximum, value);
            float sum = 0;
            foreach (ref var value in row)
                sum += value = MathF.Exp(value - maximum);
            foreach (ref var value in row)
                value /= sum;
        }
    }

    /// <summary>
    /// The mean over the rows of -log softmax(logits)[action], and its gradient with respect to the logits,
    /// (softmax(logits)_j - 1[j = action]) / rows. The gradient may be the span of the logits.
    /// </summary>
    /// <param name="logits">[rows, columns].</param>
    /// <param name="actions">The column taken in each row; its length is the number of rows.</param>
    /// <param name="gradient">[rows, columns], written.</param>
    public static float SoftmaxCrossEntropy(ReadOnlySpan<float> logits, ReadOnlySpan<int> actions, Span<float> gradient)
    {
        var columns = logits.Length / actions.Length;
        float loss = 0;
        Softmax(logits, columns, gradient);
        for (var row = 0; row < actions.Length; row++)
            loss -= MathF.Log(gradient[row * columns + actions[row]]);
        for (var row = 0; row < actions.Length; row++)
            gradient[row * columns + actions[row]] -= 1;
        foreach (ref var value in gradient)
            value /= actions.Length;
        return loss / actions.Length;
    }
}
