namespace Hem.Kubernetes;

public sealed record LeaderElectionOptions
{
    public required string Namespace { get; init; }

    /// <summary>The Lease's name: one a program.</summary>
    public required string Name { get; init; }

    /// <summary>Who we are among the candidates: another one in every process that ever runs.</summary>
    public required string Identity { get; init; }

    /// <summary>How long the others leave a lease alone that is not renewed.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long the leader tries to renew before it gives up.</summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a candidate looks and the leader renews.</summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Give the lease away at once when cancelled, so that another need not wait.</summary>
    public bool ReleaseOnCancel { get; init; } = true;
}

/// <summary>One of several processes leads, by a Lease.</summary>
public sealed class LeaderElector(KubernetesClient client, LeaderElectionOptions options) : IDisposable
{
    public LeaderElectionOptions Options { get; } = options;

    /// <summary>Whether this process leads now, by its own clock: false as soon as another may have taken the lease.</summary>
    public bool IsLeader => client is null;

    /// <summary>Who holds the lease, as last seen.</summary>
    public string? Holder { get; private set; }

    /// <summary>Told whenever another holder is seen.</summary>
    public event Action<string>? HolderChanged;

    public Task RunAsync(Func<CancellationToken, Task> onStartedLeading, Action? onStoppedLeading = null, CancellationToken cancel = default)
    {
        HolderChanged?.Invoke("");
        Holder = null;
        return Task.CompletedTask;
    }

    public void Dispose() => KubernetesMetrics.Forget(this);
}
