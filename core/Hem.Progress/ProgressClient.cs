using Hem.Progress.Grpc;

namespace Hem.Progress;

/// <summary>
/// A trainer's end of the progress protocol. Connects in the background, again and again for as long as it takes; reporting never waits
/// for that. What the server has not acknowledged is kept, here and by way of <see cref="ExportUnacknowledged"/> in the checkpoint, and
/// sent again. Thread-safe.
/// </summary>
/// <remarks>
/// Order of a trial: <see cref="Start"/>, await <see cref="Granted"/>, load the checkpoint and <see cref="RestoreUnacknowledged"/>,
/// train and <see cref="Report(TrainerMessage)"/>, at the end report Finished and await <see cref="FlushAsync"/>.
/// </remarks>
public sealed partial class ProgressClient : IDisposable, IAsyncDisposable
{
    private readonly ProgressClientOptions _options;
    private readonly ReportQueue _reports = new();
    private readonly TaskCompletionSource<bool> _granted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopRequested = new();
    private readonly CancellationTokenSource _disposed = new();
    private Task _running = Task.CompletedTask;

    private ProgressClient(ProgressClientOptions options) => _options = options;

    /// <summary>Begins to connect.</summary>
    /// <exception cref="ArgumentException">The address is none.</exception>
    public static ProgressClient Start(ProgressClientOptions options)
    {
        GrpcChannel.ForAddress(options.Address).Dispose();
        var client = new ProgressClient(options);
        client._running = Task.Run(client.RunAsync);
        return client;
    }

    /// <summary>
    /// True once this attempt may train and touch the trial's checkpoint; false when it is asked to leave before that. Fails with
    /// <see cref="ProgressRefusedException"/> when it is refused.
    /// </summary>
    public Task<bool> Granted => _granted.Task;

    /// <summary>The attempt's number, from 1; 0 until granted.</summary>
    public int AttemptNumber { get; private set; }

    /// <summary>
    /// Cancelled when this attempt is to save and leave, or when it is over (<see cref="Refusal"/> is set then: leave without saving,
    /// another attempt may be using the checkpoint).
    /// </summary>
    public CancellationToken StopRequested => _stopRequested.Token;

    /// <summary>Why it is to leave; null while it is not.</summary>
    public string? StopReason { get; private set; }

    /// <summary>Set when this attempt is over (FAILED_PRECONDITION), the only answer of the server that is final.</summary>
    public ProgressRefusedException? Refusal { get; private set; }

    /// <summary>Raised (on another thread) when a checkpoint is wanted now.</summary>
    public event Action? SaveRequested;

    /// <summary>Puts a report on its way. Returns at once, connected or not. The message is not to be changed afterwards.</summary>
    /// <param name="report">Its sequence does not matter; the connection numbers it.</param>
    public void Report(TrainerMessage report)
    {
        if (report.ReportCase is TrainerMessage.ReportOneofCase.None or TrainerMessage.ReportOneofCase.Started)
            throw new ArgumentException($"{report.ReportCase} is no report.", nameof(report));
        _reports.Add(report);
    }

    public void Report(Evaluated report) => Report(new TrainerMessage { Evaluated = report });

    public void Report(Checkpointed report) => Report(new TrainerMessage { Checkpointed = report });

    public void Report(Finished report) => Report(new TrainerMessage { Finished = report });

    public void Report(Failed report) => Report(new TrainerMessage { Failed = report });

    /// <summary>Completes when everything reported so far is stored by the server, however long that takes.</summary>
    /// <exception cref="ProgressRefusedException">It never will be.</exception>
    public Task FlushAsync(CancellationToken cancellationToken = default) => _reports.WhenEmptyAsync(cancellationToken);

    /// <summary>How many reports are not acknowledged yet.</summary>
    public int UnacknowledgedCount => (int)(_reports.Last - _reports.Acknowledged);

    /// <summary>The reports that are not acknowledged yet, for the checkpoint that is being saved.</summary>
    public byte[] ExportUnacknowledged() => ReportQueue.Write(_reports.Unacknowledged());

    /// <summary>Takes over what an earlier attempt left in the checkpoint. Once, before the first report.</summary>
    /// <exception cref="InvalidDataException">These are not the bytes of <see cref="ExportUnacknowledged"/>.</exception>
    public void RestoreUnacknowledged(ReadOnlySpan<byte> bytes) => _reports.Restore(ReportQueue.Read(bytes));

    /// <summary>Closes the stream; does not wait for acknowledgements (that is what <see cref="FlushAsync"/> is for).</summary>
    public async ValueTask DisposeAsync()
    {
        _reports.Close(new ObjectDisposedException(nameof(ProgressClient)));
        Leaving.TrySetResult();
        if (!_connected || !_everGranted) await _disposed.CancelAsync().ConfigureAwait(false);
        await _running.WaitAsync(TimeSpan.FromSeconds(1), _options.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _disposed.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _granted.TrySetException(new ObjectDisposedException(nameof(ProgressClient)));
        _ = _granted.Task.Exception;
    }

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private TaskCompletionSource Leaving { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Stop(string reason)
    {
        StopReason ??= reason;
        // In this order: who sees Granted come false may go by StopRequested.
        _stopRequested.Cancel();
        _granted.TrySetResult(false);
    }

    private void Refuse(ProgressRefusedException refusal)
    {
        Refusal = refusal;
        StopReason = refusal.Message;
        _reports.Close(refusal);
        _granted.TrySetException(refusal);
        _ = _granted.Task.Exception;
        _stopRequested.Cancel();
    }

    private GrpcChannel OpenChannel()
    {
        var options = new GrpcChannelOptions { TimeProvider = _options.Time };
        if (_options.CaFile is { } file)
        {
            options.RootCertificates = [];
            options.RootCertificates.ImportFromPemFile(file);
        }

        return GrpcChannel.ForAddress(_options.Address, _options.Channel?.Invoke(options) ?? options);
    }

    private string ReadToken() => File.ReadAllText(_options.TokenFile).Trim();

    private static CallOptions Authorized(string token, CancellationToken cancellationToken) =>
        new(new Metadata { { "authorization", $"Bearer {token}" } }, cancellationToken: cancellationToken);
}
