using Hem.Core.Sweeps;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Networks;
using Hem.Trainer.Torch;
using Hem.Trainer.Trials;
using Trainer.Tests.Networks;

namespace Trainer.Tests.Torch;

/// <summary>libtorch and the managed backend hold each other to the same mathematics.</summary>
public class TorchNetworkTests
{
    private const int Batch = 6;

    private static readonly Dictionary<string, NetworkDescription> Descriptions = new()
    {
        ["one layer"] = NetworkSamples.Describe(7, 3),
        ["relu"] = NetworkSamples.Describe(60, 64, 64, 50),
        ["tanh"] = NetworkSamples.Describe(20, 32, 32, 5) with { Hidden = Activation.Tanh },
        ["images"] = NetworkSamples.DescribeImages(48, 2, vector: 4),
        ["images that make whole tiles"] = NetworkSamples.DescribeImages(60, 2, vector: 4),
        ["padded images"] = NetworkSamples.DescribeImages(40, 1, Padding.Same, vector: 0),
    };

    public static TheoryData<string, string> Cases =>
        [.. Descriptions.Keys.SelectMany(name => new[] { (name, "cpu"), (name, "cuda") })];

    [Theory, MemberData(nameof(Cases))]
    public void Outputs_and_gradients_are_those_of_the_managed_backend(string name, string device)
    {
        TorchHere.Require(device);
        var description = Descriptions[name];
        var inputs = NetworkSamples.Numbers(Batch * description.Inputs, 1);
        var slopes = NetworkSamples.Numbers(Batch * description.Outputs, 2);
        using var managed = NetworkSamples.Create(description);
        using var torch = TorchBackend.Create(description, random: null, device);
        managed.Parameters.CopyTo(torch.Parameters);

        NetworkSamples.RelativeError(torch.Forward(inputs, Batch), managed.Forward(inputs, Batch).ToArray()).ShouldBeLessThan(1e-5);
        var (expected, actual) = (new float[inputs.Length], new float[inputs.Length]);
        managed.Backward(slopes, Batch, expected);
        torch.Backward(slopes, Batch, actual);
        NetworkSamples.RelativeError(torch.Gradients, managed.Gradients.ToArray()).ShouldBeLessThan(1e-5);
        if (description.VectorInputs > 0)
            NetworkSamples.RelativeError(actual, expected).ShouldBeLessThan(1e-5);

        torch.Backward(slopes, Batch, accumulate: true);
        NetworkSamples.RelativeError(torch.Gradients, [.. managed.Gradients.ToArray().Select(g => 2 * g)]).ShouldBeLessThan(1e-5);
    }

    [Theory, MemberData(nameof(Cases))]
    public void After_100_steps_the_loss_is_the_same(string name, string device)
    {
        TorchHere.Require(device);
        var description = Descriptions[name];
        var inputs = NetworkSamples.Numbers(Batch * description.Inputs, 1);
        int[] actions = [.. Enumerable.Range(0, Batch).Select(i => i % description.Outputs)];
        using var managed = ManagedBackend.Create(description, new Random(3));
        using var torch = TorchBackend.Create(description, new Random(3), device);
        var expected = Train(managed);
        var actual = Train(torch);
        actual[0].ShouldBe(expected[0], 1e-5 * expected[0]);
        actual[^1].ShouldBeLessThan(actual[0]);
        actual[^1].ShouldBe(expected[^1], 1e-3 * expected[0]);

        double[] Train(INetwork network)
        {
            var adam = new Adam(network, 3e-4);
            var gradient = new float[Batch * description.Outputs];
            return [.. Enumerable.Range(0, 101).Select(step =>
            {
                double loss = VectorMath.SoftmaxCrossEntropy(network.Forward(inputs, Batch), actions, gradient);
                network.Backward(gradient, Batch);
                adam.Step();
                return loss;
            })];
        }
    }

    [Fact]
    public void A_state_put_back_goes_on_with_the_same_bits()
    {
        TorchHere.Require();
        var description = Descriptions["relu"];
        using var one = TorchBackend.Create(description, new Random(3), "cpu");
        using var other = TorchBackend.Create(description, random: null, "cpu");
        var (left, right) = (new Adam(one), new Adam(other));
        Step(one, left, 1);
        Step(one, left, 2);
        one.Parameters.CopyTo(other.Parameters);
        left.FirstMoments.CopyTo(right.FirstMoments);
        left.SecondMoments.CopyTo(right.SecondMoments);
        right.Steps = left.Steps;
        Step(one, left, 3);
        Step(other, right, 3);
        other.Parameters.ShouldHaveTheBitsOf(one.Parameters, "parameters");

        void Step(INetwork network, Adam adam, int seed)
        {
            network.Forward(NetworkSamples.Numbers(Batch * description.Inputs, seed), Batch);
            network.Backward(NetworkSamples.Numbers(Batch * description.Outputs, seed + 10), Batch);
            adam.Step();
        }
    }

