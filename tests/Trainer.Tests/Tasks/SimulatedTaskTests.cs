using System.Runtime.InteropServices;
using Hem.Trainer.MuJoCo;
using Hem.Trainer.Tasks;
using Hem.Trainer.Trials;
using Trainer.Tests.MuJoCo;

namespace Trainer.Tests.Tasks;

/// <summary>What holds for every task that MuJoCo simulates.</summary>
public class SimulatedTaskTests
{
    public static TheoryData<string> Names =>
        ["reacher", "fetch-reach", "fetch-push", "fetch-slide", "fetch-pickplace", "sawyer-reach"];

    [Theory]
    [InlineData("reacher", 11, 2, 2)]
    [InlineData("fetch-reach", 10, 3, 3)]
    [InlineData("fetch-push", 25, 3, 4)]
    [InlineData("fetch-slide", 25, 3, 4)]
    [InlineData("fetch-pickplace", 25, 3, 4)]
    [InlineData("sawyer-reach", 3, 3, 3)]
    public void It_has_the_shapes_of_the_paper(string name, int state, int goal, int action)
    {
        SimulatedTask task = Make(name);
        task.Name.ShouldBe(name);
        task.Horizon.ShouldBe(50);
        task.Input.ShouldBe(InputShape.OfVectors(state, goal));
        task.StateBytes.ShouldBe(4 * state);
        task.GoalBytes.ShouldBe(4 * goal);
        task.ActionSize.ShouldBe(action);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Episodes_have_the_same_bits_on_any_number_of_threads_and_in_any_order(string name)
    {
        const int episodes = 6, steps = 15;
        SimulatedTask alone = Make(name), shared = Make(name);
        byte[][] expected = [.. Enumerable.Range(0, episodes).Select(seed => Play(alone, seed))];
        var played = new byte[episodes][];
        Thread[] threads = [.. Enumerable.Range(0, 3).Select(first => new Thread(() =>
        {
            // Each thread takes two episodes and steps them in turns.
            SimulatedEpisode[] two = [new(shared, first), new(shared, first + 3)];
            var courses = new[] { new List<byte>(), new List<byte>() };
            for (int k = 0; k <= steps; k++)
            {
                for (int i = 0; i < 2; i++)
                    Note(two[i], courses[i], k < steps);
            }

            (played[first], played[first + 3]) = ([.. courses[0]], [.. courses[1]]);
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        for (int i = 0; i < episodes; i++)
            played[i].ShouldBe(expected[i]);

        static byte[] Play(SimulatedTask task, int seed)
        {
            var episode = new SimulatedEpisode(task, seed);
            var course = new List<byte>();
            for (int k = 0; k <= steps; k++)
                Note(episode, course, k < steps);
            return [.. course];
        }

        static void Note(SimulatedEpisode episode, List<byte> course, bool step)
        {
            course.AddRange(episode.StateBytes);
            course.AddRange(episode.SimulationBytes);
            if (step)
                episode.StepAtRandom();
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_simulation_that_diverges_is_reported_and_the_next_is_not_touched_by_it(string name)
    {
        SimulatedTask task = Make(name);
        var expected = new SimulatedEpisode(Make(name), 2);
        foreach (double fault in new[] { double.NaN, 1e300, 1e9 })
        {
            var torn = new SimulatedEpisode(task, 1);
            torn.Qvel.Fill(fault);
            torn.StepAtRandom().ShouldBe(StepOutcome.Unstable);
            if (name == "reacher") continue;                   // it is put at its goal, and does not move there

            byte[] there = [.. torn.SimulationBytes], state = [.. torn.StateBytes];
            task.MoveToGoal(there, state, MemoryMarshal.AsBytes(torn.Goal)).ShouldBe(StepOutcome.Unstable);
            (there.SequenceEqual(torn.SimulationBytes.ToArray()), state.SequenceEqual(torn.StateBytes.ToArray())).ShouldBe((true, true));
        }

        var next = new SimulatedEpisode(task, 2);
        for (int k = 0; k < 3; k++)
        {
            expected.StepAtRandom();
            next.StepAtRandom();
        }

        next.StateBytes.ToArray().ShouldBe(expected.StateBytes.ToArray());
        next.SimulationBytes.ToArray().ShouldBe(expected.SimulationBytes.ToArray());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Random_actions_never_make_a_simulation_diverge_and_stepping_allocates_nothing(string name)
    {
        var episode = new SimulatedEpisode(Make(name), 7);
        episode.StepAtRandom();
        episode.Reset();
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool stable = true;
        for (int i = 0; i < 5; i++)
        {
            for (int k = 0; k < 50; k++)
                stable &= episode.StepAtRandom() == StepOutcome.Stepped;
            episode.Reset();
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
        stable.ShouldBeTrue();
        foreach (float number in episode.State)
            float.IsFinite(number).ShouldBeTrue();
    }

    [Fact]
    public void Where_the_library_is_missing_the_message_says_what_to_install()
    {
        var missing = Should.Throw<BadConfigurationException>(() => MuJoCoLibrary.Open("libmujoco.so.0.0.0"));
        missing.Message.ShouldContain("apt-get install libmujoco2.2.2");
    }

    private static SimulatedTask Make(string name)
    {
        Native.Require();
        return name switch
        {
            "reacher" => new Reacher(),
            "sawyer-reach" => new SawyerReach(),
            _ => new Fetch(Fetch.Find(name)!),
        };
    }
}
