using Hem.Trainer.Networks;
using Hem.Trainer.Networks.Kernels;

namespace Trainer.Tests.Networks;

public class VectorMathTests
{
    private const int Samples = 200_000;

    [Fact]
    public void Exp_is_within_2_ulp() => WorstError(VectorMath.Exp, Math.Exp, Range(-87.3f, 88.7f)).ShouldBeLessThan(2);

    [Fact]
    public void Log_is_within_2_ulp()
    {
        float[] everySize = [.. Enumerable.Range(0, Samples).Select(i => BitConverter.Int32BitsToSingle(1 + i * (0x7f7fffff / Samples)))];
        WorstError(VectorMath.Log, Math.Log, everySize).ShouldBeLessThan(2);
        WorstError(VectorMath.Log, Math.Log, Range(0.4f, 2.5f)).ShouldBeLessThan(2);
    }

    [Fact]
    public void Tanh_is_within_3_ulp() => WorstError(VectorMath.Tanh, Math.Tanh, Range(-11, 11)).ShouldBeLessThan(3);

    [Fact]
    public void Limits_and_what_is_not_a_number_come_out_as_they_should()
    {
        Apply(VectorMath.Exp, [0, 89, 1000, float.MaxValue, float.PositiveInfinity])
            .ShouldBe([1, .. Enumerable.Repeat(float.PositiveInfinity, 4)]);
        Apply(VectorMath.Exp, [float.NaN, -88, -104, float.MinValue, float.NegativeInfinity]).ShouldBe([float.NaN, 0, 0, 0, 0]);
        Apply(VectorMath.Log, [1, 0, -0f, -1, float.PositiveInfinity, float.NegativeInfinity, float.NaN])
            .ShouldBe([0, float.NegativeInfinity, float.NegativeInfinity, float.NaN, float.PositiveInfinity, float.NaN, float.NaN]);
        Apply(VectorMath.Tanh, [0, 50, -50, float.PositiveInfinity, float.NegativeInfinity, float.NaN, 1e-30f])
            .ShouldBe([0, 1, -1, 1, -1, float.NaN, 1e-30f]);
    }

    [Fact]
    public unsafe void Every_width_and_every_place_in_a_span_gives_the_same_bits()
    {
        var values = NetworkSamples.Numbers(67, 4).Select(value => 20 * value).ToArray();
        foreach (var function in new[] { "exp", "log", "tanh" })
        {
            var alone = values.Select(value => Run(KernelWidth.Bits128, function, [value])[0]).ToArray();
            foreach (var width in NetworkSamples.Widths)
            {
                for (var length = 0; length <= values.Length; length++)
                    Run(width, function, values[..length]).AsSpan().ShouldHaveTheBitsOf(alone.AsSpan(0, length), $"{function} {width}");
            }
        }

        static float[] Run(KernelWidth width, string function, float[] values)
        {
            // A guard behind the results: nothing may be written past the end.
            var results = new float[values.Length + 1];
            results[^1] = 42;
            var kernels = KernelSet.For(width);
            fixed (float* source = values, target = results)
            {
                if (function == "exp")
                    kernels.Exp(source, target, values.Length);
                else if (function == "log")
                    kernels.Log(source, target, values.Length);
                else
                    kernels.Tanh(source, target, values.Length);
            }

            results[^1].ShouldBe(42);

            // The sign and payload of what is not a number are nobody's business.
            return [.. results[..^1].Select(value => float.IsNaN(value) ? float.NaN : value)];
        }
    }

    [Fact]
    public void Softmax_rows_sum_to_one_and_survive_huge_logits()
    {
        float[] logits = [1, 2, 3, 1e30f, 1e30f, -1e30f, -500, -501, -500];
        var probabilities = new float[9];
        VectorMath.Softmax(logits, 3, probabilities);
        var e = Math.Exp(-1);
        double[] expected =
        [
            Math.Exp(-2) / (1 + e + Math.Exp(-2)), e / (1 + e + Math.Exp(-2)), 1 / (1 + e + Math.Exp(-2)),
            0.5, 0.5, 0,
            1 / (2 + e), e / (2 + e), 1 / (2 + e),
        ];
        NetworkSamples.RelativeError(probabilities, expected).ShouldBeLessThan(3e-7);
        var logs = new float[9];
        VectorMath.LogSoftmax(logits, 3, logs);
        logs[0].ShouldBe((float)Math.Log(expected[0]), 1e-6f);
        logs[3].ShouldBe((float)Math.Log(0.5), 1e-6f);
    }

    [Fact]
    public void Cross_entropy_and_its_gradient_agree_with_double_precision()
    {
        const int Columns = 50;
        int[] actions = [.. Enumerable.Range(0, 20).Select(row => row * 7 % Columns)];
        var logits = NetworkSamples.Numbers(actions.Length * Columns, 6).Select(value => 8 * value).ToArray();
        var doubles = Array.ConvertAll(logits, value => (double)value);
        var gradient = new float[logits.Length];
        VectorMath.SoftmaxCrossEntropy(logits, actions, gradient).ShouldBe((float)DoubleNetwork.CrossEntropy(doubles, actions), 1e-6f);
        NetworkSamples.RelativeError(gradient, DoubleNetwork.Differences(doubles, x => DoubleNetwork.CrossEntropy(x, actions)))
            .ShouldBeLessThan(1e-6);
    }

    [Fact]
    public void Spans_that_do_not_fit_are_refused()
    {
        Should.Throw<ArgumentException>(() => VectorMath.Exp(new float[2], new float[3]));
        Should.Throw<ArgumentException>(() => VectorMath.Softmax(new float[7], 3, new float[7]));
        Should.Throw<ArgumentException>(() => VectorMath.SoftmaxCrossEntropy(new float[6], [], new float[6]));
        Should.Throw<IndexOutOfRangeException>(() => VectorMath.SoftmaxCrossEntropy(new float[6], [0, 3], new float[6]));
    }

    private static float[] Range(float from, float to) =>
        [.. Enumerable.Range(0, Samples).Select(i => from + (to - from) * i / Samples)];

    private static float[] Apply(Function function, float[] values)
    {
        var results = new float[values.Length];
        function(values, results);
        return results;
    }

    /// <summary>In units of the last place of the exact result rounded to a float.</summary>
    private static double WorstError(Function function, Func<double, double> exact, float[] values)
    {
        var results = Apply(function, values);
        return values.Zip(results, (value, result) =>
        {
            var expected = exact(value);
            var size = MathF.Abs((float)expected);
            return Math.Abs(result - expected) / (MathF.BitIncrement(size) - size);
        }).Max();
    }

    private delegate void Function(ReadOnlySpan<float> values, Span<float> results);
}
