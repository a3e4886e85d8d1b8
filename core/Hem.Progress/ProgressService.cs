using Hem.Progress.Grpc;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hem.Progress;

/// <summary>
/// Hem's end of the progress protocol: lets attempts in by their tokens, gives the grant of a trial to one of them at a time, hands what
/// it reports to the sink and acknowledges it once stored. Outlives any server that serves it. Thread-safe.
/// </summary>
public sealed class ProgressService
{
    private readonly Dictionary<string, AttemptSession> _sessions = new(StringComparer.Ordinal);
    private readonly CheckpointService? _checkpoints;

    /// <param name="checkpoints">Null: checkpoints through the server are answered UNIMPLEMENTED.</param>
    public ProgressService(
        IProgressAuthority authority, IReportSink sink, ICheckpointStore? checkpoints = null,
        TimeProvider? time = null, ILogger? logger = null)
    {
        Authority = authority;
        Sink = sink;
        Time = time ?? TimeProvider.System;
        Logger = logger ?? NullLogger.Instance;
        if (checkpoints is not null) _checkpoints = new CheckpointService(this, checkpoints);
        var definition = ServerServiceDefinition.CreateBuilder()
            .AddMethod(ProgressMethods.Report,
                (requests, responses, context) => CountedAsync(context, new ReportStream(this, requests, responses, context).RunAsync));
        if (_checkpoints is not null)
            definition
                .AddMethod(ProgressMethods.PutCheckpoint,
                    (requests, context) => CountedAsync(context, () => _checkpoints.PutAsync(requests, context)))
                .AddMethod(ProgressMethods.GetCheckpoint,
                    (request, responses, context) => CountedAsync(context, () => _checkpoints.GetAsync(request, responses, context)));
        Definition = definition.Build();
    }

    /// <summary>To be mapped on a server (see <see cref="ProgressServer"/>).</summary>
    public ServerServiceDefinition Definition { get; }

    /// <summary>A stream of this attempt has begun (again). Handlers of these events are quick.</summary>
    public event Action<AttemptIdentity, Started>? Connected;

    /// <summary>The attempt has no stream any more, for now or for good.</summary>
    public event Action<AttemptIdentity>? Disconnected;

    /// <summary>These reports are stored, in order; each is told once while this service lives.</summary>
    public event Action<AttemptIdentity, IReadOnlyList<TrainerMessage>>? Stored;

    /// <summary>A call (its method's full name) was refused or broken off by this side with that status.</summary>
    public event Action<string, StatusCode>? Rejected;

    /// <summary>Asks the attempt to save and leave: now where it is connected, else as soon as it is. Remembered until it ends.</summary>
    public void Stop(AttemptIdentity attempt, string reason)
    {
        lock (_sessions) SessionOf(attempt).Stop(reason);
    }

    /// <summary>Asks the attempt to save and go on. False where it is not connected.</summary>
    public bool Save(AttemptIdentity attempt)
    {
        lock (_sessions) return _sessions.TryGetValue(attempt.AttemptId, out var session) && session.Save();
    }

    /// <summary>True while the attempt has a stream.</summary>
    public bool IsConnected(AttemptIdentity attempt)
    {
        lock (_sessions) return _sessions.TryGetValue(attempt.AttemptId, out var session) && session.Stream is not null;
    }

    /// <summary>
    /// The attempt's process is surely gone. Completes when what it had reported is stored (or has failed to be) and the next attempt of
    /// the trial may have the grant. Anything that still speaks for it is refused from then on.
    /// </summary>
    public async Task EndAsync(AttemptIdentity attempt)
    {
        ReportStream? stream;
        lock (_sessions)
        {
            var session = SessionOf(attempt);
            session.Ended = true;
            stream = session.Stream;
        }

        if (stream is not null)
        {
            stream.Close(StatusCode.FailedPrecondition, $"attempt {attempt.AttemptNumber} of {attempt.Trial} is over");
            await stream.Completed.ConfigureAwait(false);
        }

        Authority.Gone(attempt);
        lock (_sessions) _sessions.Remove(attempt.AttemptId);
    }

    internal IProgressAuthority Authority { get; }

    internal IReportSink Sink { get; }

    internal TimeProvider Time { get; }

    internal ILogger Logger { get; }

