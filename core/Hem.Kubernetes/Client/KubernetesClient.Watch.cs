using System.Globalization;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Hem.Kubernetes;

public sealed partial class KubernetesClient
{
    // A watch that the server should have ended itself is cut this much later.
    private static readonly TimeSpan _watchGrace = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The changes of a kind's objects as they happen, with bookmarks. Ends when the server ends it, as it does every few minutes: go on
    /// from the last event's resourceVersion. <see cref="KubernetesException.IsGone"/> means that this is too old, and a list is needed;
    /// <see cref="HttpRequestException"/> that the connection broke off. Most callers want <see cref="Informer{T}"/>.
    /// </summary>
    public IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(ResourceKind<T> kind, string? ns = null, WatchOptions? options = null,
        CancellationToken cancel = default)
        where T : class, IKubernetesObject => WatchAsync(kind, ns, options ?? new(), null, cancel);

    /// <param name="kind">The kind of the objects.</param>
    /// <param name="ns">Null for all namespaces.</param>
    /// <param name="options">Which objects, and from when on.</param>
    /// <param name="opened">Told when the server has begun to answer.</param>
    /// <param name="cancel">Ends the watch.</param>
    internal async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(ResourceKind<T> kind, string? ns, WatchOptions options, Action? opened,
        [EnumeratorCancellation] CancellationToken cancel)
        where T : class, IKubernetesObject
    {
        var timeout = options.Timeout ?? TimeSpan.FromMinutes(5 * (1 + Random.Shared.NextDouble()));
        var request = new Request(HttpMethod.Get, kind.Path(ns), "&watch=true&allowWatchBookmarks=true"
            + Query("timeoutSeconds", Math.Ceiling(timeout.TotalSeconds).ToString(CultureInfo.InvariantCulture))
            + Query("labelSelector", options.LabelSelector) + Query("fieldSelector", options.FieldSelector)
            + Query("resourceVersion", options.ResourceVersion))
        { Repeatable = true };
        using var deadline = new Deadline(_options.Time, cancel);
        using var response = await OpenAsync(request, deadline);
        deadline.Set(timeout + _watchGrace);
        opened?.Invoke();
        var pipe = PipeReader.Create(await response.Content.ReadAsStreamAsync(deadline.Token),
            new(bufferSize: 16 << 10, minimumReadSize: 4 << 10));
        try
        {
            while (true)
            {
                var result = await ReadAsync(request, pipe, deadline);
                var buffer = result.Buffer;
                while (WatchReader.TryReadLine(ref buffer, out var line))
                    if (WatchReader.Read(line, kind, request.ToString()) is { } change) yield return change;
                pipe.AdvanceTo(buffer.Start, buffer.End);
                if (!result.IsCompleted) continue;
                if (!buffer.IsEmpty) throw Broken(request, new EndOfStreamException("The last event is not whole."));
                yield break;
            }
        }
        finally
        {
            await pipe.CompleteAsync();
        }
    }

    private async ValueTask<ReadResult> ReadAsync(Request request, PipeReader pipe, Deadline deadline)
    {
        try
        {
            return await pipe.ReadAsync(deadline.Token);
        }
        catch (OperationCanceledException exception) when (deadline.HasPassed)
        {
            throw Broken(request, new IOException("The server did not end the watch when its time was over.", exception));
        }
        catch (IOException exception)
        {
            throw Broken(request, exception);
        }
    }
}
