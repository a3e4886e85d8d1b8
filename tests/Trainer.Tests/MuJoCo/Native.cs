using System.Diagnostics;
using System.Runtime.InteropServices;
using Hem.Trainer.MuJoCo;

namespace Trainer.Tests.MuJoCo;

/// <summary>What the tests on MuJoCo need from the machine.</summary>
internal static class Native
{
    private static readonly bool HasLibrary = NativeLibrary.TryLoad(MuJoCoLibrary.FileName, out _);

    /// <summary>Skips the test where the library is not.</summary>
    public static void Require() => Assert.SkipUnless(HasLibrary, "needs MuJoCo: apt-get install libmujoco2.2.2");

    /// <summary>The folder of the sources.</summary>
    public static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Hem.sln")))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException($"no folder with Hem.sln above {AppContext.BaseDirectory}");
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<(int Status, string Output, string Errors)> RunAsync(
        string program, IEnumerable<string> arguments, string? folder = null, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? "",
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }
}
