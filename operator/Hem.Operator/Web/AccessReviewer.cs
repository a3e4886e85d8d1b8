using System.Collections.Concurrent;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Metrics;
using Hem.Operator.Progress;

namespace Hem.Operator.Web;

/// <summary>Whether whoever holds a token may see a sweep: whoever may `get` it from the API server.</summary>
internal enum Access
{
    /// <summary>The token is not good.</summary>
    Unknown,

    Denied,

    Allowed,
}

/// <summary>Asks the API server: TokenReview, then SubjectAccessReview. What it answered holds for ten seconds.</summary>
internal sealed class AccessReviewer(KubernetesClient client, OperatorMetrics metrics, TimeProvider? time = null)
{
    /// <summary>
    /// Audience of tokens that are made for answers alone. Tokens of the API server's own audience are taken too: people have those.
    /// </summary>
    public const string Audience = "hem-answers";

    private const int MostRemembered = 10_000;

    private static readonly TimeSpan Remember = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    /// <summary>Bad tokens of an address. Most people come by way of the API server, and so from one.</summary>
    private const int BadTokens = 100, BadTokensPerSecond = 2;

    private readonly TokenCache _users = New(client, null, metrics, time ?? TimeProvider.System);
    private readonly TokenCache _ownAudience = New(client, Audience, metrics, time ?? TimeProvider.System);
    private readonly ConcurrentDictionary<(string Token, string Namespace, string Sweep), (Access Access, long At)> _known = [];

    private static TokenCache New(KubernetesClient client, string? audience, OperatorMetrics metrics, TimeProvider time) =>
        new(new TokenReviewer(client), audience, time, metrics, new ReviewBudget(BadTokens, BadTokensPerSecond, time, metrics));

    /// <exception cref="HttpRequestException">The API server cannot be asked now.</exception>
    /// <exception cref="TooManyTokensException">Too many bad tokens came from this peer.</exception>
    public async Task<Access> ReviewAsync(
        string token, string peer, string @namespace, string sweep, CancellationToken cancellationToken = default)
    {
        var tokens = BearerToken.Read(token).IsFor(Audience) ? _ownAudience : _users;
        if (await tokens.ReviewAsync(token, peer, cancellationToken).ConfigureAwait(false) is not { } user) return Access.Unknown;
        var key = (BearerToken.Fingerprint(token), @namespace, sweep);
        if (_known.TryGetValue(key, out var known) && _time.GetElapsedTime(known.At) < Remember) return known.Access;
        var access = await AskAsync(user, @namespace, sweep, cancellationToken).ConfigureAwait(false) ? Access.Allowed : Access.Denied;
        if (_known.Count >= MostRemembered) _known.Clear();
        _known[key] = (access, _time.GetTimestamp());
        return access;
    }

    private async Task<bool> AskAsync(TokenUser user, string @namespace, string sweep, CancellationToken cancellationToken)
    {
        try
        {
            var review = await client.CreateAsync(Resources.SubjectAccessReviews, new V1SubjectAccessReview
            {
                Spec = new V1SubjectAccessReviewSpec
                {
                    User = user.Name,
                    Uid = user.Uid,
                    Groups = [.. user.Groups],
                    Extra = user.Extra.ToDictionary(extra => extra.Key, extra => extra.Value.ToList()),
                    ResourceAttributes = new V1ResourceAttributes
                    {
                        Namespace = @namespace,
                        Verb = "get",
                        Group = HemResources.Sweeps.Group,
                        Version = HemResources.Sweeps.Version,
                        Resource = HemResources.Sweeps.Plural,
                        Name = sweep,
                    },
                },
            }, cancel: cancellationToken).ConfigureAwait(false);
            return review.Status is { Allowed: true };
        }
        catch (KubernetesException e)
        {
            throw new HttpRequestException($"SubjectAccessReview: {e.Message}", e);
        }
    }
}
