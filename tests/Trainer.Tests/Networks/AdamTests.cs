using Hem.Trainer.Networks;

namespace Trainer.Tests.Networks;

public class AdamTests
{
    [Theory, InlineData(1), InlineData(15), InlineData(33), InlineData(40_000)]
    public void Steps_follow_the_formula_in_double_precision(int inputs)
    {
        const double Rate = 0.003, Beta1 = 0.8, Beta2 = 0.99, Epsilon = 1e-6;
        using var network = NetworkSamples.Create(NetworkSamples.Describe(inputs, 1));
        var adam = new Adam(network, Rate, Beta1, Beta2, Epsilon);
        var p = Array.ConvertAll(network.Parameters.ToArray(), value => (double)value);
        var (m, v) = (new double[p.Length], new double[p.Length]);
        for (var t = 1; t <= 30; t++)
        {
            var gradients = NetworkSamples.Numbers(p.Length, t);
            gradients.CopyTo(network.Gradients);
            adam.Step();
            for (var i = 0; i < p.Length; i++)
            {
                m[i] = Beta1 * m[i] + (1 - Beta1) * gradients[i];
                v[i] = Beta2 * v[i] + (1 - Beta2) * gradients[i] * gradients[i];
                p[i] -= Rate * Math.Sqrt(1 - Math.Pow(Beta2, t)) / (1 - Math.Pow(Beta1, t)) * m[i] / (Math.Sqrt(v[i]) + Epsilon);
            }
        }

        adam.Steps.ShouldBe(30);
        NetworkSamples.RelativeError(network.Parameters, p).ShouldBeLessThan(1e-6);
        NetworkSamples.RelativeError(adam.FirstMoments, m).ShouldBeLessThan(1e-6);
        NetworkSamples.RelativeError(adam.SecondMoments, v).ShouldBeLessThan(1e-6);
    }

    [Fact]
    public void A_state_put_back_goes_on_with_the_same_bits()
    {
        using var one = NetworkSamples.Create(NetworkSamples.Describe(9, 1));
        using var other = NetworkSamples.Create(NetworkSamples.Describe(9, 1));
        var (left, right) = (new Adam(one), new Adam(other));
        for (var t = 0; t < 7; t++)
        {
            NetworkSamples.Numbers(10, t).CopyTo(one.Gradients);
            left.Step();
        }

        one.Parameters.CopyTo(other.Parameters);
        left.FirstMoments.CopyTo(right.FirstMoments);
        left.SecondMoments.CopyTo(right.SecondMoments);
        right.Steps = left.Steps;
        NetworkSamples.Numbers(10, 99).CopyTo(one.Gradients);
        one.Gradients.CopyTo(other.Gradients);
        left.Step();
        right.Step();
        other.Parameters.ShouldHaveTheBitsOf(one.Parameters, "parameters");
    }

    [Fact]
    public void Moments_without_gradient_decay_to_zero_and_not_to_subnormal_numbers()
    {
        using var network = NetworkSamples.Create(NetworkSamples.Describe(20, 1));
        var adam = new Adam(network);
        network.Gradients.Fill(1e-18f);
        adam.Step();
        network.Gradients.Clear();
        for (var t = 0; t < 1000; t++)
        {
            adam.Step();
            adam.FirstMoments.ToArray().ShouldAllBe(value => !float.IsSubnormal(value));
        }

        adam.FirstMoments.ToArray().ShouldAllBe(value => value == 0);
        adam.SecondMoments.ToArray().ShouldAllBe(value => !float.IsSubnormal(value));
    }
}
