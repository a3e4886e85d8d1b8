using Hem.Trainer.MuJoCo;

namespace Trainer.Tests.MuJoCo;

/// <summary>What MuJoCo has to say is heard, in a process of its own: after an error it ends.</summary>
public class MessagesTests
{
    private const string Variable = "HEM_TEST_MUJOCO_FAULT";

    [Theory]
    [InlineData("error", 1, "MuJoCo cannot go on: ")]
    [InlineData("warning", 0, "MuJoCo warns: Nan, Inf or huge value")]
    public async Task Errors_and_warnings_are_lines_and_no_file(string fault, int status, string line)
    {
        Native.Require();
        using var folder = new TemporaryFolder();
        var run = await Native.RunAsync(
            Path.Combine(AppContext.BaseDirectory, "Trainer.Tests"), ["--filter-method", $"*{nameof(Make_a_fault_where_asked_to)}"],
            folder.Path, (Variable, fault));
        run.Status.ShouldBe(status, run.Output + run.Errors);
        (run.Output + run.Errors).ShouldContain(line);
        Directory.GetFileSystemEntries(folder.Path).Where(path => path.EndsWith(".TXT", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public void Make_a_fault_where_asked_to()
    {
        switch (Environment.GetEnvironmentVariable(Variable))
        {
            case "error":
                Step(room: 5, speed: 0);
                break;
            case "warning":
                Step(room: null, speed: 1e9);
                break;
        }
    }

    /// <param name="room">How many numbers the solver has room for; null: enough.</param>
    /// <param name="speed">Of the body.</param>
    private static unsafe void Step(int? room, double speed)
    {
        using var model = Model.FromXml(
            "ball.xml",
            "<mujoco><worldbody><body><joint type='free' /><geom size='0.1 0.2 0.3' type='box' /></body></worldbody></mujoco>");
        using var simulation = new Simulation(model);
        simulation.Pointer->nstack = room ?? simulation.Pointer->nstack;
        simulation.Qvel.Fill(speed);
        simulation.Step(10);
    }
}
