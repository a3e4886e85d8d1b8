namespace Hem.Progress;

/// <summary>
/// The attempts that an engine knows to live (or not to be surely gone), kept in memory: which token speaks for which of them, and which
/// one of a trial holds the grant. The grant goes to the attempt with the lowest number and moves only when that is <see cref="Gone"/>.
/// An engine that starts over adds every attempt that may still live before it serves. Tokens of the last attempts that went are
/// remembered, so that a process of theirs which was cut off, and comes back, hears that its attempt is over. Thread-safe.
/// </summary>
public sealed class AttemptRegistry : IProgressAuthority
{
    /// <summary>How many tokens of attempts that are gone are remembered; some 3 MB.</summary>
    internal const int MostRemembered = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, AttemptIdentity> _byToken = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _tokensOf = new(StringComparer.Ordinal);
    private readonly Queue<string> _gone = [];
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
            if (!_tokensOf.TryGetValue(attempt.AttemptId, out var tokens)) _tokensOf.Add(attempt.AttemptId, tokens = []);
            tokens.Add(token);
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
            if (!_tokensOf.Remove(attempt.AttemptId, out var tokens)) return;
            foreach (var token in tokens) _gone.Enqueue(token);
            while (_gone.Count > MostRemembered)
            {
                // Unless it was added once more since.
                var token = _gone.Dequeue();
                if (_byToken.TryGetValue(token, out var old) && !_tokensOf.ContainsKey(old.AttemptId)) _byToken.Remove(token);
            }
        }

        Changed?.Invoke(attempt.SweepUid, attempt.Trial);
    }

    public ValueTask<AttemptIdentity?> AuthenticateAsync(string token, string peer = "", CancellationToken cancellationToken = default)
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
