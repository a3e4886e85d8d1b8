using Hem.Trainer.MuJoCo;

namespace Trainer.Tests.MuJoCo;

public class LayoutTests
{
    /// <summary>`make layout` writes it again.</summary>
    [Fact]
    public async Task The_structures_are_where_the_C_compiler_puts_them()
    {
        Native.Require();
        Assert.SkipUnless(
            File.Exists("/usr/include/mujoco/mjxmacro.h") && File.Exists("/usr/bin/gcc"),
            "needs MuJoCo's headers and a C compiler: apt-get install libmujoco-dev gcc libc6-dev");
        string sources = Path.Combine(Native.Root(), "trainer", "Hem.Trainer", "MuJoCo");
        using var folder = new TemporaryFolder();
        string program = Path.Combine(folder.Path, "layout");
        var compiled = await Native.RunAsync("gcc", [Path.Combine(sources, "layout.c"), "-o", program, "-lmujoco"]);
        compiled.Status.ShouldBe(0, compiled.Errors);
        var printed = await Native.RunAsync(program, []);
        printed.Output.ShouldBe(await File.ReadAllTextAsync(Path.Combine(sources, "Layout.g.cs")));
    }

    [Fact]
    public unsafe void The_structures_have_the_sizes_of_the_library()
    {
        sizeof(MjModel).ShouldBe(3280);
        sizeof(MjData).ShouldBe(41176);
        sizeof(MjvScene).ShouldBe(8656);
        sizeof(MjrContext).ShouldBe(2304);
    }
}
