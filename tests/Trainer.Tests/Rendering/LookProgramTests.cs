using System.Diagnostics;
using Hem.Trainer.Trials;

namespace Trainer.Tests.Rendering;

/// <summary>`hem-trainer look`, as a process of its own: which OpenGL there is, a process decides once.</summary>
public sealed class LookProgramTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("pointmass")]
    [InlineData("sawyer-reach")]
    public void EGL_and_OSMesa_draw_the_same_sheet(string task)
    {
        Drawing.Require();
        byte[] egl = File.ReadAllBytes(Look(task, "egl"));
        egl[..4].ShouldBe([0x89, .. "PNG"u8]);
        byte[] osMesa = File.ReadAllBytes(Look(task, "osmesa"));
        osMesa.SequenceEqual(egl).ShouldBeTrue();
    }

    [Fact]
    public void Where_nothing_can_draw_it_says_what_to_install_and_ends_with_64()
    {
        Drawing.Require();
        foreach (string library in (string[])["libEGL.so.1", "libOSMesa.so.8", "libOSMesa.so.6"])
            File.WriteAllText(folder[library], "");
        (int code, string error) = Run([("LD_LIBRARY_PATH", folder.Path)], "look", "pointmass", "--out", folder["a.png"]);
        code.ShouldBe(64, error);
        error.ShouldContain("there is no libEGL.so.1");
        error.ShouldContain("apt-get install libegl1 libgl1 libgl1-mesa-dri");
        error.ShouldContain("libosmesa6");
        File.Exists(folder["a.png"]).ShouldBeFalse();
        (code, error) = Run([("MUJOCO_GL", "glfw")], "look", "pointmass", "--out", folder["a.png"]);
        code.ShouldBe(64);
        error.ShouldContain("MUJOCO_GL is 'glfw'");
    }

    [Theory]
    [InlineData("no task was named")]
    [InlineData("nothing to look at in flipbit-25", "flipbit-25")]
    [InlineData("nothing to look at in juggling", "juggling")]
    [InlineData("a multiple of 4 from 36 to 128", "pointmass", "--image-size", "50")]
    [InlineData("--out needs a value", "pointmass", "--out")]
    [InlineData("--seed five is not understood", "pointmass", "--seed", "five")]
    [InlineData("--colour red is not understood", "pointmass", "--colour", "red")]
    public void A_wrong_command_line_is_told_and_ends_with_64(string message, params string[] args)
    {
        var error = new StringWriter();
        TrainerProgram.Execute(["look", .. args], _ => null, TextWriter.Null, error).ShouldBe(64);
        error.ToString().ShouldContain(message);
    }

    private string Look(string task, string library)
    {
        string file = folder[$"{library}.png"];
        (int code, string error) = Run([("MUJOCO_GL", library)], "look", task, "--image-size", "48", "--seed", "3", "--out", file);
        Assert.SkipWhen(code == 64 && error.Contains("apt-get install", StringComparison.Ordinal), error);
        code.ShouldBe(0, error);
        return file;
    }

    private static (int Code, string Error) Run((string Name, string Value)[] environment, params string[] args)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "hem-trainer"), args)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error);
    }
}
