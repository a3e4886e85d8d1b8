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
    private readonly Pipe _pipe = new(new PipeOptions(
        pauseWriterThreshold: 64 * 1024, resumeWriterThreshold: 32 * 1024, useSynchronizationContext: false));
    private readonly CancellationToken _callEnded;
    private readonly Lock _gate = new();
    private Task _pumping = Task.CompletedTask;
    private CancellationTokenSource _superseded = new();
    private int _pumps;
    private volatile bool _consumed;
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
            _abandoned = true;
            if (_pumps == 0)
                _pipe.Reader.Complete();
        }
    }

    /// <summary>The response has begun: nothing that happens to the request can take its place any more.</summary>
    public void ResponseBegun()
    {
        CancellationTokenSource waiting;
        lock (_gate)
            waiting = _superseded;
        waiting.Cancel();
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
            _superseded.Cancel();
            _superseded = CancellationTokenSource.CreateLinkedTokenSource(_callEnded);
            _pumps++;
            return _pumping = PumpAsync(_pumping, stream, _superseded.Token, cancellationToken);
        }
    }

    private async Task PumpAsync(Task previous, Stream stream, CancellationToken superseded, CancellationToken cancellationToken)
    {
        await previous.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        try
        {
            if (_consumed)
                throw new HttpRequestException("The connection was lost after a part of the request had been sent.");
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _callEnded);
            await PumpAsync(stream, either.Token).ConfigureAwait(false);
            _pipe.Reader.Complete();
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // Writers need not wait for what will not be sent, unless it may be sent anew.
            if (_consumed)
                _pipe.Reader.Complete();
            // Why a request cannot be sent is best told by the response: until it begins, HttpClient would report this in its place.
            await Task.Delay(Timeout.Infinite, superseded)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
            throw;
        }
        finally
        {
            lock (_gate)
            {
                if (--_pumps == 0 && _abandoned)
                    _pipe.Reader.Complete();
            }
        }
    }

    private async Task PumpAsync(Stream stream, CancellationToken cancellationToken)
    {
        // The request's head leaves now, not with the first message.
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        while (true)
        {
            if (!_pipe.Reader.TryRead(out var result))
            {
                await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
                result = await _pipe.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            }
            _consumed |= !result.Buffer.IsEmpty;
            foreach (var piece in result.Buffer)
                await stream.WriteAsync(piece, cancellationToken).ConfigureAwait(false);
            _pipe.Reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
                return;
        }
    }
}
