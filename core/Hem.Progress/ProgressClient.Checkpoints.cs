using System.Security.Cryptography;
using Google.Protobuf;
using Hem.Progress.Grpc;

namespace Hem.Progress;

public sealed partial class ProgressClient
{
    /// <summary>Stores a checkpoint with the server (trials without a folder of their own). One try, on a connection of its own.</summary>
    /// <param name="iteration">Where an attempt that resumes from it goes on.</param>
    /// <param name="data">Read to its end.</param>
    /// <exception cref="RpcException">It is not stored; the one before is untouched. RESOURCE_EXHAUSTED: too large.</exception>
    public async Task PutCheckpointAsync(long iteration, Stream data, CancellationToken cancellationToken = default)
    {
        using var channel = OpenChannel();
        using var call = channel.CreateCallInvoker()
            .AsyncClientStreamingCall(ProgressMethods.PutCheckpoint, null, Authorized(ReadToken(), cancellationToken));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[ProgressMethods.ChunkBytes];
        var first = true;
        try
        {
            while (true)
            {
                var read = await data.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken)
                    .ConfigureAwait(false);
                hash.AppendData(buffer, 0, read);
                var last = read < buffer.Length;
                var chunk = new CheckpointChunk { Data = ByteString.CopyFrom(buffer, 0, read) };
                if (first) chunk.Iteration = (ulong)iteration;
                if (last) chunk.Sha256 = ByteString.CopyFrom(hash.GetHashAndReset());
                await call.RequestStream.WriteAsync(chunk, cancellationToken).ConfigureAwait(false);
                first = false;
                if (last) break;
            }

            await call.RequestStream.CompleteAsync().ConfigureAwait(false);
        }
        catch (RpcException)
        {
            // The server has ended the call; its answer says why.
        }

        await call.ResponseAsync.ConfigureAwait(false);
    }

    /// <summary>Writes the newest whole checkpoint of the trial to <paramref name="destination"/>. One try.</summary>
    /// <returns>Its iteration, or null where the trial has none.</returns>
    /// <exception cref="RpcException">The server cannot be reached or refuses.</exception>
    /// <exception cref="InvalidDataException">What arrived is not what was stored.</exception>
    public async Task<long?> GetCheckpointAsync(Stream destination, CancellationToken cancellationToken = default)
    {
        using var channel = OpenChannel();
        using var call = channel.CreateCallInvoker().AsyncServerStreamingCall(
            ProgressMethods.GetCheckpoint, null, Authorized(ReadToken(), cancellationToken), new GetCheckpointRequest());
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long? iteration = null;
        var sha256 = ByteString.Empty;
        try
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false))
            {
                var chunk = call.ResponseStream.Current;
                iteration ??= (long)chunk.Iteration;
                hash.AppendData(chunk.Data.Span);
                await destination.WriteAsync(chunk.Data.Memory, cancellationToken).ConfigureAwait(false);
                if (!chunk.Sha256.IsEmpty) sha256 = chunk.Sha256;
            }
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            return null;
        }

        if (!sha256.Span.SequenceEqual(hash.GetHashAndReset())) throw new InvalidDataException("The checkpoint arrived damaged.");
        return iteration;
    }
}
