using Hem.Kubernetes;

namespace Hem.Operator.Progress;

/// <summary>TokenReviews of the API server.</summary>
internal sealed class TokenReviewer(KubernetesClient client) : ITokenReviewer
{
    public async Task<TokenUser?> ReviewAsync(string token, string? audience, CancellationToken cancellationToken = default)
    {
        V1TokenReview review;
        try
        {
            review = await client.CreateAsync(Resources.TokenReviews, new V1TokenReview
            {
                Spec = new V1TokenReviewSpec { Token = token, Audiences = audience is null ? null : [audience] },
            }, cancel: cancellationToken).ConfigureAwait(false);
        }
        catch (KubernetesException e)
        {
            throw new HttpRequestException($"TokenReview: {e.Message}", e);
        }

        if (review.Status is not { Authenticated: true, User: { Username: { Length: > 0 } name } user }) return null;
        // An API server whose authenticator knows no audiences answers without any: such a token may be for somebody else.
        if (audience is not null && review.Status.Audiences?.Contains(audience) != true) return null;
        return new TokenUser(name, user.Uid, user.Groups ?? [],
            (user.Extra ?? []).ToDictionary(extra => extra.Key, extra => (IReadOnlyList<string>)extra.Value, StringComparer.Ordinal));
    }
}