    /// <summary>Who calls, by the bearer token, and until when that token is good.</summary>
    internal async ValueTask<(AttemptIdentity Attempt, DateTimeOffset? Expiry)> AuthenticateAsync(ServerCallContext context)
    {
        const string Scheme = "Bearer ";
        var header = context.RequestHeaders.GetValue("authorization");
        if (header is null || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            throw new RpcException(new Status(StatusCode.Unauthenticated, "send the metadata `authorization: Bearer <token>`"));
        var token = header[Scheme.Length..].Trim();
        var attempt = await Authority.AuthenticateAsync(token, AddressOf(context.Peer), context.CancellationToken).ConfigureAwait(false)
            ?? throw new RpcException(new Status(StatusCode.Unauthenticated, "the token is of no attempt that is known to live"));
        return (attempt, Authority.ExpiryOf(token));
    }

    /// <summary>Without the port: <c>ipv4:10.0.0.1</c>.</summary>
    private static string AddressOf(string peer) =>
        peer.StartsWith("ip", StringComparison.Ordinal) && peer.LastIndexOf(':') is > 5 and var colon ? peer[..colon] : peer;

    /// <summary>Makes this the stream of its attempt; the one that it replaces is told to end and returned.</summary>
    internal ReportStream? Attach(ReportStream stream, AttemptIdentity attempt)
    {
        lock (_sessions)
        {
            var session = SessionOf(attempt);
            if (session.Ended)
                throw new RpcException(
                    new Status(StatusCode.FailedPrecondition, $"attempt {attempt.AttemptNumber} of {attempt.Trial} is over"));
            var replaced = session.Stream;
            session.Stream = stream;
            replaced?.Close(StatusCode.Aborted, "the attempt has opened another stream");
            return replaced;
        }
    }

    internal void Detach(ReportStream stream, AttemptIdentity attempt)
    {
        lock (_sessions)
        {
            if (!_sessions.TryGetValue(attempt.AttemptId, out var session) || session.Stream != stream) return;
            session.Stream = null;
            if (session.IsForgettable) _sessions.Remove(attempt.AttemptId);
        }

        Raise(() => Disconnected?.Invoke(attempt));
    }

    /// <summary>
    /// Tells <paramref name="use"/> why the attempt is to leave (null: it is not), with no order of the engine in between.
    /// </summary>
    internal void WithStopReason(AttemptIdentity attempt, Action<string?> use)
    {
        lock (_sessions) use(SessionOf(attempt).StopReason);
    }

    internal string? StopReasonOf(AttemptIdentity attempt)
    {
        lock (_sessions) return _sessions.GetValueOrDefault(attempt.AttemptId)?.StopReason;
    }

    internal void OnConnected(AttemptIdentity attempt, Started started) => Raise(() => Connected?.Invoke(attempt, started));

    internal void OnStored(AttemptIdentity attempt, IReadOnlyList<TrainerMessage> reports) => Raise(() => Stored?.Invoke(attempt, reports));

    private Task CountedAsync(ServerCallContext context, Func<Task> call) =>
        CountedAsync(context, async () =>
        {
            await call().ConfigureAwait(false);
            return true;
        });

    private async Task<T> CountedAsync<T>(ServerCallContext context, Func<Task<T>> call)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (RpcException e)
        {
            Raise(() => Rejected?.Invoke(context.Method, e.StatusCode));
            throw;
        }
    }

    private AttemptSession SessionOf(AttemptIdentity attempt)
    {
        if (!_sessions.TryGetValue(attempt.AttemptId, out var session)) _sessions.Add(attempt.AttemptId, session = new AttemptSession());
        return session;
    }

    // What a listener does wrong must not cost an acknowledgement.
    private void Raise(Action raise)
    {
        try
        {
            raise();
        }
        catch (Exception e)
        {
            Logger.LogError(e, "A listener to progress events failed.");
        }
    }

    /// <summary>What is remembered of an attempt between its streams.</summary>
    private sealed class AttemptSession
    {
        public ReportStream? Stream { get; set; }

        public string? StopReason { get; private set; }

        public bool Ended { get; set; }

        public bool IsForgettable => StopReason is null && !Ended;

        public void Stop(string reason)
        {
            StopReason = reason;
            Stream?.OnStop(reason);
        }

        public bool Save() => Stream?.OnSave() ?? false;
    }
}
