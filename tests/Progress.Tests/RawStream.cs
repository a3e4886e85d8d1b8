using Hem.Progress;
using Hem.Progress.Grpc;

namespace Progress.Tests;

/// <summary>A Report stream message by message, as any trainer may speak it.</summary>
internal sealed class RawStream : IDisposable
{
    private readonly AttemptIdentity _attempt;
    private readonly GrpcChannel _channel;
    private readonly AsyncDuplexStreamingCall<TrainerMessage, HemMessage> _call;

    public RawStream(ProgressBench bench, AttemptIdentity attempt)
    {
        _attempt = attempt;
        _channel = GrpcChannel.ForAddress("unix:" + bench.Socket);
        var token = File.ReadAllText(bench.TokenFile(attempt)).Trim();
        _call = _channel.CreateCallInvoker().AsyncDuplexStreamingCall(
            ProgressMethods.Report, null, new CallOptions(new Metadata { { "authorization", $"Bearer {token}" } }));
    }

    public Task StartAsync() => _call.RequestStream.WriteAsync(
        new TrainerMessage { Started = new Started { Trial = _attempt.Trial, Attempt = _attempt.AttemptId } });

    public Task ReportAsync(ulong sequence, Evaluated point) =>
        _call.RequestStream.WriteAsync(new TrainerMessage { Sequence = sequence, Evaluated = point });

    public async Task<HemMessage> NextAsync()
    {
        (await _call.ResponseStream.MoveNext(default).WaitAsync(TrialsBench.Patience)).ShouldBeTrue();
        return _call.ResponseStream.Current;
    }

    /// <summary>Reads to the end of the stream, which must be a failure.</summary>
    public Task<RpcException> FailAsync() => Should.ThrowAsync<RpcException>(async () =>
    {
        while (await _call.ResponseStream.MoveNext(default).WaitAsync(TrialsBench.Patience))
        {
        }
    });

    public void Dispose()
    {
        _call.Dispose();
        _channel.Dispose();
    }
}
