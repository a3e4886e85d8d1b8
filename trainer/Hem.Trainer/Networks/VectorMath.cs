using System.Runtime.CompilerServices;
using Hem.Trainer.Networks.Kernels;

namespace Hem.Trainer.Networks;

/// <summary>
/// Functions over spans and rows whose results have the same bits on every processor: built from correctly rounded operations alone,
/// with sums along a row in the order of its columns.
/// </summary>
public static unsafe class VectorMath
{
    /// <summary>results[i] = e^values[i] within 2 ulp, zero under the smallest normal number. The spans may be the same.</summary>
    public static void Exp(ReadOnlySpan<float> values, Span<float> results)
    {
        RequireSameLength(values, results);
        fixed (float* source = values, target = results)
            KernelSet.Best.Exp(source, target, values.Length);
    }

    /// <summary>results[i] = the natural logarithm of values[i] within 2 ulp. The spans may be the same.</summary>
    public static void Log(ReadOnlySpan<float> values, Span<float> results)
    {
        RequireSameLength(values, results);
        fixed (float* source = values, target = results)
            KernelSet.Best.Log(source, target, values.Length);
    }

    /// <summary>results[i] = tanh values[i] within 3 ulp. The spans may be the same.</summary>
    public static void Tanh(ReadOnlySpan<float> values, Span<float> results)
    {
        RequireSameLength(values, results);
        fixed (float* source = values, target = results)
            KernelSet.Best.Tanh(source, target, values.Length);
    }

    /// <summary>Row by row, probabilities = softmax(logits), both [rows, columns]. The spans may be the same.</summary>
    public static void Softmax(ReadOnlySpan<float> logits, int columns, Span<float> probabilities)
    {
        RequireRows(logits, columns);
        SubtractMaximum(logits, columns, probabilities);
        Exp(probabilities, probabilities);
        for (var start = 0; start < logits.Length; start += columns)
        {
            var row = probabilities.Slice(start, columns);
            Scale(row, 1 / Sum(row));
        }
    }

    /// <summary>
    /// Row by row, results = log softmax(logits) = (logit - maximum) - log sum e^(logit - maximum), both [rows, columns]. The spans must
    /// not overlap.
    /// </summary>
    public static void LogSoftmax(ReadOnlySpan<float> logits, int columns, Span<float> results)
    {
        RequireRows(logits, columns);
        SubtractMaximum(logits, columns, results);
        Exp(results, results);
        for (var start = 0; start < logits.Length; start += columns)
        {
            var row = logits.Slice(start, columns);
            var result = results.Slice(start, columns);
            var (maximum, logSum) = (Maximum(row), Log(Sum(result)));
            for (var i = 0; i < columns; i++)
                result[i] = row[i] - maximum - logSum;
        }
    }

    /// <summary>
    /// The mean over a batch of -log softmax(logits)[action], and its gradient with respect to the logits,
    /// (softmax(logits)_j - 1[j = action]) / batch; of a part of the batch, what its rows contribute. The spans must not overlap.
    /// </summary>
    /// <param name="logits">[rows, columns].</param>
    /// <param name="actions">The column taken in each row; its length is the number of rows.</param>
    /// <param name="gradient">[rows, columns], written.</param>
    /// <param name="batch">Rows of the whole batch, when these are a part of it.</param>
    /// <exception cref="ArgumentException">The spans do not fit each other.</exception>
    /// <exception cref="IndexOutOfRangeException">An action is no column.</exception>
    public static float SoftmaxCrossEntropy(
        ReadOnlySpan<float> logits, ReadOnlySpan<int> actions, Span<float> gradient, int? batch = null)
    {
        var rows = actions.Length;
        if (rows == 0 || logits.Length % rows != 0)
            throw new ArgumentException($"{logits.Length} logits do not divide into {rows} rows", nameof(logits));

        var (columns, divisor) = (logits.Length / rows, batch ?? rows);
        SubtractMaximum(logits, columns, gradient);
        double loss = 0;
        for (var i = 0; i < rows; i++)
            loss -= gradient.Slice(i * columns, columns)[actions[i]];
        Exp(gradient, gradient);
        for (var i = 0; i < rows; i++)
        {
            var row = gradient.Slice(i * columns, columns);
            var sum = Sum(row);
            loss += Log(sum);
            Scale(row, 1 / (sum * divisor));
            row[actions[i]] -= 1f / divisor;
        }

        return (float)(loss / divisor);
    }

    /// <summary>Row by row, results = value - the row's greatest value: what e can be raised to without overflow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SubtractMaximum(ReadOnlySpan<float> values, int columns, Span<float> results)
    {
        RequireSameLength(values, results);
        for (var start = 0; start < values.Length; start += columns)
        {
            var row = values.Slice(start, columns);
            var maximum = Maximum(row);
            var result = results.Slice(start, columns);
            for (var i = 0; i < row.Length; i++)
                result[i] = row[i] - maximum;
        }
    }

    /// <summary>In four chains, which the processor follows at once: a maximum, unlike a sum, is the same in any order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Maximum(ReadOnlySpan<float> row)
    {
        float a = row[0], b = a, c = a, d = a;
        var i = 0;
        for (; i + 4 <= row.Length; i += 4)
        {
            a = row[i] > a ? row[i] : a;
            b = row[i + 1] > b ? row[i + 1] : b;
            c = row[i + 2] > c ? row[i + 2] : c;
            d = row[i + 3] > d ? row[i + 3] : d;
        }

        for (; i < row.Length; i++)
            a = row[i] > a ? row[i] : a;
        a = b > a ? b : a;
        c = d > c ? d : c;
        return c > a ? c : a;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Sum(ReadOnlySpan<float> row)
    {
        float sum = 0;
        foreach (var value in row)
            sum += value;
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scale(Span<float> row, float factor)
    {
        foreach (ref var value in row)
            value *= factor;
    }

    /// <summary>e^x within 2 ulp.</summary>
    public static float Exp(float value)
    {
        KernelSet.Best.Exp(&value, &value, 1);
        return value;
    }

    /// <summary>The natural logarithm within 2 ulp.</summary>
    public static float Log(float value)
    {
        KernelSet.Best.Log(&value, &value, 1);
        return value;
    }

    private static void RequireSameLength(ReadOnlySpan<float> values, ReadOnlySpan<float> results)
    {
        if (values.Length != results.Length)
            throw new ArgumentException($"{results.Length} results do not fit {values.Length} values", nameof(results));
    }

    private static void RequireRows(ReadOnlySpan<float> values, int columns)
    {
        if (columns < 1 || values.Length % columns != 0)
            throw new ArgumentException($"{values.Length} numbers do not divide into rows of {columns}", nameof(columns));
    }
}
