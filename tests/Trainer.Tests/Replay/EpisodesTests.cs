using Hem.Trainer;
using Hem.Trainer.Networks;
using Hem.Trainer.Replay;
using Hem.Trainer.Tasks;
using Hem.Trainer.Trials;
using Trainer.Tests.Tasks;

namespace Trainer.Tests.Replay;

public class EpisodesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void The_number_of_threads_changes_nothing_that_episodes_do(int threads)
    {
        using Episodes alone = Run(new Glider(hidesSpeed: true, unstable: 0.02), pool: null);
        using var pool = new WorkerPool(threads);
        using Episodes shared = Run(new Glider(hidesSpeed: true, unstable: 0.02), pool);
        for (int i = 0; i < 200; i++)
            shared.Trajectories[i].Record.SequenceEqual(alone.Trajectories[i].Record).ShouldBeTrue();
        (shared.Steps, shared.Unstable, shared.Successes).ShouldBe((alone.Steps, alone.Unstable, alone.Successes));
    }

    [Fact]
    public void Actions_are_clipped_and_kept_as_float32_and_the_hidden_simulation_is_each_episodes_own()
    {
        using Episodes hidden = Run(new Glider(hidesSpeed: true), pool: null);
        using Episodes seen = Run(new Glider(), pool: null);
        bool clipped = false;
        for (int i = 0; i < 200; i++)
        {
            Trajectory a = hidden.Trajectories[i], b = seen.Trajectories[i];
            a.Length.ShouldBe(b.Length);
            for (int t = 0; t < a.Length; t++)
            {
                a.Action(t).SequenceEqual(b.Action(t)).ShouldBeTrue();
                a.State(t + 1)[..8].SequenceEqual(b.State(t + 1)[..8]).ShouldBeTrue();
                foreach (float x in a.ActionVector(t))
                {
                    x.ShouldBeInRange(-1, 1);
                    clipped |= x is 1 or -1;
                }
            }
        }

        clipped.ShouldBeTrue();
    }

    [Fact]
    public void An_episode_whose_simulation_diverged_begins_again_is_counted_and_leaves_nothing_behind()
    {
        var task = new Glider(unstable: 0.05);
        using Episodes episodes = Run(task, pool: null);
        episodes.Unstable.ShouldBeGreaterThan(20);
        int kept = 0;
        for (int i = 0; i < 200; i++)
        {
            Trajectory trajectory = episodes.Trajectories[i];
            trajectory.Length.ShouldBe(task.Horizon);
            kept += trajectory.Length;
            for (int t = 0; t <= trajectory.Length; t++)
                float.IsNaN(BitConverter.ToSingle(trajectory.State(t))).ShouldBeFalse();
        }

        episodes.Steps.ShouldBeGreaterThan(kept);
    }

    [Fact]
    public void In_a_test_an_episode_whose_simulation_diverged_has_failed()
    {
        using Episodes episodes = Run(new Glider(unstable: 1), pool: null, restart: false);
        (episodes.Unstable, episodes.Successes, episodes.FinalSuccesses, episodes.Steps).ShouldBe((200, 0, 0, 200));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_episode_whose_start_diverged_is_drawn_again_and_counted_but_not_lost(bool restart)
    {
        var task = new Glider(unstableStarts: 0.5);
        using Episodes episodes = Run(task, pool: null, restart);
        episodes.Unstable.ShouldBeInRange(120, 280);
        episodes.Steps.ShouldBe(200 * task.Horizon);
        episodes.FinalSuccesses.ShouldBeGreaterThan(0);
        Should.Throw<InvalidOperationException>(() => Run(new Glider(unstableStarts: 1), pool: null, restart)).Message
            .ShouldContain("glider");
    }

    [Fact]
    public void A_task_that_always_diverges_ends_the_run_with_its_name()
    {
        using var pool = new WorkerPool(2);
        Should.Throw<InvalidOperationException>(() => Run(new Glider(unstable: 1), pool).Dispose()).Message.ShouldContain("glider");
    }

    [Fact]
    public void A_policy_that_says_what_is_not_a_number_ends_the_run_with_what_to_change()
    {
        using var episodes = new Episodes(new Glider(), 1);
        episodes.Clear(stopOnSuccess: false);
        episodes.Add(new RandomStream(1, RandomPurpose.Worker));
        episodes.Start();
        Should.Throw<BadConfigurationException>(() => episodes.Act(0, [0, float.NaN])).Message.ShouldContain("learningRate");
    }

    [Fact]
    public void Success_at_the_end_is_not_success_on_the_way()
    {
        var task = new Glider();
        using Episodes episodes = Run(task, pool: null);
        int atEnd = 0, onTheWay = 0;
        for (int i = 0; i < 200; i++)
        {
            Trajectory trajectory = episodes.Trajectories[i];
            bool[] success = new bool[trajectory.Length + 1];
            for (int t = 1; t <= trajectory.Length; t++)
                success[t] = task.IsSuccess(trajectory.State(t), trajectory.Goal);
            (atEnd, onTheWay) = (atEnd + (success[^1] ? 1 : 0), onTheWay + (success.Contains(true) ? 1 : 0));
        }

        (episodes.FinalSuccesses, episodes.Successes).ShouldBe((atEnd, onTheWay));
        atEnd.ShouldBeLessThan(onTheWay);
    }

    /// <summary>200 episodes of random actions, some out of the box.</summary>
    private static Episodes Run(Glider task, WorkerPool? pool, bool restart = true)
    {
        var random = new RandomStream(5, RandomPurpose.Worker);
        var episodes = new Episodes(task, 200, pool);
        episodes.Clear(stopOnSuccess: false, restartUnstable: restart);
        for (int i = 0; i < 200; i++)
            episodes.Add(random.Fork());
        episodes.Start();
        Span<float> action = stackalloc float[2];
        for (; episodes.Active > 0; episodes.Advance())
        {
            for (int i = 0; i < episodes.Active; i++)
            {
                ref RandomStream own = ref episodes.Random(i);
                foreach (ref float x in action)
                    x = 3 * own.NextSingle() - 1.5f;
                episodes.Act(i, action);
            }
        }

        return episodes;
    }
}
