using System.Security.Cryptography;
using Hem.Progress.Grpc;

namespace Hem.Progress;

public sealed partial class ProgressClient
{
    private static readonly TimeSpan ShortestBackoff = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan BetweenBreaches = TimeSpan.FromMinutes(1);

    // The wire sequence of report n is n + _offset. Set by the first Granted: a process that speaks for an attempt which has reported
    // before goes on after what is stored of it.
    private long _offset;
    private bool _everGranted;
    private bool _connected;
    private string? _whyLost;
    private string? _breach;
    private long _breachTold;

    private async Task RunAsync()
    {
        var longest = _options.LongestBackoff
            ?? TimeSpan.FromSeconds(_options.Address.StartsWith("unix:", StringComparison.Ordinal) ? 1 : 5);
        var backoff = ShortestBackoff;
        while (!_disposed.IsCancellationRequested && !Leaving.Task.IsCompleted)
        {
            var (acknowledged, since) = (_reports.Acknowledged, _options.Time.GetTimestamp());
            try
            {
                await StreamAsync().ConfigureAwait(false);
                if (Leaving.Task.IsCompleted) return;
                Lost("the server closed the stream");
            }
            catch (OperationCanceledException) when (_disposed.IsCancellationRequested)
            {
                return;
            }
            catch (RpcException) when (_disposed.IsCancellationRequested)
            {
                return;
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.FailedPrecondition)
            {
                // This attempt is over. The one answer that is final: what another code says may pass, work thrown away does not come back.
                Refuse(new ProgressRefusedException(e.StatusCode, e.Status.Detail));
                _options.Log?.Invoke(Refusal!.Message);
                return;
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.InvalidArgument)
            {
                Breached(e.Status.Detail);
            }
            catch (Exception e)
            {
                // Whatever it is (no server, no token file yet, a token or certificate that is being replaced), it may pass.
                Lost(e is RpcException rpc ? $"{rpc.StatusCode}: {rpc.Status.Detail}" : e.Message);
            }

            if (_reports.Acknowledged > acknowledged || _options.Time.GetElapsedTime(since) > longest) backoff = ShortestBackoff;
            var wait = backoff * (0.5 + (RandomNumberGenerator.GetInt32(1000) / 2000.0));
            backoff = backoff * 2 < longest ? backoff * 2 : longest;
            await Task.WhenAny(Task.Delay(wait, _options.Time, _disposed.Token), Leaving.Task).ConfigureAwait(false);
        }
    }

    private async Task StreamAsync()
    {
        using var channel = OpenChannel();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_disposed.Token);
        using var call = channel.CreateCallInvoker()
            .AsyncDuplexStreamingCall(ProgressMethods.Report, null, Authorized(ReadToken(), _disposed.Token));
        var sending = Task.CompletedTask;
        try
        {
            await call.RequestStream.WriteAsync(new TrainerMessage
            {
                Started = new Started
                {
                    Trial = _options.Trial,
                    Attempt = _options.Attempt,
                    Program = _options.Program,
                    Device = _options.Device,
                },
            }).ConfigureAwait(false);
            while (await call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false))
            {
                var order = call.ResponseStream.Current;
                if (order.OrderCase == HemMessage.OrderOneofCase.Granted)
                {
                    TakeGrant(order.Granted);
                    if (sending.IsCompleted) sending = SendAsync(call.RequestStream, ended.Token);
                }
                else
                {
                    Obey(order);
                }
            }
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            call.Dispose();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Obey(HemMessage order)
    {
        switch (order.OrderCase)
        {
            case HemMessage.OrderOneofCase.Wait:
                Found($"waiting: {order.Wait.Reason}");
                break;
            case HemMessage.OrderOneofCase.Stop:
                Stop(order.Stop.Reason);
                break;
            case HemMessage.OrderOneofCase.Save:
                SaveRequested?.Invoke();
                break;
            case HemMessage.OrderOneofCase.Acknowledged:
                _reports.Acknowledge((ulong)Math.Max(0, (long)order.Acknowledged.UpTo - _offset));
                break;
        }
    }

    private void TakeGrant(Granted granted)
    {
        var stored = (long)granted.AcknowledgedUpTo;
        var known = (long)_reports.Acknowledged;
        // Where the server knows less than it once acknowledged (its store was put back to an older state), what is still here is all
        // that can be told, and it is told under the sequence that the server expects.
        if (!_everGranted || stored - _offset < known || stored - _offset > (long)_reports.Last) _offset = stored - known;
        else _reports.Acknowledge((ulong)(stored - _offset));
        _everGranted = true;
        AttemptNumber = (int)granted.Attempt;
        Found("connected");
        _granted.TrySetResult(true);
    }

    private async Task SendAsync(IClientStreamWriter<TrainerMessage> requests, CancellationToken ended)
    {
        var next = _reports.Acknowledged + 1;
        while (true)
        {
            var more = _reports.TakeAsync(next, 256, ended).AsTask();
            if (await Task.WhenAny(more, Leaving.Task).ConfigureAwait(false) != more)
            {
                // Half-closes; the server ends the stream when it has stored what it has.
                await requests.CompleteAsync().ConfigureAwait(false);
                return;
            }

            foreach (var report in await more.ConfigureAwait(false))
            {
                // A copy: the report itself may be on its way into a checkpoint at this moment.
                var message = report.Clone();
                message.Sequence = (ulong)((long)next++ + _offset);
                await requests.WriteAsync(message, ended).ConfigureAwait(false);
            }
        }
    }

    private void Lost(string why)
    {
        // Once an outage, and again when the reason is another.
        if (_connected || why != _whyLost)
            _options.Log?.Invoke($"no connection to {_options.Address} ({why}); trying again, nothing is lost");
        (_connected, _whyLost) = (false, why);
    }

    // A bug, here or in Hem. Trying again helps only once one of them is mended, so people must hear of it: now, and each minute.
    private void Breached(string detail)
    {
        _connected = false;
        if (detail == _breach && _options.Time.GetElapsedTime(_breachTold) < BetweenBreaches) return;
        (_breach, _breachTold, _whyLost) = (detail, _options.Time.GetTimestamp(), detail);
        _options.Log?.Invoke(
            $"ERROR: Hem does not take what this trainer says: {detail}. That is a bug of the trainer or of Hem, and the trial cannot be "
            + "complete before it is mended; training and saving go on, and so do the attempts to report");
    }

    private void Found(string what)
    {
        if (_whyLost is not null) _options.Log?.Invoke($"{what}: {_options.Address}");
        (_connected, _whyLost) = (true, null);
    }
}
