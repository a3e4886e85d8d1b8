using System.Diagnostics;
using System.Globalization;

namespace Hem.Bench;

/// <summary>A program in bench/peers that steps in PyTorch on one core, kept alive and asked for a round at a time.</summary>
internal sealed class PyTorchPeer(Process process, string? openBlasCore, string about) : IDisposable
{
    private const string Python = "/usr/bin/python3";

    public string About { get; } = about;

    public string? OpenBlasCore { get; } = openBlasCore;

    public string Kernels => OpenBlasCore is null ? "OpenBLAS's own choice" : $"OpenBLAS {OpenBlasCore}";

    /// <summary>Null, and a line of what is missing, where it does not start.</summary>
    /// <param name="name">The program: bench/peers/NAME.py, and the bench.</param>
    /// <param name="core">The core that it keeps to.</param>
    /// <param name="openBlasCore">OPENBLAS_CORETYPE; null: OpenBLAS chooses.</param>
    /// <param name="environment">Further variables.</param>
    public static PyTorchPeer? Start(string name, int core, string? openBlasCore, params (string Name, string Value)[] environment)
    {
        var script = Path.Combine(Root(), "bench", "peers", $"{name}.py");
        var start = Cores.On(core, openBlasCore, Python, script);
        foreach (var variable in environment)
            start.Environment[variable.Name] = variable.Value;
        start.RedirectStandardInput = true;
        var process = Process.Start(start)!;
        var ready = process.StandardOutput.ReadLine();
        if (ready is not null && ready.StartsWith("ready ", StringComparison.Ordinal))
            return new PyTorchPeer(process, openBlasCore, $"PyTorch {ready[6..].Trim()}, one thread");

        Console.Error.WriteLine(
            $"hem-bench {name}: the peer {Python} {script} did not start; it needs PyTorch with OpenBLAS: " +
            "apt-get install python3-torch libopenblas0-openmp");
        process.Dispose();
        return null;
    }

    /// <summary>The seconds of so many steps.</summary>
    public double[] Times(string variant, int steps)
    {
        process.StandardInput.WriteLine($"{variant} {steps}");
        process.StandardInput.Flush();
        var line = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the PyTorch peer ended early");
        return Array.ConvertAll(line.Split(' '), time => double.Parse(time, CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }

    private static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Hem.sln")))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException($"no folder with Hem.sln above {AppContext.BaseDirectory}");
    }
}
