namespace Hem.Kubernetes;

/// <summary>What goes wrong at each of many tries is logged the first time, and once a minute while it lasts. Thread-safe.</summary>
public sealed class LastingTrouble(TimeProvider time)
{
    private const int Most = 1000;
    private static readonly TimeSpan Again = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, DateTimeOffset> _told = new(StringComparer.Ordinal);

    /// <param name="kind">What makes it the same trouble.</param>
    /// <returns>True where it should be logged now.</returns>
    public bool IsNews(string kind)
    {
        lock (_lock)
        {
            DateTimeOffset now = time.GetUtcNow();
            if (_told.TryGetValue(kind, out DateTimeOffset told) && now < told + Again) return false;
            if (_told.Count == Most) _told.Clear();
            _told[kind] = now;
            return true;
        }
    }

    /// <summary>The class of a fault of the API server or the way to it, whatever object it was about.</summary>
    public static string KindOf(Exception exception) => exception switch
    {
        KubernetesException e => $"{(int?)e.StatusCode} {e.Status.Reason}",
        HttpRequestException e => e.HttpRequestError.ToString(),
        _ => exception.GetType() + exception.Message,
    };
}
