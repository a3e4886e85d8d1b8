using System.Globalization;

namespace Hem.Kubernetes.Tests.Support;

/// <summary>
/// A process that wants to lead: <c>KUBECONFIG NAMESPACE LEASE IDENTITY</c>. While it leads it writes, as fast as it can, a number that grows
/// into the ConfigMap <c>work</c>, gated by the election as an operator's writes are. Prints what happens to it.
/// </summary>
internal static class Candidate
{
    public static async Task<int> RunAsync(string[] args)
    {
        var config = KubernetesClientConfiguration.FromKubeconfig(args[0]);
        LeaderElector? elector = null;
        using var client = new KubernetesClient(config, new() { MayWrite = () => elector!.IsLeader });
        elector = new LeaderElector(client, new() { Namespace = args[1], Name = args[2], Identity = args[3] });
        using var _ = elector;
        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            stop.Cancel();
        };
        await elector.RunAsync(async cancel =>
        {
            Say("leads");
            for (var number = 1; !cancel.IsCancellationRequested; number++)
            {
                var (shown, path) = (elector.IsLeader, number.ToString(CultureInfo.InvariantCulture));
                try
                {
                    await client.ApplyAsync(Resources.ConfigMaps, args[1], "work",
                        new() { ["data"] = new System.Text.Json.Nodes.JsonObject { ["by"] = args[3], ["number"] = path } }, "work", force: true,
                        cancel: CancellationToken.None);
                }
                catch (WriteRefusedException)
                {
                    Say("refused");
                }
                catch (Exception exception) when (exception is HttpRequestException or KubernetesException)
                {
                    Say($"failed {exception.Message}");
                }
                if (!shown) Say("late");
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
