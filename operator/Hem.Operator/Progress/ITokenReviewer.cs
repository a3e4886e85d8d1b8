namespace Hem.Operator.Progress;

/// <summary>Whom a bearer token speaks for, as the API server says.</summary>
internal sealed record TokenUser(
    string Name, string? Uid, IReadOnlyList<string> Groups, IReadOnlyDictionary<string, IReadOnlyList<string>> Extra)
{
    public const string PodNameKey = "authentication.kubernetes.io/pod-name";
    public const string PodUidKey = "authentication.kubernetes.io/pod-uid";

    /// <summary>The pod that the token is bound to; null for a token that is bound to none.</summary>
    public string? PodUid => Single(PodUidKey);

    public string? PodName => Single(PodNameKey);

    private string? Single(string key) => Extra.TryGetValue(key, out var values) && values is [var value] ? value : null;
}

/// <summary>Asks the API server about bearer tokens.</summary>
internal interface ITokenReviewer
{
    /// <summary>Whom the token speaks for, or null where it is not good (any more) for that audience.</summary>
    /// <param name="audience">Null: the API server's own.</param>
    /// <exception cref="HttpRequestException">The API server gave no answer, or none to this question. It may do so later.</exception>
    Task<TokenUser?> ReviewAsync(string token, string? audience, CancellationToken cancellationToken = default);
}
