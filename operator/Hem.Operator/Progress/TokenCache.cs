using System.Collections.Concurrent;
using Hem.Operator.Metrics;

namespace Hem.Operator.Progress;

/// <summary>
/// The API server's answers about tokens, remembered for at most a minute, and never beyond a token's own end. Whoever asks about a token
/// that is being asked about already waits for that answer. Thread-safe.
/// </summary>
/// <param name="budget">Bounds what tokens that turn out to be bad may cost.</param>
internal sealed class TokenCache(
    ITokenReviewer reviewer, string? audience, TimeProvider time, OperatorMetrics metrics, ReviewBudget budget)
{
    /// <summary>Reviews under way at once.</summary>
    private const int AtOnce = 16;

    private readonly SemaphoreSlim _reviews = new(AtOnce);

    /// <summary>For a good token: it may be revoked, and its pod may be deleted.</summary>
    private static readonly TimeSpan RememberGood = TimeSpan.FromSeconds(60);

    /// <summary>For a bad one: a client that tries again and again costs little, and the API server's keys may be on their way.</summary>
    private static readonly TimeSpan RememberBad = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan BetweenSweeps = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, Task<Answer>> _answers = new(StringComparer.Ordinal);
    private long _swept = time.GetTimestamp();

    /// <param name="peer">Where the token came from: an address.</param>
    /// <exception cref="TooManyTokensException">Nothing is known of the token, and too many bad ones came from there.</exception>
    /// <inheritdoc cref="ITokenReviewer.ReviewAsync"/>
    public async Task<TokenUser?> ReviewAsync(string token, string peer, CancellationToken cancellationToken)
    {
        var key = BearerToken.Fingerprint(token);
        Sweep();
        while (true)
        {
            if (!_answers.ContainsKey(key) && !budget.MayAsk(peer)) throw new TooManyTokensException();
            var asking = new TaskCompletionSource<Answer>(TaskCreationOptions.RunContinuationsAsynchronously);
            var known = _answers.GetOrAdd(key, asking.Task);
            if (known == asking.Task) _ = AskAsync(key, token, peer, asking);
            var answer = await known.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (answer.Until > time.GetUtcNow()) return answer.User;
            _answers.TryRemove(new(key, known));
            // One that was just given holds for this caller, however short its time is.
            if (known == asking.Task) return answer.User;
        }
    }

    // Not on behalf of the caller who happened to be first: he may leave.
    private async Task AskAsync(string key, string token, string peer, TaskCompletionSource<Answer> asking)
    {
        await _reviews.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            var user = await reviewer.ReviewAsync(token, audience, CancellationToken.None).ConfigureAwait(false);
            if (user is null) budget.Spend(peer);
            metrics.TokenReviewed(user is null ? "refused" : "accepted");
            var until = time.GetUtcNow() + (user is null ? RememberBad : RememberGood);
            if (user is not null && BearerToken.Read(token).Expires is { } expires && expires < until) until = expires;
            asking.SetResult(new Answer(user, until));
        }
        catch (Exception e)
        {
            metrics.TokenReviewed("failed");
            _answers.TryRemove(new(key, asking.Task));
            asking.SetException(e);
            // Where everybody who asked has left.
            _ = asking.Task.Exception;
        }
        finally
        {
            _reviews.Release();
        }
    }

    private void Sweep()
    {
        var swept = Interlocked.Read(ref _swept);
        if (time.GetElapsedTime(swept) < BetweenSweeps
            || Interlocked.CompareExchange(ref _swept, time.GetTimestamp(), swept) != swept) return;
        var now = time.GetUtcNow();
        foreach (var entry in _answers)
            if (entry.Value.IsCompletedSuccessfully && entry.Value.Result.Until <= now) _answers.TryRemove(entry);
    }

    private readonly record struct Answer(TokenUser? User, DateTimeOffset Until);
}
