using Cli.Tests.Support;
using Hem.Cli;
using Hem.Cli.Engine;

namespace Cli.Tests.Engine;

public sealed class TrainerProgramTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_trainer_runs_on_this_machine() => await TrainerProgram.RequireRunsAsync(Programs.Trainer);

    /// <summary>What the native program says, and how it ends, on `qemu-x86_64 -cpu Nehalem`.</summary>
    [Fact]
    public async Task A_processor_that_it_is_not_compiled_for_is_said_in_one_line()
    {
        var program = Script("echo >&2; echo 'The required instruction sets are not supported by the current CPU.' >&2; kill -ABRT $$");
        (await Should.ThrowAsync<HemException>(TrainerProgram.RequireRunsAsync(program))).ShouldSatisfyAllConditions(
            e => e.ExitCode.ShouldBe(ExitCodes.Unavailable),
            e => e.Message.ShouldBe(
                $"{program} does not run on this machine: The required instruction sets are not supported by the current CPU. "
                + "(killed by SIGABRT). It needs an x86-64 processor with AVX2, which virtual machines may hide. Nothing was started."));
    }

    [Fact]
    public async Task Another_fault_is_told_as_the_program_tells_it()
    {
        var program = Script("echo 'cannot open shared object file: libx.so'; exit 127");
        (await Should.ThrowAsync<HemException>(TrainerProgram.RequireRunsAsync(program))).Message.ShouldBe(
            $"{program} does not run on this machine: cannot open shared object file: libx.so (exit code 127). Nothing was started.");
    }

    private string Script(string body) => _folder.Write("hem-trainer", "#!/bin/sh\n" + body + "\n", executable: true);
}
