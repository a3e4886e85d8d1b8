using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Hem.Trainer.Networks;
using Hem.Trainer.Networks.Kernels;

namespace Trainer.Tests.Networks;

/// <summary>The same processor with instructions switched off, in a process of its own.</summary>
public class WithoutInstructionsTests
{
    private const string FileVariable = "HEM_TEST_FINGERPRINT_FILE";

    [Theory]
    [InlineData("DOTNET_EnableAVX512", 256)]
    [InlineData("DOTNET_EnableAVX2", 128)]
    [InlineData("DOTNET_EnableHWIntrinsic", 128)]
    public async Task Training_has_the_same_bits_with_instructions_switched_off(string variable, int widest)
    {
        var file = Path.GetTempFileName();
        try
        {
            var start = new ProcessStartInfo(
                Path.Combine(AppContext.BaseDirectory, "Trainer.Tests"), ["--filter-method", $"*{nameof(Fingerprint_of_a_training)}"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment[variable] = "0";
            start.Environment[FileVariable] = file;
            using var child = Process.Start(start)!;
            var output = child.StandardOutput.ReadToEndAsync();
            var errors = child.StandardError.ReadToEndAsync();
            await child.WaitForExitAsync();
            child.ExitCode.ShouldBe(0, await output + await errors);

            var lines = await File.ReadAllLinesAsync(file);
            int.Parse(lines[0]).ShouldBeLessThanOrEqualTo(widest);
            lines[1..].ShouldBe([.. Fingerprints()]);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Fingerprint_of_a_training()
    {
        var fingerprints = Fingerprints().ToArray();
        fingerprints.Distinct().Count().ShouldBe(1);
        if (Environment.GetEnvironmentVariable(FileVariable) is { Length: > 0 } file)
            File.WriteAllLines(file, [$"{KernelSet.Best.Width}", .. fingerprints]);
    }

    private static IEnumerable<string> Fingerprints() => NetworkSamples.Widths.Select(width =>
    {
        using var network = NetworkSamples.Create(NetworkSamples.Describe(10, 37, 64, 7), kernels: width);
        var adam = new Adam(network);
        var gradient = new float[9 * 7];
        for (var step = 0; step < 5; step++)
        {
            VectorMath.SoftmaxCrossEntropy(network.Forward(NetworkSamples.Numbers(90, step), 9), new int[9], gradient);
            network.Backward(gradient, 9);
            adam.Step();
        }

        return Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(network.Parameters)));
    });
}
