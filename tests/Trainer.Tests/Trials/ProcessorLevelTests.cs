using System.Runtime.Intrinsics.X86;
using Hem.Core.Sweeps;

namespace Trainer.Tests.Trials;

/// <summary>The native programs as `make build` lays them into a folder, which HEM_PROGRAMS names.</summary>
public class ProcessorLevelTests
{
    [Fact]
    public async Task On_a_processor_with_AVX_512_the_native_program_becomes_the_one_compiled_for_it()
    {
        string folder = Path.GetFullPath(Environment.GetEnvironmentVariable("HEM_PROGRAMS") is { Length: > 0 } given ? given : ".");
        string program = Path.Combine(folder, "hem-trainer"), better = program + "-x86-64-v4";
        Assert.SkipUnless(File.Exists(better), "needs HEM_PROGRAMS, a folder with native programs");
        Assert.SkipUnless(Avx512F.IsSupported && Avx512BW.IsSupported, "this processor has no AVX-512");
        await using var harness = new TrialHarness(
            ParameterSet.Of(("algorithm", "hem"), ("task", "flipbit-10"), ("iterations", 1_000_000)));
        await harness.ServeAsync();
        TrainerProcess trainer = harness.Start(program);
        await harness.UntilAsync(() => harness.Sink.Curve.Count >= 1, trainer);
        string running = File.ResolveLinkTarget($"/proc/{trainer.Id}/exe", returnFinalTarget: false)!.FullName;
        trainer.Kill();
        await harness.EndAsync(trainer);
        running.ShouldBe(better);
    }
}