    [Fact]
    public void Gradients_of_the_inputs_alone_leave_those_of_the_parameters()
    {
        TorchHere.Require();
        var description = Descriptions["relu"];
        using var network = TorchBackend.Create(description, new Random(3), "cpu");
        network.Gradients.Fill(7);
        network.Forward(NetworkSamples.Numbers(Batch * description.Inputs, 1), Batch);
        var slopes = new float[Batch * description.Inputs];
        network.Backward(NetworkSamples.Numbers(Batch * description.Outputs, 2), Batch, slopes, inputsOnly: true);
        slopes.ShouldContain(slope => slope != 0);
        network.Gradients.ToArray().ShouldAllBe(gradient => gradient == 7);
    }

    [Theory, InlineData("cpu"), InlineData("cuda")] // cuda: as a CUDA graph
    public void A_captured_step_is_the_step(string device)
    {
        TorchHere.Require(device);
        const double Rate = 1e-3;
        var description = Descriptions["images"];
        long[] actions = [0, 1, 2, 3, 0, 1];
        using var eager = TorchBackend.Create(description, new Random(3), device);
        using var captured = TorchBackend.Create(description, new Random(3), device);
        captured.CaptureStep(Batch);
        NetworkSamples.RelativeError(captured.Parameters, eager.Parameters.ToArray()).ShouldBe(0, "capturing is no step");
        var gradient = new float[Batch * description.Outputs];
        for (var step = 0; step < 20; step++)
        {
            var inputs = NetworkSamples.Numbers(Batch * description.Inputs, step % 2);
            var loss = VectorMath.SoftmaxCrossEntropy(
                eager.Forward(inputs, Batch), Array.ConvertAll(actions, action => (int)action), gradient);
            eager.Backward(gradient, Batch);
            eager.AdamStep(Rate, 0.9, 0.999, 1e-8);
            captured.ReplayStep(inputs, actions, Rate).ShouldBe(loss, 1e-4f * Math.Max(1, loss));
        }

        NetworkSamples.RelativeError(captured.Parameters, eager.Parameters.ToArray()).ShouldBeLessThan(1e-3);
    }

    [Fact]
    public void A_missing_shim_is_named_with_what_to_do() =>
        Should.Throw<TorchUnavailableException>(() => HemTorchLibrary.Load("/nowhere/libHemTorch.so"))
            .Message.ShouldContain("`make torch`");

    [Fact]
    public void A_shim_that_cannot_be_loaded_is_named()
    {
        var file = Path.GetTempFileName();
        try
        {
            Should.Throw<TorchUnavailableException>(() => HemTorchLibrary.Load(file)).Message.ShouldContain(file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Errors_of_libtorch_come_with_its_words()
    {
        TorchHere.Require();
        using var network = TorchBackend.Create(Descriptions["relu"], new Random(3), "cpu");
        Should.Throw<InvalidOperationException>(() => network.ReplayStep(new float[60], [0], 1e-3)).Message.ShouldContain("captured");
        network.CaptureStep(4);
        Should.Throw<InvalidOperationException>(() => network.ReplayStep(new float[60], [0], 1e-3)).Message.ShouldContain("4 rows");
        network.Dispose();
        Should.Throw<ObjectDisposedException>(() => network.Forward(new float[60], 1));
    }

    [Fact]
    public void A_trial_on_a_GPU_that_is_not_there_is_refused_with_what_is_missing()
    {
        TorchHere.Require();
        Assert.SkipWhen(torch.cuda.is_available(), "this machine has a GPU");
        var trial = TrialDocument.Parse(
            """
            {"apiVersion":"hem.dev/v1alpha1","sweep":"s","name":"s-0000000000000000","seed":1,
             "parameters":{"algorithm":"hem","task":"flipbit-4","iterations":1},"trainer":{"device":"cuda"}}
            """).Document!;
        Should.Throw<BadConfigurationException>(() => AlgorithmCatalog.Create(trial)).Message.ShouldContain("trainer.device: libtorch");
    }
}
