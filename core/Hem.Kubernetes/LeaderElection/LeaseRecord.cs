using System.Globalization;
using System.Text.Json.Nodes;

namespace Hem.Kubernetes;

/// <summary>The Lease as last seen, and the changes of it. Every change names the resourceVersion that it was decided on.</summary>
internal sealed class LeaseRecord(KubernetesClient client, LeaderElectionOptions options)
{
    private readonly TimeProvider _time = client.Options.Time;
    private V1LeaseSpec? _seen;
    private string? _resourceVersion;
    private long _seenAt;

    /// <summary>Null before the first look; empty where nobody holds it.</summary>
    public string? Holder => _seen is null ? null : _seen.HolderIdentity ?? "";

    /// <summary>How long until the lease that was seen has passed, by our clock; null where nobody holds it.</summary>
    public TimeSpan? UntilFree
    {
        get
        {
            if (string.IsNullOrEmpty(_seen?.HolderIdentity)) return null;
            var duration = _seen.LeaseDurationSeconds is { } seconds and > 0 ? TimeSpan.FromSeconds(seconds) : options.LeaseDuration;
            var left = duration - _time.GetElapsedTime(_seenAt);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    public async Task<bool> TryAcquireAsync(CancellationToken cancel)
    {
        if (!await ReadAsync(cancel)) return await CreateAsync(cancel);
        var ours = _seen!.HolderIdentity == options.Identity;
        if (!ours && UntilFree > TimeSpan.Zero) return false;
        var now = Now();
        return await PatchAsync(new()
        {
            ["holderIdentity"] = options.Identity,
            ["leaseDurationSeconds"] = (int)options.LeaseDuration.TotalSeconds,
            ["acquireTime"] = now,
            ["renewTime"] = now,
            ["leaseTransitions"] = (_seen.LeaseTransitions ?? 0) + (ours ? 0 : 1),
        }, cancel);
    }

    public async Task<bool> TryRenewAsync(CancellationToken cancel)
    {
        if (await PatchAsync(Renewed(), cancel)) return true;
        // It has changed, or is gone. Somebody may have put a label on it; or the server's state is an older one.
        if (!await ReadAsync(cancel)) return await CreateAsync(cancel);
        return _seen!.HolderIdentity == options.Identity && await PatchAsync(Renewed(), cancel);
    }

    public Task<bool> ReleaseAsync(CancellationToken cancel) =>
        PatchAsync(new() { ["holderIdentity"] = null, ["leaseDurationSeconds"] = 1, ["renewTime"] = Now() }, cancel);

    private JsonObject Renewed() => new()
    {
        ["renewTime"] = Now(),
        ["leaseDurationSeconds"] = (int)options.LeaseDuration.TotalSeconds,
    };

    private async Task<bool> ReadAsync(CancellationToken cancel)
    {
        var lease = await client.GetAsync(Resources.Leases, options.Namespace, options.Name, cancel);
        if (lease is not null) See(lease);
        return lease is not null;
    }

    private async Task<bool> CreateAsync(CancellationToken cancel)
    {
        var now = _time.GetUtcNow();
        try
        {
            See(await client.CreateAsync(Resources.Leases, new V1Lease
            {
                Metadata = new() { Namespace = options.Namespace, Name = options.Name },
                Spec = new()
                {
                    HolderIdentity = options.Identity,
                    LeaseDurationSeconds = (int)options.LeaseDuration.TotalSeconds,
                    AcquireTime = now,
                    RenewTime = now,
                    LeaseTransitions = 0,
                },
            }, cancel: cancel));
            return true;
        }
        catch (KubernetesException exception) when (exception.IsAlreadyExists)
        {
            return false;
        }
    }

    /// <returns>False where the lease is not as it was seen.</returns>
    private async Task<bool> PatchAsync(JsonObject spec, CancellationToken cancel)
    {
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = _resourceVersion }, ["spec"] = spec };
        try
        {
            See(await client.MergePatchAsync(Resources.Leases, options.Namespace, options.Name, patch, cancel: cancel));
            return true;
        }
        catch (KubernetesException exception) when (exception.IsConflict || exception.IsNotFound)
        {
            return false;
        }
    }

    private void See(V1Lease lease)
    {
        _resourceVersion = lease.Metadata.ResourceVersion;
        var spec = lease.Spec ?? new();
        if (_seen == spec) return;
        (_seen, _seenAt) = (spec, _time.GetTimestamp());
    }

    private string Now() => _time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
