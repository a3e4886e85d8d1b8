using Hem.Trainer.Algorithms;

namespace Trainer.Tests.Algorithms;

public class NormalizerTests
{
    [Fact]
    public void Before_the_first_update_values_are_clipped_alone()
    {
        float[] values = [0.5f, -7, 1000];
        new Normalizer(3).Apply(values);
        values.ShouldBe([0.5f, -5, 5]);
    }

    [Fact]
    public void It_subtracts_the_running_mean_and_divides_by_the_running_deviation()
    {
        // Two workers with three vectors each: sums and counts are averaged, and the count began at 1.
        float[][] vectors = [[1, 10], [2, 10], [3, 10], [4, 10], [5, 10], [6, 10]];
        var normalizer = new Normalizer(2);
        foreach (float[] vector in vectors)
            normalizer.Add(vector);
        normalizer.Update(workers: 2);

        double count = 1 + 6 / 2.0, mean = 21 / 2.0 / count, square = 91 / 2.0 / count;
        float[] values = [4, 10];
        normalizer.Apply(values);
        values[0].ShouldBe((float)((4 - mean) / Math.Sqrt(square - mean * mean)), 1e-6f);
        double mean1 = 60 / 2.0 / count, square1 = 600 / 2.0 / count;
        values[1].ShouldBe((float)((10 - mean1) / Math.Sqrt(square1 - mean1 * mean1)), 1e-6f);
    }

    [Fact]
    public void The_deviation_is_never_below_a_hundredth_and_huge_values_are_clipped_before_they_count()
    {
        var normalizer = new Normalizer(2);
        for (int i = 0; i < 100_000; i++)
            normalizer.Add([0, i % 2 == 0 ? 1e9f : -1e9f]);
        normalizer.Update(workers: 1);
        float[] values = [0.02f, 100];
        normalizer.Apply(values);
        values[0].ShouldBe(2, 1e-4f);
        values[1].ShouldBe(0.5f, 1e-4f);
    }
}
