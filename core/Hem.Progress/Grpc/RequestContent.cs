using System.IO.Pipelines;
using System.Net;
using System.Net.Http;

namespace Hem.Progress.Grpc;

/// <summary>
/// The body of a request, written while it is sent: messages go into a pipe that holds writers back at 64 KiB, and leave it in as
/// large pieces as have gathered.
/// </summary>
internal sealed class RequestContent : HttpContent
{
    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 64 * 1024, resumeWriterThreshold: 32 * 1024, useSynchronizationContext: false));
    private readonly CancellationToken _callEnded;
    private readonly Lock _gate = new();
    private Task _pumping = Task.CompletedTask;
    private bool _consumed;
    private bool _abandoned;

    public RequestContent(CancellationToken callEnded)
    {
        _callEnded = callEnded;
        Headers.TryAddWithoutValidation("Content-Type", GrpcProtocol.ContentType);
    }

    public PipeWriter Writer => _pipe.Writer;

    /// <summary>Nothing will be sent any more: writers learn it. The token of the constructor is cancelled before.</summary>
    public void Abandon()
    {
        lock (_gate)
        {
            if (_abandoned)
                return;
            _abandoned = true;
            if (_pumping.IsCompleted)
                _pipe.Reader.Complete();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    // Called again where HttpClient starts the request anew on another connection, because the first has not processed it.
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_abandoned)
                return Task.FromException(new OperationCanceledException(_callEnded));
            return _pumping = PumpAsync(_pumping, stream, cancellationToken);
        }
    }

    private async Task PumpAsync(Task previous, Stream stream, CancellationToken cancellationToken)
    {
        await previous.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _callEnded);
        try
        {
            if (_consumed)
                throw new IOException("The connection was lost after a part of the request had been sent.");
            // The request's head leaves now, not with the first message.
            await stream.FlushAsync(either.Token).ConfigureAwait(false);
            while (true)
            {
                if (!_pipe.Reader.TryRead(out var result))
                {
                    await stream.FlushAsync(either.Token).ConfigureAwait(false);
                    result = await _pipe.Reader.ReadAsync(either.Token).ConfigureAwait(false);
                }
                _consumed |= !result.Buffer.IsEmpty;
                foreach (var piece in result.Buffer)
                    await stream.WriteAsync(piece, either.Token).ConfigureAwait(false);
                _pipe.Reader.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                    break;
            }
            await _pipe.Reader.CompleteAsync().ConfigureAwait(false);
        }
        catch
        {
            lock (_gate)
            {
                if (_abandoned || _consumed)
                    _pipe.Reader.Complete();
            }
            throw;
        }
    }
}
