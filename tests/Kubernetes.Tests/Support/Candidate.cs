using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Hem.Kubernetes.Tests.Support;

/// <summary>
/// A process that wants to lead: <c>KUBECONFIG NAMESPACE LEASE IDENTITY SECONDS</c>. While it leads it writes, as fast as it can, a number
/// that grows into a ConfigMap of its own, gated by the election as an operator's writes are. Prints what happens to it.
/// </summary>
internal static class Candidate
{
    public static async Task<int> RunAsync(string[] args)
    {
        var config = KubernetesClientConfiguration.FromKubeconfig(args[0]);
        LeaderElector? elector = null;
        using var client = new KubernetesClient(config, new() { MayWrite = () => elector!.IsLeader });
        elector = new LeaderElector(client, new()
        {
            Namespace = args[1],
            Name = args[2],
            Identity = args[3],
            LeaseDuration = TimeSpan.FromSeconds(int.Parse(args[4], CultureInfo.InvariantCulture)),
        });
        using var _ = elector;
        using var stop = new CancellationTokenSource();
        using var signal = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });
        elector.HolderChanged += holder => Say($"sees {holder}");
        Say("started");
        await elector.RunAsync(async cancel =>
        {
            Say("leads");
            for (var number = 1; !cancel.IsCancellationRequested; number++)
            {
                try
                {
                    var data = new JsonObject { ["number"] = number.ToString(CultureInfo.InvariantCulture) };
                    await client.ApplyAsync(Resources.ConfigMaps, args[1], "by-" + args[3], new() { ["data"] = data }, "work", force: true,
                        cancel: CancellationToken.None);
                }
                catch (WriteRefusedException)
                {
                    Say("refused");
                    number--;
                }
                catch (Exception exception) when (exception is HttpRequestException or KubernetesException)
                {
                    Say($"failed: {exception.Message}");
                }
            }
        }, () => Say("stopped"), stop.Token);
        return 0;
    }

    private static void Say(string what)
    {
        Console.WriteLine(what);
        Console.Out.Flush();
    }
}
