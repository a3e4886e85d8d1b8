namespace Hem.Progress;

/// <summary>
/// The attempts that an engine knows to live (or not to be surely gone), kept in memory: which token speaks for which of them, and which
/// one of a trial holds the grant. The grant goes to the attempt with the lowest number and moves only when that is <see cref="Gone"/>.
/// An engine that starts over adds every attempt that may still live before it serves. Thread-safe.
/// </summary>
public sealed class AttemptRegistry : IProgressAuthority
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, AttemptIdentity> _byToken = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _tokenOf = new(StringComparer.Ordinal);
    private readonly Dictionary<(string SweepUid, string Trial), SortedDictionary<int, AttemptIdentity>> _live = [];

    public event Action<string, string>? Changed;

    /// <summary>Lets <paramref name="token"/> speak for an attempt from now on.</summary>
    /// <exception cref="ArgumentException">The token, or the attempt's number within its trial, is taken by another attempt.</exception>
    public void Add(AttemptIdentity attempt, string token)
    {
        lock (_lock)
        {
            if (_byToken.TryGetValue(token, out var other) && other != attempt)
                throw new ArgumentException($"The token speaks for attempt {other.AttemptNumber} of {other.Trial} already.", nameof(token));
            var key = (attempt.SweepUid, attempt.Trial);
            if (!_live.TryGetValue(key, out var attempts)) _live.Add(key, attempts = []);
            if (attempts.TryGetValue(attempt.AttemptNumber, out other) && other != attempt)
                throw new ArgumentException($"{attempt.Trial} has another attempt {attempt.AttemptNumber} already.", nameof(attempt));
            attempts[attempt.AttemptNumber] = attempt;
            _byToken[token] = attempt;
            _tokenOf[attempt.AttemptId] = token;
        }
    }

    /// <summary>
    /// Says that the attempt's process is surely gone, so that the next one may have the grant. Where a service is running, call its
    /// <see cref="ProgressService.EndAsync"/>, which calls this after what the attempt had reported reached the store.
    /// </summary>
    public void Gone(AttemptIdentity attempt)
    {
        lock (_lock)
        {
            var key = (attempt.SweepUid, attempt.Trial);
            if (!_live.TryGetValue(key, out var attempts)
                || !attempts.TryGetValue(attempt.AttemptNumber, out var known) || known != attempt) return;
            attempts.Remove(attempt.AttemptNumber);
            if (attempts.Count == 0) _live.Remove(key);
            if (_tokenOf.Remove(attempt.AttemptId, out var token)) _byToken.Remove(token);
        }

        Changed?.Invoke(attempt.SweepUid, attempt.Trial);
    }

    public ValueTask<AttemptIdentity?> AuthenticateAsync(string token, CancellationToken cancellationToken = default)
    {
        lock (_lock) return new(_byToken.GetValueOrDefault(token));
    }

    public ValueTask<GrantDecision> DecideAsync(AttemptIdentity attempt, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            if (!_live.TryGetValue((attempt.SweepUid, attempt.Trial), out var attempts)
                || !attempts.TryGetValue(attempt.AttemptNumber, out var known) || known != attempt)
                return new(new GrantDecision(GrantKind.Refused, $"attempt {attempt.AttemptNumber} of {attempt.Trial} is over"));
            var holder = attempts.First().Value;
            return new(holder == attempt
                ? new GrantDecision(GrantKind.Granted)
                : new GrantDecision(GrantKind.Wait, $"attempt {holder.AttemptNumber} of {attempt.Trial} still holds the grant"));
        }
    }
}
