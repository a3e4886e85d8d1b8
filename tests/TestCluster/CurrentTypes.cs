using System.Diagnostics;

namespace Hem.TestCluster;

/// <summary>Asks whether objects are ones of a current Kubernetes, by tests/CurrentKubernetes/types.</summary>
public static class CurrentTypes
{
    /// <param name="objects">YAML or JSON, documents divided by <c>---</c>.</param>
    /// <param name="foreign">API groups that are not Kubernetes' own.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>A line for each fault; empty where there is none.</returns>
    /// <exception cref="CannotException">This machine cannot.</exception>
    public static async Task<string> FaultsAsync(string objects, IEnumerable<string> foreign, CancellationToken cancel = default)
    {
        var program = Path.Combine(await Machine.CurrentResourcesAsync(), "kubernetes-types");
        using var process = Process.Start(new ProcessStartInfo(program, foreign)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (faults, said) = (process.StandardOutput.ReadToEndAsync(cancel), process.StandardError.ReadToEndAsync(cancel));
        await process.StandardInput.WriteAsync(objects);
        process.StandardInput.Close();
        await process.WaitForExitAsync(cancel);
        return process.ExitCode is 0 or 1 ? await faults : throw new InvalidOperationException($"{program}: {await said}");
    }
}
