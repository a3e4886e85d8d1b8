using Microsoft.Extensions.Logging;

namespace Hem.Kubernetes;

/// <summary>
/// One of several processes leads, by a Lease. The clocks of the processes need not agree: a lease has passed when its record has not
/// changed for its duration by the clock of the one who looks.
/// <para>
/// A Lease does not fence: what a leader sent before it was stopped may arrive when another leads. So a leader's writes must be such that
/// late ones change nothing (resourceVersion, UID, names that are determined), and <see cref="IsLeader"/> belongs into
/// <see cref="KubernetesClientOptions.MayWrite"/>, which is asked when a write is sent (those of Leases excepted).
/// </para>
/// </summary>
public sealed class LeaderElector : IDisposable
{
    private readonly LeaseRecord _lease;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly LastingTrouble _trouble;
    private readonly string _name;

    // When the request was begun that renewed the lease last; null while another leads.
    private volatile Renewal? _renewed;

    // Completed once the work wants to write no more.
    private volatile TaskCompletionSource _handsOver = NewSignal();

    public LeaderElector(KubernetesClient client, LeaderElectionOptions options)
    {
        options.Check();
        Options = options;
        (_time, _logger, _name) = (client.Options.Time, client.Options.Logger, $"{options.Namespace}/{options.Name}");
        _trouble = new LastingTrouble(_time);
        _lease = new(client, options);
        KubernetesMetrics.Observe(this, options.Name, () => IsLeader);
    }

    private sealed record Renewal(long Timestamp, DateTimeOffset Clock);

    /// <summary>Told who leads, whenever that is another than before; an empty name for nobody.</summary>
    public event Action<string>? HolderChanged;

    public LeaderElectionOptions Options { get; }

    /// <summary>Who holds the lease, as last seen.</summary>
    public string? Holder { get; private set; }

    /// <summary>
    /// Whether this process leads now. It looks at the clock at every call, and so is false at once in a process that was stopped for too
    /// long, before anything else in it has noticed.
    /// </summary>
    public bool IsLeader => _renewed is { } renewal && Since(renewal) < Options.RenewDeadline;

    /// <summary>
    /// The work has written all that it will: it leads no more from now on, and the lease is given away while the rest of the work ends.
    /// </summary>
    public void HandOver() => _handsOver.TrySetResult();

    /// <summary>
    /// Waits until it leads, and then does <paramref name="onStartedLeading"/>, whose token is cancelled when it leads no more or when
    /// <paramref name="cancel"/> is. Goes on to renew the lease until that work has ended or called <see cref="HandOver"/>, then
    /// releases it, and returns when the work has ended: run it again to be a candidate again. Of failures only those of the work are
    /// thrown.
    /// </summary>
    public async Task RunAsync(Func<CancellationToken, Task> onStartedLeading, Action? onStoppedLeading = null,
        CancellationToken cancel = default)
    {
        try
        {
            while (!await TryAsync(acquire: true, Options.RenewDeadline, cancel))
                await Task.Delay(UntilNextTry(), _time, cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return;
        }
        Log.Leads(_logger, _name, Options.Identity);
        _handsOver = NewSignal();
        using var leading = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var work = Task.Run(() => onStartedLeading(leading.Token), CancellationToken.None);
        try
        {
            var lost = await RenewUntilAsync(work);
            if (lost is not null)
            {
                _renewed = null;
                Log.LostLease(_logger, _name, Options.Identity, lost);
                await leading.CancelAsync();
            }
            else if (Options.ReleaseOnCancel) await ReleaseAsync();
            try
            {
                await work;
            }
            catch (OperationCanceledException) when (leading.IsCancellationRequested)
            {
            }
            catch (WriteRefusedException) when (!IsLeader)
            {
                // It wanted to write at the very moment when it led no more.
            }
        }
        finally
        {
            _renewed = null;
            onStoppedLeading?.Invoke();
        }
    }

    public void Dispose() => KubernetesMetrics.Forget(this);

    /// <returns>Why it leads no more, or null when the work has ended or wants to write no more.</returns>
    private async Task<string?> RenewUntilAsync(Task work)
    {
        while (true)
        {
            await Task.WhenAny(work, _handsOver.Task, Task.Delay(Options.RetryPeriod, _time, CancellationToken.None));
            if (work.IsCompleted || _handsOver.Task.IsCompleted) return null;
            if (_renewed is not { } renewal) return $"{Holder} holds it";
            var left = Options.RenewDeadline - Since(renewal);
            // Also where a renewal could still succeed: others may have led in between and be gone again.
            if (left <= TimeSpan.Zero) return $"not renewed for {Since(renewal).TotalSeconds:0.0} s";
            if (!await TryAsync(acquire: false, left, CancellationToken.None) && _lease.Holder != Options.Identity)
                return $"{(string.IsNullOrEmpty(_lease.Holder) ? "somebody" : _lease.Holder)} has taken it";
        }
    }

    /// <summary>One try to get or renew the lease. What goes wrong is logged, and the next try comes soon.</summary>
    private async Task<bool> TryAsync(bool acquire, TimeSpan limit, CancellationToken cancel)
    {
        using var deadline = new Deadline(_time, cancel);
        deadline.Set(limit < Options.RenewDeadline / 2 ? limit : Options.RenewDeadline / 2);
        var began = new Renewal(_time.GetTimestamp(), _time.GetUtcNow());
        try
        {
            var held = acquire ? await _lease.TryAcquireAsync(deadline.Token) : await _lease.TryRenewAsync(deadline.Token);
            if (held) _renewed = began;
            return held;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception exception) when (exception is KubernetesException or HttpRequestException or KubernetesConfigurationException
            or OperationCanceledException)
        {
            if (_trouble.IsNews(LastingTrouble.KindOf(exception))) Log.LeaseFailed(_logger, _name, Words(exception));
            return false;
        }
        finally
        {
            See(_lease.Holder);
        }
    }

    private TimeSpan UntilNextTry()
    {
        // Candidates come one after another, and as soon as the lease has passed. They look more often than the leader renews: a lease
        // that was given away is work that stands still.
        var period = Options.RetryPeriod * (0.3 + 0.2 * Random.Shared.NextDouble());
        return _lease.UntilFree is { } free && free < period ? free + TimeSpan.FromMilliseconds(10) : period;
    }

    private async Task ReleaseAsync()
    {
        if (!IsLeader) return;
        // First no write of ours is sent any more, and then another one may lead.
        _renewed = null;
        using var deadline = new Deadline(_time, CancellationToken.None);
        deadline.Set(Options.RetryPeriod);
        try
        {
            await _lease.ReleaseAsync(deadline.Token);
            Log.Released(_logger, _name, Options.Identity);
        }
        catch (Exception exception) when (exception is KubernetesException or HttpRequestException or KubernetesConfigurationException
            or OperationCanceledException)
        {
            Log.LeaseFailed(_logger, _name, Words(exception));
        }
    }

    private static string Words(Exception exception) =>
        exception is OperationCanceledException ? "the API server did not answer in time" : exception.Message;

    private void See(string? holder)
    {
        if (holder is null || holder == Holder) return;
        Holder = holder;
        if (holder != Options.Identity) Log.HeldBy(_logger, _name, holder);
        HolderChanged?.Invoke(holder);
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The longer of what the two clocks say: one stands still while a machine is suspended, the other can be set back.</summary>
    private TimeSpan Since(Renewal renewal)
    {
        var (ran, clock) = (_time.GetElapsedTime(renewal.Timestamp), _time.GetUtcNow() - renewal.Clock);
        return ran > clock ? ran : clock;
    }
}
