using System.Runtime.CompilerServices;

namespace Hem.Trainer.Algorithms;

/// <summary>
/// Running mean and standard deviation of each component of a vector, as HER keeps them (openai/baselines, her/normalizer.py):
/// <code>
/// mean = sum / count,  std = sqrt(max(0.01^2, sum of squares / count - mean^2)),  v -> clip((v - mean) / std, -5, 5)
/// </code>
/// of values clipped to [-200, 200] first. Before the first update the mean is 0 and the deviation 1.
/// </summary>
internal sealed class Normalizer
{
    private const double SmallestDeviation = 0.01;
    private const double LargestInput = 200;
    private const double LargestOutput = 5;

    private readonly double[] numbers;
    private readonly double[] newSums;
    private double newCount;

    public Normalizer(int size)
    {
        Size = size;
        numbers = new double[1 + 4 * size];
        newSums = new double[2 * size];
        numbers[0] = 1;
        Deviations.Fill(1);
    }

    /// <summary>Components.</summary>
    public int Size { get; }

    /// <summary>All that it remembers: count, sums, sums of squares, means, standard deviations.</summary>
    public double[] State => numbers;

    private Span<double> Sums => numbers.AsSpan(1, Size);

    private Span<double> Squares => numbers.AsSpan(1 + Size, Size);

    private Span<double> Means => numbers.AsSpan(1 + 2 * Size, Size);

    private Span<double> Deviations => numbers.AsSpan(1 + 3 * Size, Size);

    /// <summary>Notes a vector for the next <see cref="Update"/>.</summary>
    public void Add(ReadOnlySpan<float> values)
    {
        for (int i = 0; i < Size; i++)
        {
            double value = Math.Clamp((double)values[i], -LargestInput, LargestInput);
            newSums[i] += value;
            newSums[Size + i] += value * value;
        }

        newCount++;
    }

    /// <summary>
    /// Takes in what was noted. Sums and counts of the <paramref name="workers"/> are averaged, not added: the same mean, but the count
    /// grows M times as slowly.
    /// </summary>
    public void Update(int workers)
    {
        double count = numbers[0] += newCount / workers;
        for (int i = 0; i < Size; i++)
        {
            Sums[i] += newSums[i] / workers;
            Squares[i] += newSums[Size + i] / workers;
            double mean = Means[i] = Sums[i] / count;
            Deviations[i] = Math.Sqrt(Math.Max(SmallestDeviation * SmallestDeviation, Squares[i] / count - mean * mean));
        }

        Array.Clear(newSums);
        newCount = 0;
    }

    /// <summary>Normalises a vector in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(Span<float> values)
    {
        Span<double> means = Means, deviations = Deviations;
        for (int i = 0; i < means.Length; i++)
        {
            double clipped = Math.Clamp((double)values[i], -LargestInput, LargestInput);
            values[i] = (float)Math.Clamp((clipped - means[i]) / deviations[i], -LargestOutput, LargestOutput);
        }
    }
}
