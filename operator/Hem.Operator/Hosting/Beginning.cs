using Microsoft.Extensions.Logging;

namespace Hem.Operator.Hosting;

/// <summary>
/// What lies between the lease and the work: the store, the certificates, the lists. Where one of them lasts, nobody does the work though
/// somebody leads, and that is an error, said once it has lasted for a while and again now and then. That it lasts for a moment (the
/// leader before lets go of the store) is as it should be.
/// </summary>
internal sealed class Beginning : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30), Again = TimeSpan.FromMinutes(5);

    private readonly string _identity;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly long _began;
    private readonly ITimer _timer;
    private volatile Step _step;

    /// <param name="identity">Who holds the lease.</param>
    /// <param name="step">What is done first, as in <see cref="At"/>.</param>
    public Beginning(string identity, string step, ILogger logger, TimeProvider time)
    {
        (_identity, _logger, _time, _step) = (identity, logger, time, new Step(step, null));
        _began = time.GetTimestamp();
        _timer = time.CreateTimer(_ => Tell(), null, Patience, Again);
    }

    private sealed record Step(string What, string? Fault);

    /// <summary>The next thing to do begins.</summary>
    /// <param name="step">In words that fit after "it cannot".</param>
    public void At(string step) => _step = new Step(step, null);

    /// <summary>It failed, and is tried again.</summary>
    public void Failed(string fault) => _step = _step with { Fault = fault };

    /// <summary>The work has begun, or will not.</summary>
    public void Dispose() => _timer.Dispose();

    private void Tell() => OperatorLog.DoesNotBegin(
        _logger, _identity, (long)_time.GetElapsedTime(_began).TotalSeconds, _step.What,
        _step.Fault ?? "no answer yet; what was logged before this may say more.");
}
