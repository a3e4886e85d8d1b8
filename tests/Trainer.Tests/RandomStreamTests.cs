using Hem.Trainer;

namespace Trainer.Tests;

public class RandomStreamTests
{
    [Fact]
    public void The_numbers_are_those_of_xoshiro256_starstar_and_never_change()
    {
        var stream = new RandomStream(1, RandomPurpose.Worker);
        ulong[] first = [stream.Next(), stream.Next(), stream.Next()];
        var state = (ulong[])[1, 2, 3, 4];
        RandomStream reference = System.Runtime.InteropServices.MemoryMarshal.Cast<ulong, RandomStream>(state)[0];

        // The reference implementation's first outputs for the state 1, 2, 3, 4.
        reference.Next().ShouldBe(11520UL);
        reference.Next().ShouldBe(0UL);
        reference.Next().ShouldBe(1509978240UL);
        reference.Next().ShouldBe(1215971899390074240UL);
        first.ShouldBe(Golden);
    }

    private static readonly ulong[] Golden = [18210742990652214, 11665614391175161140, 5543869431583763664];

    [Fact]
    public void Streams_of_different_workers_purposes_and_indices_differ()
    {
        ulong[] firsts =
        [
            First(RandomStream.OfWorker(5, 0)),
            First(RandomStream.OfWorker(5, 1)),
            First(RandomStream.OfWorker(6, 0)),
            First(new RandomStream(5, RandomPurpose.Initialization)),
            First(new RandomStream(5, RandomPurpose.Evaluation, 0)),
            First(new RandomStream(5, RandomPurpose.Evaluation, 1)),
        ];
        firsts.Distinct().Count().ShouldBe(firsts.Length);
        RandomStream.OfWorker(5, 3).ShouldBe(RandomStream.OfWorker(3_000_005, 0));
    }

    [Fact]
    public void Draws_below_a_bound_are_uniform()
    {
        var stream = new RandomStream(7, RandomPurpose.Worker);
        var counts = new int[10];
        for (int i = 0; i < 100_000; i++)
            counts[stream.Below(10)]++;

        // Chi-squared with 9 degrees of freedom: above 33.7 once in 10,000 seeds.
        counts.Sum(count => Math.Pow(count - 10_000, 2) / 10_000).ShouldBeLessThan(33.7);
    }

    private static ulong First(RandomStream stream) => stream.Next();

    [Fact]
    public void Normal_draws_have_the_moments_of_the_normal_distribution_and_pairs_are_independent()
    {
        var random = new RandomStream(7, RandomPurpose.Worker);
        float[] draws = new float[300_000];
        random.NextNormals(draws);
        double Mean(Func<float, double> f) => draws.Average(f);
        Mean(x => x).ShouldBe(0, 0.01);
        Mean(x => x * x).ShouldBe(1, 0.015);
        Mean(x => (double)x * x * x).ShouldBe(0, 0.04);
        Mean(x => Math.Pow(x, 4)).ShouldBe(3, 0.12);
        Mean(x => x > 1.959964 ? 1 : 0).ShouldBe(0.025, 0.002);
        draws.Chunk(2).Average(pair => (double)pair[0] * pair[1]).ShouldBe(0, 0.015);
        draws.Chunk(2).Average(pair => (double)pair[0] * pair[0] * pair[1] * pair[1]).ShouldBe(1, 0.04);
    }
}
