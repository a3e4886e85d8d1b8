using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Microsoft.Extensions.Logging;

namespace Hem.Operator.Hosting;

/// <summary>
/// The label by which the progress Service finds the leader's pod: put on one's own, taken off all others, and looked after as long
/// as it leads, since without it no trainer is heard.
/// </summary>
internal static class LeaderLabel
{
    private const string Label = "hem.dev/leader";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan LongestFarewell = TimeSpan.FromSeconds(2);

    /// <summary>Goes on until cancelled; then takes it off, where this process still leads. Does nothing outside of a pod.</summary>
    public static async Task KeepAsync(
        KubernetesClient client, OperatorOptions options, ILogger logger, TimeProvider time, CancellationToken cancel)
    {
        if (options.PodName is not { } own)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancel);
            return;
        }

        try
        {
            await KeepAsync(client, options, own, logger, time, cancel);
        }
        finally
        {
            await TakeOffAsync(client, options, own, logger);
        }
    }

    private static async Task KeepAsync(
        KubernetesClient client, OperatorOptions options, string own, ILogger logger, TimeProvider time, CancellationToken cancel)
    {
        var trouble = new LastingTrouble(time);
        while (true)
        {
            TimeSpan pause = Interval;
            try
            {
                KubernetesList<V1Pod> labelled = await client.ListAsync(
                    Resources.Pods, options.Namespace, new ListOptions { LabelSelector = $"{Label}=true" }, cancel);
                foreach (V1Pod pod in labelled.Items)
                    if (pod.Metadata.Name != own) await SetAsync(client, pod, null, cancel);
                if (!labelled.Items.Any(pod => pod.Metadata.Name == own)
                    && await client.GetAsync(Resources.Pods, options.Namespace, own, cancel) is { } self)
                    await SetAsync(client, self, "true", cancel);
            }
            catch (Exception e) when (e is not OperationCanceledException || !cancel.IsCancellationRequested)
            {
                if (trouble.IsNews(LastingTrouble.KindOf(e))) OperatorLog.LabelTrouble(logger, own, e.Message);
                pause = options.TroublePause;
            }

            await Task.Delay(pause, time, cancel);
        }
    }

    // From then on nobody is sent here. Whoever lost the lease may not, and the next leader does it for him.
    private static async Task TakeOffAsync(KubernetesClient client, OperatorOptions options, string own, ILogger logger)
    {
        using var farewell = new CancellationTokenSource(LongestFarewell);
        try
        {
            if (await client.GetAsync(Resources.Pods, options.Namespace, own, farewell.Token) is { } self && self.Label(Label) is not null)
                await SetAsync(client, self, null, farewell.Token);
        }
        catch (Exception e) when (e is KubernetesException or HttpRequestException or OperationCanceledException or WriteRefusedException)
        {
            OperatorLog.LabelStays(logger, own, e.Message);
        }
    }

    private static async Task SetAsync(KubernetesClient client, V1Pod pod, string? value, CancellationToken cancel)
    {
        try
        {
            await client.MergePatchAsync(Resources.Pods, pod.Metadata.Namespace, pod.Metadata.Name!, new JsonObject
            {
                ["metadata"] = new JsonObject
                {
                    ["uid"] = pod.Metadata.Uid,
                    ["resourceVersion"] = pod.Metadata.ResourceVersion,
                    ["labels"] = new JsonObject { [Label] = value },
                },
            }, cancel: cancel);
        }
        catch (KubernetesException e) when (e.IsNotFound)
        {
            // It is gone, and its label with it.
        }
    }
}
