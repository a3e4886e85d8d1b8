using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hem.OperatorBench;

/// <summary>
/// A node for all pods of a namespace that does nothing but say, as soon as it sees a pod, that its container has ended with 0.
/// </summary>
internal sealed class FlippingKubelet : IAsyncDisposable
{
    private const int Workers = 32;

    private readonly KubernetesClient _client;
    private readonly Informer<V1Pod> _pods;
    private readonly ConcurrentDictionary<string, byte> _flipped = new();
    private readonly WorkQueue<ObjectKey> _queue = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _work = Task.CompletedTask;

    public FlippingKubelet(KubernetesClient client, string ns)
    {
        _client = client;
        _pods = new Informer<V1Pod>(client, Resources.Pods, ns);
        _pods.Changed += (type, _, pod) =>
        {
            if (type == WatchEventType.Added) _queue.Add(pod!.Key());
        };
    }

    /// <summary>A pod's end was accepted by the API server.</summary>
    public event Action<V1Pod>? Flipped;

    public async Task StartAsync()
    {
        await _pods.StartAsync();
        _work = Reconciler.RunAsync(_queue, Workers, FlipAsync, "kubelet", NullLogger.Instance, _stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _pods.DisposeAsync();
        await _work;
        _queue.Dispose();
    }

    private async Task<ReconcileResult> FlipAsync(ObjectKey key, CancellationToken cancel)
    {
        if (_pods.Indexer.Get(key) is not { } pod || !_flipped.TryAdd(pod.Metadata.Uid!, 0)) return default;
        string now = DateTimeOffset.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");
        try
        {
            await _client.MergePatchAsync(Resources.Pods, key.Namespace, key.Name, new JsonObject
            {
                ["status"] = new JsonObject
                {
                    ["phase"] = "Succeeded",
                    ["startTime"] = now,
                    ["containerStatuses"] = new JsonArray(new JsonObject
                    {
                        ["name"] = "trainer",
                        ["image"] = "",
                        ["imageID"] = "",
                        ["ready"] = false,
                        ["restartCount"] = 0,
                        ["state"] = new JsonObject { ["terminated"] = new JsonObject { ["exitCode"] = 0, ["finishedAt"] = now } },
                    }),
                },
            }, "status", cancel: cancel);
        }
        catch (KubernetesException e) when (e.IsNotFound || e.IsConflict)
        {
            return default;
        }

        Flipped?.Invoke(pod);
        return default;
    }
}
