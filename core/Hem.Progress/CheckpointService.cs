using System.Security.Cryptography;
using Google.Protobuf;
using Hem.Progress.Grpc;
using Microsoft.Extensions.Logging;

namespace Hem.Progress;

/// <summary>Checkpoints/Put and /Get on the server: for the attempt that holds the grant, streamed and never whole in memory.</summary>
internal sealed class CheckpointService(ProgressService service, ICheckpointStore store)
{
    public async Task<PutCheckpointResponse> PutAsync(IAsyncStreamReader<CheckpointChunk> requests, ServerCallContext context)
    {
        var attempt = await AuthorizeAsync(context).ConfigureAwait(false);
        if (!await requests.MoveNext(context.CancellationToken).ConfigureAwait(false))
            throw ReportRules.Invalid("a checkpoint has at least one chunk");
        var iteration = requests.Current.Iteration;
        if (iteration > long.MaxValue) throw ReportRules.Invalid("iteration must be at most 2^63 - 1");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        try
        {
            await using var upload = store.BeginPut(attempt, (long)iteration);
            ulong bytes = 0;
            while (true)
            {
                var chunk = requests.Current;
                if (chunk.Data.Length > ProgressMethods.ChunkBytes)
                    throw ReportRules.Invalid(
                        $"a chunk of {chunk.Data.Length} bytes is larger than the {ProgressMethods.ChunkBytes} allowed");
                hash.AppendData(chunk.Data.Span);
                bytes += (ulong)chunk.Data.Length;
                await upload.WriteAsync(chunk.Data.Memory, context.CancellationToken).ConfigureAwait(false);
                var more = await requests.MoveNext(context.CancellationToken).ConfigureAwait(false);
                if (chunk.Sha256.IsEmpty)
                {
                    if (more) continue;
                    throw ReportRules.Invalid("the last chunk must carry the SHA-256 of the whole");
                }

                if (more) throw ReportRules.Invalid("a chunk came after the one with the SHA-256, which is the last");
                if (!chunk.Sha256.Span.SequenceEqual(hash.GetHashAndReset()))
                    throw new RpcException(new Status(StatusCode.DataLoss, "the SHA-256 is not that of the data that arrived"));
                // The grant may have moved while the data came.
                await CheckGrantAsync(attempt, context).ConfigureAwait(false);
                await upload.CommitAsync(chunk.Sha256.Memory, context.CancellationToken).ConfigureAwait(false);
                return new PutCheckpointResponse { Bytes = bytes };
            }
        }
        catch (CheckpointTooLargeException e)
        {
            throw new RpcException(new Status(StatusCode.ResourceExhausted, e.Message));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw StoreFailed(attempt, e);
        }
    }

    public async Task GetAsync(GetCheckpointRequest request, IServerStreamWriter<CheckpointChunk> responses, ServerCallContext context)
    {
        var attempt = await AuthorizeAsync(context).ConfigureAwait(false);
        try
        {
            if (store.OpenNewest(attempt) is not var (iteration, data))
                throw new RpcException(new Status(StatusCode.NotFound, $"trial {attempt.Trial} has no checkpoint"));
            await using var closing = data.ConfigureAwait(false);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = new byte[ProgressMethods.ChunkBytes];
            for (var first = true; ; first = false)
            {
                var read = await data.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, context.CancellationToken)
                    .ConfigureAwait(false);
                hash.AppendData(buffer, 0, read);
                var last = read < buffer.Length;
                var chunk = new CheckpointChunk { Data = ByteString.CopyFrom(buffer, 0, read) };
                if (first) chunk.Iteration = (ulong)iteration;
                if (last) chunk.Sha256 = ByteString.CopyFrom(hash.GetHashAndReset());
                await responses.WriteAsync(chunk, context.CancellationToken).ConfigureAwait(false);
                if (last) return;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw StoreFailed(attempt, e);
        }
    }

    private async ValueTask<AttemptIdentity> AuthorizeAsync(ServerCallContext context)
    {
        var (attempt, _) = await service.AuthenticateAsync(context).ConfigureAwait(false);
        await CheckGrantAsync(attempt, context).ConfigureAwait(false);
        return attempt;
    }

    private async ValueTask CheckGrantAsync(AttemptIdentity attempt, ServerCallContext context)
    {
        var decision = await service.Authority.DecideAsync(attempt, context.CancellationToken).ConfigureAwait(false);
        if (decision.Kind != GrantKind.Granted)
            throw new RpcException(
                new Status(StatusCode.FailedPrecondition, $"checkpoints are for the attempt that holds the grant; {decision.Reason}"));
    }

    private RpcException StoreFailed(AttemptIdentity attempt, Exception e)
    {
        service.Logger.LogWarning(e, "A checkpoint of attempt {Attempt} of {Trial} cannot be moved now.",
            attempt.AttemptNumber, attempt.Trial);
        return new RpcException(new Status(StatusCode.Unavailable, $"checkpoints cannot be moved now: {e.Message}"));
    }
}
