using Hem.Operator.Metrics;
using Hem.Operator.Trials;
using Hem.Progress;
using Hem.Progress.Grpc;
using Hem.Results;

namespace Hem.Operator.Progress;

/// <summary>
/// Who may report on a cluster: the pod that a token is bound to, as the API server says, for the attempt that the pod runs. Which attempts
/// are over is what the result store says, so that a leader who began a moment ago refuses them as the one before him did.
/// </summary>
/// <remarks>
/// A pod is written down in the store when it first comes with a good token. From then on it is refused with FAILED_PRECONDITION once its
/// attempt has ended, though the API server may know neither the pod nor its token any more.
/// </remarks>
internal sealed class PodTokenAuthority : IProgressAuthority, IDisposable
{
    public const string Audience = "hem-progress";

    /// <summary>Bad tokens that an address may show at once, and a second after that.</summary>
    private const int BadTokens = 20, BadTokensPerSecond = 1;

    /// <summary>How many pods that are gone are remembered; their attempts' ends are in the store soon after.</summary>
    private const int MostGone = 10_000;

    private readonly IPodLookup _pods;
    private readonly ResultStore _store;
    private readonly TokenCache _tokens;
    private readonly HashSet<string> _gone = new(StringComparer.Ordinal);
    private readonly Queue<string> _goneInOrder = [];
    private readonly Dictionary<(string SweepUid, string Trial), AttemptIdentity> _holders = [];
    private readonly Lock _lock = new();

    public PodTokenAuthority(
        IPodLookup pods, ResultStore store, ITokenReviewer reviewer, OperatorMetrics metrics, TimeProvider? time = null)
    {
        (_pods, _store) = (pods, store);
        _tokens = new TokenCache(
            reviewer, Audience, time ?? TimeProvider.System, metrics,
            new ReviewBudget(BadTokens, BadTokensPerSecond, time ?? TimeProvider.System, metrics));
        _pods.Changed += OnPodsChanged;
    }

    public event Action<string, string>? Changed;

    public async ValueTask<AttemptIdentity?> AuthenticateAsync(
        string token, string peer = "", CancellationToken cancellationToken = default)
    {
        if (await ReviewAsync(token, peer, cancellationToken).ConfigureAwait(false) is not { } user)
        {
            // Its pod may be gone, and the API server with it forgot the token. What it says of itself unchecked is good enough to tell its
            // holder that he has nothing to do here any more, and for nothing else.
            if (BearerToken.Read(token).PodUid is { } claimed && _store.FindAttemptOfPod(claimed) is { Ended: not null } over)
                throw new RpcException(new Status(StatusCode.FailedPrecondition, Over(over.Number, over.Trial)));
            return null;
        }

        if (user.PodUid is not { } pod)
            throw new RpcException(new Status(
                StatusCode.PermissionDenied, $"the token of {user.Name} is bound to no pod: only a trial's pod may report"));
        if (_pods.Find(pod) is { } attempt)
        {
            var bound = await BindAsync(attempt, user.PodName ?? "", cancellationToken).ConfigureAwait(false);
            return bound is null ? null : attempt;
        }

        // A pod that is not seen (yet), or of an attempt that is over.
        return _store.FindAttemptOfPod(pod) is { Ended: not null } ended
            ? new AttemptIdentity(ended.SweepUid, ended.Trial, pod, ended.Number)
            : null;
    }

    public DateTimeOffset? ExpiryOf(string token) => BearerToken.Read(token).Expires;

    public ValueTask<GrantDecision> DecideAsync(AttemptIdentity attempt, CancellationToken cancellationToken = default) =>
        new(Decide(attempt));

    public void Gone(AttemptIdentity attempt)
    {
        lock (_lock)
        {
            if (_gone.Add(attempt.AttemptId)) _goneInOrder.Enqueue(attempt.AttemptId);
            while (_goneInOrder.Count > MostGone) _gone.Remove(_goneInOrder.Dequeue());
            if (_holders.TryGetValue(KeyOf(attempt), out var holder) && holder == attempt) _holders.Remove(KeyOf(attempt));
        }

        Changed?.Invoke(attempt.SweepUid, attempt.Trial);
    }

    public void Dispose() => _pods.Changed -= OnPodsChanged;

    private GrantDecision Decide(AttemptIdentity attempt)
    {
        if (_store.FindAttemptOfPod(attempt.AttemptId) is not { Ended: null }) return Refused(attempt);
        var alive = _pods.Alive(attempt.SweepUid, attempt.Trial);
        lock (_lock)
        {
            if (_gone.Contains(attempt.AttemptId)) return Refused(attempt);
            // Whoever has the grant keeps it until he is gone, whatever order the pods are seen in.
            if (_holders.TryGetValue(KeyOf(attempt), out var holder) && holder != attempt)
            {
                if (alive.Contains(holder) && !_gone.Contains(holder.AttemptId)) return Waiting(holder);
                _holders.Remove(KeyOf(attempt));
            }

            foreach (var pod in alive)
            {
                if (_gone.Contains(pod.AttemptId)) continue;
                if (pod != attempt) return Waiting(pod);
                _holders[KeyOf(attempt)] = attempt;
                return new GrantDecision(GrantKind.Granted);
            }
        }

        // Terminal or deleted, and not yet written down as ended.
        return new GrantDecision(GrantKind.Wait, $"the pod of attempt {attempt.AttemptNumber} of {attempt.Trial} is not seen alive");
    }

    private async Task<TokenUser?> ReviewAsync(string token, string peer, CancellationToken cancellationToken)
    {
        // What does not even say that it is for this is not worth a question.
        if (!BearerToken.Read(token).IsFor(Audience)) return null;
        try
        {
            return await _tokens.ReviewAsync(token, peer, cancellationToken).ConfigureAwait(false);
        }
        catch (TooManyTokensException e)
        {
            throw new RpcException(new Status(StatusCode.ResourceExhausted, e.Message));
        }
        catch (HttpRequestException e)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, $"the API server cannot be asked about the token now: {e.Message}"));
        }
    }

    private async Task<AttemptRecord?> BindAsync(AttemptIdentity attempt, string podName, CancellationToken cancellationToken)
    {
        try
        {
            return await _store.BindPodAsync(
                new NewPod(attempt.SweepUid, attempt.Trial, attempt.AttemptNumber, attempt.AttemptId, podName), cancellationToken)
                .ConfigureAwait(false);
        }
        catch (StoreException e)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, $"the pod cannot be written down now: {e.Message}"));
        }
    }

    private void OnPodsChanged(string sweepUid, string trial) => Changed?.Invoke(sweepUid, trial);

    private static (string, string) KeyOf(AttemptIdentity attempt) => (attempt.SweepUid, attempt.Trial);

    private static string Over(int number, string trial) => $"attempt {number} of {trial} is over";

    private static GrantDecision Refused(AttemptIdentity attempt) => new(GrantKind.Refused, Over(attempt.AttemptNumber, attempt.Trial));

    private static GrantDecision Waiting(AttemptIdentity holder) =>
        new(GrantKind.Wait, $"an earlier pod (attempt {holder.AttemptNumber} of {holder.Trial}) may still live");
}
