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
    public void With_more_frames_the_pictures_of_the_states_before_follow_its_own(bool goalIsImage)
    {
        const int Frames = 3;
        Drawing.Require();
        ImageTask one = new(new PointMass(), Size, goalIsImage), more = new(new PointMass(), Size, goalIsImage, Frames);
        more.StateBytes.ShouldBe(one.StateBytes + (Frames - 1) * PictureBytes);
        more.Input.ShouldBe(one.Input with { StateImages = Frames });
        byte[] simulation = new byte[one.SimulationBytes], state = new byte[one.StateBytes], goal = new byte[one.GoalBytes];
        byte[] longSimulation = new byte[one.SimulationBytes], longState = new byte[more.StateBytes], sameGoal = new byte[more.GoalBytes];
        RandomStream random = new(1, RandomPurpose.Worker), same = random;
        one.Reset(ref random, simulation, state, goal);
        more.Reset(ref same, longSimulation, longState, sameGoal);
        byte[][] pictures = [.. Enumerable.Repeat(state[..PictureBytes], Frames)];
        float[] input = new float[one.Input.Total], longInput = new float[more.Input.Total];
        byte[] achieved = new byte[one.GoalBytes], sameAchieved = new byte[one.GoalBytes];
        for (int step = 0; step < 5; step++)
        {
            longState.ShouldBe([.. pictures.SelectMany(picture => picture), .. state[PictureBytes..]]);
            sameGoal.ShouldBe(goal);
            one.AchievedGoal(state, achieved);
            more.AchievedGoal(longState, sameAchieved);
            sameAchieved.ShouldBe(achieved);
            more.IsSuccess(longState, sameAchieved).ShouldBeTrue();
            more.IsSuccess(longState, goal).ShouldBe(one.IsSuccess(state, goal));
            one.Encode(state, goal, input);
            more.Encode(longState, goal, longInput);
            longInput[..PictureBytes].ShouldBe(input[..PictureBytes]);
            longInput[(Frames * PictureBytes)..].ShouldBe(input[PictureBytes..]);
            longInput[PictureBytes..(Frames * PictureBytes)].ShouldBe(
                [.. pictures.Skip(1).SelectMany(picture => picture).Select(value => value * (1 / 255f))]);
            one.Step(ref random, simulation, state, [1, 0.5f]);
            more.Step(ref same, longSimulation, longState, [1, 0.5f]);
            pictures = [state[..PictureBytes], .. pictures[..^1]];
        }

        pictures[0].SequenceEqual(pictures[1]).ShouldBeFalse("the point does not move");
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
