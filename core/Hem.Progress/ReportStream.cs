using System.Threading.Channels;
using Hem.Progress.Grpc;
using Microsoft.Extensions.Logging;

namespace Hem.Progress;

/// <summary>One Report stream on the server, from its Started to its end.</summary>
internal sealed class ReportStream(
    ProgressService service, IAsyncStreamReader<TrainerMessage> requests,
    IServerStreamWriter<HemMessage> responses, ServerCallContext context)
{
    /// <summary>Reports that may wait for the sink before the trainer is held back.</summary>
    private const int MostWaiting = 4096;

    private const int MostInBatch = 1024;

    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _closing = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<bool> _reconsider =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Channel<TrainerMessage> _received =
        Channel.CreateBounded<TrainerMessage>(new BoundedChannelOptions(MostWaiting) { SingleReader = true, SingleWriter = true });

    private AttemptIdentity _attempt = null!;
    private RpcException? _closeReason;
    private bool _granted;

    /// <summary>Completes when the stream has ended and nothing of it is on its way to the sink any more.</summary>
    public Task Completed => _completed.Task;

    private CancellationToken Closing => _closing.Token;

    /// <summary>Ends the stream with this status; the first call counts. What was read is still stored.</summary>
    public void Close(StatusCode code, string detail)
    {
        if (Interlocked.CompareExchange(ref _closeReason, Failure(code, detail), null) is not null) return;
        // Not on the caller's stack, which may hold the service's lock.
        _ = Task.Run(_closing.Cancel);
    }

    /// <summary>The engine wants the attempt to leave. Called under the service's lock, so that it comes after Granted.</summary>
    public void OnStop(string reason)
    {
        if (_granted) Send(new HemMessage { Stop = new Stop { Reason = reason } });
        else _reconsider.Writer.TryWrite(true);
    }

    /// <summary>The engine wants a checkpoint. Called under the service's lock. False before the grant.</summary>
    public bool OnSave()
    {
        if (_granted) Send(new HemMessage { Save = new Save() });
        return _granted;
    }

    public async Task RunAsync()
    {
        try
        {
            (_attempt, var expiry) = await service.AuthenticateAsync(context).ConfigureAwait(false);
            using var expiring = CloseAt(expiry);
            // Again below, when the grant is decided; here so that an attempt which is over is never seen to connect.
            var first = await service.Authority.DecideAsync(_attempt, Closing).ConfigureAwait(false);
            if (first.Kind == GrantKind.Refused) throw Failure(StatusCode.FailedPrecondition, first.Reason);
            var started = await ReadStartedAsync().ConfigureAwait(false);
            var replaced = service.Attach(this, _attempt);
            try
            {
                // Only then is it known what of the old stream was stored.
                if (replaced is not null) await replaced.Completed.ConfigureAwait(false);
                service.OnConnected(_attempt, started);
                if (await WaitForGrantAsync().ConfigureAwait(false) is { } read) await ServeAsync(read).ConfigureAwait(false);
            }
            finally
            {
                _completed.TrySetResult();
                service.Detach(this, _attempt);
            }
        }
        catch (OperationCanceledException) when (_closeReason is not null)
        {
            throw _closeReason;
        }
    }

    // The trainer reads its token's file again, which holds a newer one by then, and goes on where it was.
    private ITimer? CloseAt(DateTimeOffset? expiry)
    {
        if (expiry is not { } at) return null;
        var left = at - service.Time.GetUtcNow();
        if (left <= TimeSpan.Zero) throw Failure(StatusCode.Unauthenticated, "the token has expired");
        return service.Time.CreateTimer(
            static stream => ((ReportStream)stream!).Close(StatusCode.Unauthenticated, "the token has expired: read its file again"),
            this, left < GrpcServer.LongestTimer ? left : GrpcServer.LongestTimer, Timeout.InfiniteTimeSpan);
    }

    private async Task<Started> ReadStartedAsync()
    {
        try
        {
            if (!await requests.MoveNext(Closing).WaitAsync(LongestSilence, service.Time, Closing).ConfigureAwait(false)
                || requests.Current.ReportCase != TrainerMessage.ReportOneofCase.Started)
                throw ReportRules.Invalid("the first message of a stream must be Started");
        }
        catch (TimeoutException)
        {
            throw Failure(StatusCode.DeadlineExceeded, $"no Started came within {LongestSilence.TotalSeconds:F0} s");
        }

        var started = requests.Current.Started;
        if (started.Trial != _attempt.Trial || started.Attempt != _attempt.AttemptId)
            throw Failure(StatusCode.PermissionDenied,
                $"the token is that of attempt {_attempt.AttemptNumber} of trial {_attempt.Trial}, which is not what Started names");
        return started;
    }

    // The read that is under way when the grant comes, or null when the trainer leaves before that.
    private async Task<Task<bool>?> WaitForGrantAsync()
    {
        var read = requests.MoveNext(Closing);
        string? told = null;
        service.Authority.Changed += OnChanged;
        try
        {
            while (true)
            {
                var decision = await service.Authority.DecideAsync(_attempt, Closing).ConfigureAwait(false);
                if (decision.Kind == GrantKind.Granted) return read;
                if (decision.Kind == GrantKind.Refused) throw Failure(StatusCode.FailedPrecondition, decision.Reason);
                var stop = decision.Kind == GrantKind.Stop ? decision.Reason : service.StopReasonOf(_attempt);
                var order = stop is not null
                    ? new HemMessage { Stop = new Stop { Reason = stop } }
                    : new HemMessage { Wait = new Wait { Reason = decision.Reason } };
                if (told != (told = order.ToString())) Send(order);
                var wake = _reconsider.Reader.ReadAsync(Closing).AsTask();
                if (await Task.WhenAny(read, wake).ConfigureAwait(false) == wake) await wake.ConfigureAwait(false);
                else if (!await read.ConfigureAwait(false)) return null;
                else throw ReportRules.Invalid($"report only when granted; {decision.Reason}");
            }
        }
        finally
        {
            service.Authority.Changed -= OnChanged;
        }

        void OnChanged(string sweepUid, string trial)
        {
            if (sweepUid == _attempt.SweepUid && trial == _attempt.Trial) _reconsider.Writer.TryWrite(true);
        }
    }

    private async Task ServeAsync(Task<bool> read)
    {
        ulong stored;
        try
        {
            stored = await service.Sink.AcknowledgedUpToAsync(_attempt, Closing).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw SinkFailed(e);
        }

        service.WithStopReason(_attempt, stop =>
        {
            Send(new HemMessage { Granted = new Granted { Attempt = (uint)_attempt.AttemptNumber, AcknowledgedUpTo = stored } });
            _granted = true;
            if (stop is not null) OnStop(stop);
        });
        var storing = StoreAsync(stored);
        try
        {
            await ReceiveAsync(read, stored).ConfigureAwait(false);
        }
        finally
        {
            _received.Writer.Complete();
            await storing.ConfigureAwait(false);
        }

        if (_closeReason is not null) throw _closeReason;
    }

    private async Task ReceiveAsync(Task<bool> read, ulong received)
    {
        for (; await read.ConfigureAwait(false); read = requests.MoveNext(Closing))
        {
            var message = requests.Current;
            ReportRules.Check(message);
            if (message.Sequence == 0 || message.Sequence > received + 1)
                throw ReportRules.Invalid(
                    $"report {message.Sequence} came where report {received + 1} was expected; sequences start at 1 and leave no gap");
            received = Math.Max(received, message.Sequence);
            if (!_received.Writer.TryWrite(message)) await _received.Writer.WriteAsync(message, Closing).ConfigureAwait(false);
        }
    }

    // Never fails: when the sink does, the stream is closed, and the trainer keeps what is not acknowledged.
    private async Task StoreAsync(ulong stored)
    {
        var batch = new List<TrainerMessage>();
        while (await _received.Reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
        {
            // A repeat is not stored again, but acknowledged again.
            while (batch.Count < MostInBatch && _received.Reader.TryRead(out var message))
                if (message.Sequence > stored) batch.Add(message);
            try
            {
                if (batch.Count > 0)
                {
                    await service.Sink.StoreAsync(_attempt, batch, CancellationToken.None).ConfigureAwait(false);
                    stored = batch[^1].Sequence;
                    service.OnStored(_attempt, batch);
                    batch = [];
                }
            }
            catch (Exception e)
            {
                var failure = SinkFailed(e);
                Close(failure.StatusCode, failure.Status.Detail);
                return;
            }

            try
            {
                await responses.WriteAsync(new HemMessage { Acknowledged = new Acknowledged { UpTo = stored } }, Closing)
                    .ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or RpcException or IOException)
            {
                // The trainer has gone; what it sent is stored all the same.
            }
        }
    }

    private RpcException SinkFailed(Exception e)
    {
        service.Logger.LogWarning(e, "Reports of attempt {Attempt} of {Trial} cannot be stored now.",
            _attempt.AttemptNumber, _attempt.Trial);
        return Failure(StatusCode.Unavailable, $"reports cannot be stored now: {e.Message}");
    }

    // Orders leave in the order of these calls; a trainer that has gone needs none.
    private void Send(HemMessage order) =>
        _ = responses.WriteAsync(order, Closing).ContinueWith(
            static task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    private static RpcException Failure(StatusCode code, string detail) => new(new Status(code, detail));
}
