using System.Numerics;
using Hem.Core.Sweeps;
using Hem.Trainer;
using Hem.Trainer.Tasks;

namespace Trainer.Tests.Tasks;

public class FlipBitTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(25)]
    [InlineData(50)]
    [InlineData(128)]
    public void An_action_inverts_its_bit_alone_and_the_distance_has_the_parity_of_the_actions(int bits)
    {
        var task = new FlipBit(bits);
        var random = new RandomStream(bits, RandomPurpose.Worker);
        byte[] state = new byte[task.StateBytes], goal = new byte[task.GoalBytes];
        task.Reset(ref random, [], state, goal);
        byte[] start = [.. state];
        for (int n = 1; n <= 3 * bits; n++)
        {
            int action = random.Below(bits);
            byte[] before = [.. state];
            task.Step(ref random, [], state, action);
            Distance(before, state).ShouldBe(1);
            ((state[action / 8] ^ before[action / 8]) >> (action % 8)).ShouldBe(1);
            (Distance(start, state) % 2).ShouldBe(n % 2);
        }
    }

    [Theory]
    [InlineData("flipbit-6", null, 6)]
    [InlineData("flipbit-6", 9, 9)]
    [InlineData("fourrooms", null, 31)]
    [InlineData("fourrooms", 50, 50)]
    public void An_episode_has_as_many_actions_as_the_horizon_says(string task, int? horizon, int expected)
    {
        var parameters = ParameterSet.Of(("algorithm", "hem"), ("task", task));
        if (horizon is { } actions)
            parameters = parameters.With("horizon", actions);
        TaskCatalog.Create(ParameterTable.Resolve(parameters))!.Horizon.ShouldBe(expected);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(16)]
    [InlineData(25)]
    [InlineData(128)]
    public void The_input_is_the_state_bits_then_the_goal_bits(int bits)
    {
        var task = new FlipBit(bits);
        var random = new RandomStream(3, RandomPurpose.Worker);
        byte[] state = new byte[task.StateBytes], goal = new byte[task.GoalBytes];
        task.Reset(ref random, [], state, goal);
        var input = new float[task.Inputs];
        Array.Fill(input, float.NaN);
        task.Encode(state, goal, input);
        task.Inputs.ShouldBe(2 * bits);
        for (int i = 0; i < bits; i++)
        {
            input[i].ShouldBe((state[i / 8] >> (i % 8)) & 1);
            input[bits + i].ShouldBe((goal[i / 8] >> (i % 8)) & 1);
        }
    }

    [Fact]
    public void Starts_and_goals_are_uniform_and_independent()
    {
        var task = new FlipBit(3);
        var random = new RandomStream(11, RandomPurpose.Worker);
        byte[] state = new byte[1], goal = new byte[1];
        var counts = new int[64];
        for (int i = 0; i < 64_000; i++)
        {
            task.Reset(ref random, [], state, goal);
            counts[8 * state[0] + goal[0]]++;
        }

        // Chi-squared with 63 degrees of freedom: above 113 once in 10,000 seeds.
        counts.Sum(count => Math.Pow(count - 1000, 2) / 1000).ShouldBeLessThan(113);
    }

    [Fact]
    public void Start_zeros_starts_at_zero_and_only_all_bits_equal_is_a_success()
    {
        var task = new FlipBit(25, startAtZero: true);
        var random = new RandomStream(1, RandomPurpose.Worker);
        byte[] state = [255, 255, 255, 255], goal = new byte[4];
        task.Reset(ref random, [], state, goal);
        state.ShouldAllBe(value => value == 0);
        (goal[3] & 0xFE).ShouldBe(0);
        task.IsSuccess(goal, goal).ShouldBeTrue();
        goal.CopyTo(state, 0);
        task.Step(ref random, [], state, 24);
        task.IsSuccess(state, goal).ShouldBeFalse();
        task.Horizon.ShouldBe(25);
        task.Actions.ShouldBe(25);
        task.Name.ShouldBe("flipbit-25");
    }

    private static int Distance(byte[] a, byte[] b) => a.Zip(b, (x, y) => BitOperations.PopCount((uint)(x ^ y))).Sum();
}
