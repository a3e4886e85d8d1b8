using System.Diagnostics;
using Hem.TestCluster;

namespace Operator.Tests.Api;

/// <summary>kubectl as a user has it; a test that needs it is skipped where there is none.</summary>
internal sealed class Kubectl(ControlPlane plane, string? kubeconfig = null)
{
    /// <summary>What it printed, its exit status and what it complained of.</summary>
    public sealed record Answer(int Status, string Output, string Error);

    /// <summary>Runs it to its end, with what it should read from `-f -`.</summary>
    public async Task<Answer> TryAsync(string? input, params string[] arguments)
    {
        var start = new ProcessStartInfo("kubectl", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["KUBECONFIG"] = kubeconfig ?? plane.Kubeconfig,
                ["KUBECACHEDIR"] = Path.Combine(plane.Folder, "kubectl-cache"),
            },
        };
        Process? process = null;
        try { process = Process.Start(start); }
        catch (System.ComponentModel.Win32Exception) { Assert.Skip("kubectl is not installed (apt: kubernetes-client)"); }
        using (process)
        {
            var (output, error) = (process!.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            if (input is not null) await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return new(process.ExitCode, await output, await error);
        }
    }

    public async Task<string> RunAsync(params string[] arguments) => await RunAsync(null, arguments);

    public async Task<string> RunAsync(string? input, string[] arguments)
    {
        var answer = await TryAsync(input, arguments);
        answer.Status.ShouldBe(0, $"kubectl {string.Join(' ', arguments)}\n{answer.Output}\n{answer.Error}");
        return answer.Output;
    }
}
