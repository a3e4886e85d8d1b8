namespace Hem.Kubernetes;

/// <summary>The defaults are those of Kubernetes' own components.</summary>
public sealed record LeaderElectionOptions
{
    public required string Namespace { get; init; }

    /// <summary>The Lease's name: one a program.</summary>
    public required string Name { get; init; }

    /// <summary>Who we are among the candidates: another one in every process that ever runs.</summary>
    public required string Identity { get; init; }

    /// <summary>How long the others leave a lease alone that is not renewed. Whole seconds.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How long after it last renewed the lease a leader still leads. What it has underway then has until <see cref="LeaseDuration"/> to
    /// arrive before another one may lead.
    /// </summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often the leader renews; candidates look two to three times as often.</summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Give the lease away as soon as the work is over, so that another need not wait.</summary>
    public bool ReleaseOnCancel { get; init; } = true;

    internal void Check()
    {
        if (LeaseDuration < TimeSpan.FromSeconds(1) || LeaseDuration.Ticks % TimeSpan.TicksPerSecond != 0)
            throw new ArgumentException($"LeaseDuration must be whole seconds, one at least, and is {LeaseDuration}.");
        if (RenewDeadline >= LeaseDuration)
            throw new ArgumentException($"RenewDeadline ({RenewDeadline}) must be less than LeaseDuration ({LeaseDuration}).");
        if (RetryPeriod <= TimeSpan.Zero || RetryPeriod >= RenewDeadline)
            throw new ArgumentException($"RetryPeriod ({RetryPeriod}) must be less than RenewDeadline ({RenewDeadline}).");
        if (Identity.Length == 0) throw new ArgumentException("Identity is empty, which stands for a lease that nobody holds.");
    }
}
