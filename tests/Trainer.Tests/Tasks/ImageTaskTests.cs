using Hem.Core.Sweeps;
using Hem.Trainer;
using Hem.Trainer.Networks;
using Hem.Trainer.Rendering;
using Hem.Trainer.Replay;
using Hem.Trainer.Tasks;
using Trainer.Tests.Rendering;

namespace Trainer.Tests.Tasks;

public class ImageTaskTests
{
    private const int Size = 36, PictureBytes = 3 * Size * Size;

    public static TheoryData<string, bool> TasksAndGoals
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (string name in VisibleTasks.All.Keys)
            {
                data.Add(name, false);
                data.Add(name, true);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(TasksAndGoals))]
    public void It_is_the_task_with_pictures_in_front(string name, bool goalIsImage)
    {
        Drawing.Require();
        IVisibleTask task = VisibleTasks.All[name]();
        var seen = new ImageTask(VisibleTasks.All[name](), Size, goalIsImage);
        (seen.Name, seen.Horizon, seen.ActionSize).ShouldBe((task.Name, task.Horizon, task.ActionSize));
        seen.StateBytes.ShouldBe(PictureBytes + task.StateBytes);
        seen.GoalBytes.ShouldBe(task.GoalBytes + (goalIsImage ? PictureBytes : 0));
        seen.Input.ShouldBe(new InputShape(1, goalIsImage ? 1 : 0, Size, 0, goalIsImage ? 0 : task.Input.GoalVector));

        byte[] simulation = new byte[task.SimulationBytes], state = new byte[task.StateBytes], goal = new byte[task.GoalBytes];
        byte[] seenSimulation = new byte[seen.SimulationBytes], seenState = new byte[seen.StateBytes], seenGoal = new byte[seen.GoalBytes];
        RandomStream random = new(1, RandomPurpose.Worker), seenRandom = random;
        using var renderer = new SceneRenderer(task.Model, Size, Size);
        task.Reset(ref random, simulation, state, goal);
        seen.Reset(ref seenRandom, seenSimulation, seenState, seenGoal);
        seenGoal[(goalIsImage ? PictureBytes : 0)..].ShouldBe(goal);
        for (int step = 0; step < 4; step++)
        {
            seenState[PictureBytes..].ShouldBe(state);
            seenSimulation.ShouldBe(simulation);
            seenState[..PictureBytes].SequenceEqual(Drawing.Picture(renderer, task, simulation, state)).ShouldBeTrue();
            float[] action = [.. Enumerable.Range(0, task.ActionSize).Select(i => i % 2 == 0 ? 0.7f : -0.4f)];
            task.Step(ref random, simulation, state, action).ShouldBe(StepOutcome.Stepped);
            seen.Step(ref seenRandom, seenSimulation, seenState, action).ShouldBe(StepOutcome.Stepped);
        }

        seenRandom.ShouldBe(random);
        var input = new float[seen.Input.Total];
        seen.Encode(seenState, seenGoal, input);
        input[..PictureBytes].Zip(seenState).All(pair => pair.First == pair.Second * (1 / 255f)).ShouldBeTrue();
        var vectors = new float[task.Input.Total];
        task.Encode(state, goal, vectors);
        if (goalIsImage)
            input[PictureBytes..].Zip(seenGoal).All(pair => pair.First == pair.Second * (1 / 255f)).ShouldBeTrue();
        else
            input[PictureBytes..].ShouldBe(vectors[task.Input.StateVector..]);

        byte[] achieved = new byte[task.GoalBytes], seenAchieved = new byte[seen.GoalBytes];
        task.AchievedGoal(state, achieved);
        seen.AchievedGoal(seenState, seenAchieved);
        byte[] expected = goalIsImage ? [.. seenState[..PictureBytes], .. achieved] : achieved;
        seenAchieved.SequenceEqual(expected).ShouldBeTrue();
        ((ITask)seen).AchievedCell(seenState).ShouldBe(task.AchievedCell(state));
        seen.IsSuccess(seenState, seenAchieved).ShouldBeTrue();
        seen.IsSuccess(seenState, seenGoal).ShouldBe(task.IsSuccess(state, goal));
    }

    [Theory]
    [MemberData(nameof(TasksAndGoals))]
    public void Where_a_goal_is_shown_the_task_has_achieved_it(string name, bool goalIsImage)
    {
        Drawing.Require();
        IVisibleTask task = VisibleTasks.All[name]();
        var seen = new ImageTask(task, Size, goalIsImage);
        byte[] simulation = new byte[seen.SimulationBytes], state = new byte[seen.StateBytes], goal = new byte[seen.GoalBytes];
        using var renderer = new SceneRenderer(task.Model, Size, Size);
        for (int seed = 1; seed <= 4; seed++)
        {
            var random = new RandomStream(seed, RandomPurpose.Worker);
            seen.Reset(ref random, simulation, state, goal);
            byte[] there = [.. simulation], at = state[PictureBytes..], own = goal[(goalIsImage ? PictureBytes : 0)..];
            task.MoveToGoal(there, at, own);
            task.IsSuccess(at, own).ShouldBeTrue($"goal of seed {seed}");
            if (goalIsImage)
                goal[..PictureBytes].SequenceEqual(Drawing.Picture(renderer, task, there, at)).ShouldBeTrue();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void With_more_frames_the_pictures_of_the_states_before_follow_its_own_and_none_is_stored_twice(bool goalIsImage)
    {
        const int Frames = 3;
        Drawing.Require();
        ImageTask one = new(new PointMass(), Size, goalIsImage), more = new(new PointMass(), Size, goalIsImage, Frames);
        (more.StateBytes, more.GoalBytes).ShouldBe((one.StateBytes, one.GoalBytes));
        more.Input.ShouldBe(one.Input with { StateImages = Frames });
        using Episodes plain = new(one, capacity: 1), stacked = new(more, capacity: 1);
        foreach (Episodes episodes in (Episodes[])[plain, stacked])
        {
            episodes.Clear(stopOnSuccess: false);
            episodes.Add(new RandomStream(1, RandomPurpose.Worker));
            episodes.Start();
        }

        // What the agent sees as it acts.
        byte[][] pictures = [.. Enumerable.Repeat(Picture(0), Frames)];
        List<float[]> seen = [];
        for (int t = 0; t < one.Horizon; t++)
        {
            seen.Add(stacked.Encode().ToArray());
            seen[^1].ShouldBe(Stacked(plain.Encode()));
            plain.Act(0, [1, MathF.Sin(t)]);
            stacked.Act(0, [1, MathF.Sin(t)]);
            plain.Advance();
            stacked.Advance();
            pictures = [Picture(t + 1), .. pictures[..^1]];
        }

        // And what it learns from, as of the replay.
        Trajectory trajectory = stacked.Trajectories[0];
        trajectory.Record.SequenceEqual(plain.Trajectories[0].Record).ShouldBeTrue();
        Picture(0).SequenceEqual(Picture(1)).ShouldBeFalse("the point does not move");
        float[] input = new float[more.Input.Total];
        for (int t = 0; t < seen.Count; t++)
        {
            ((ITask)more).Encode(trajectory, t, trajectory.Goal, input);
            input.ShouldBe(seen[t]);
        }

        more.Encode(trajectory.State(0), trajectory.Goal, input);
        input.ShouldBe(seen[0]);

        byte[] Picture(int t) => plain.Trajectories[0].State(t)[..PictureBytes].ToArray();

        float[] Stacked(ReadOnlySpan<float> single) =>
            [.. pictures.SelectMany(picture => picture).Select(value => value * (1 / 255f)), .. single[PictureBytes..]];
    }

    [Fact]
    public void Episodes_with_pictures_do_not_depend_on_the_threads_that_draw_them()
    {
        Drawing.Require();
        byte[][] Run(int threads)
        {
            const int count = 6;
            using var pool = new WorkerPool(threads);
            using var episodes = new Episodes(new ImageTask(new PointMass(), Size, goalIsImage: true), count, pool);
            episodes.Clear(stopOnSuccess: true);
            for (int i = 0; i < count; i++)
                episodes.Add(new RandomStream(i, RandomPurpose.Worker));
            episodes.Start();
            while (episodes.Active > 0)
            {
                for (int i = 0; i < episodes.Active; i++)
                {
                    ref RandomStream random = ref episodes.Random(i);
                    episodes.Act(i, [2 * random.NextSingle() - 1, 2 * random.NextSingle() - 1]);
                }

                episodes.Advance();
            }

            return [.. Enumerable.Range(0, count).Select(i => episodes.Trajectories[i].Record.ToArray())];
        }

        byte[][] alone = Run(1), together = Run(3);
        for (int i = 0; i < alone.Length; i++)
            together[i].SequenceEqual(alone[i]).ShouldBeTrue();
    }

    [Fact]
    public void The_parameters_choose_it()
    {
        Drawing.Require();
        ITask? Create(params (string, ParameterValue)[] more) => TaskCatalog.Create(ParameterTable.Resolve(
            ParameterSet.Of([("algorithm", "hem"), ("task", "pointmass"), .. more])));
        Create().ShouldBeOfType<PointMass>();
        Create(("stateObservation", "image"))!.Input.ShouldBe(new InputShape(1, 0, 84, 0, 2));
        Create(("stateObservation", "image"), ("goalObservation", "image"), ("imageSize", 48))!.Input
            .ShouldBe(new InputShape(1, 1, 48, 0, 0));
        Create(("stateObservation", "image"), ("frames", 4))!.Input.ShouldBe(new InputShape(4, 0, 84, 0, 2));
    }

    [Fact]
    public void Bytes_become_shares_of_255()
    {
        byte[] pixels = [.. Enumerable.Range(0, 256).Select(i => (byte)i), 7, 255, 128];
        var shares = new float[pixels.Length];
        PixelScale.ToFloats(pixels, shares);
        shares.Zip(pixels).ShouldAllBe(pair => Math.Abs(pair.First - pair.Second / 255.0) < 1e-7);
        (shares[0], shares[255], shares[^2]).ShouldBe((0, 1, 1));
    }
}
