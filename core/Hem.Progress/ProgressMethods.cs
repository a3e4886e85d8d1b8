using Hem.Progress.Grpc;

namespace Hem.Progress;

/// <summary>The methods of progress.proto, as both ends know them.</summary>
public static class ProgressMethods
{
    public static Method<TrainerMessage, HemMessage> Report { get; } = new(
        MethodType.DuplexStreaming, "hem.v1.Progress", "Report",
        ProtobufMarshaller.Create(TrainerMessage.Parser), ProtobufMarshaller.Create(HemMessage.Parser));

    public static Method<CheckpointChunk, PutCheckpointResponse> PutCheckpoint { get; } = new(
        MethodType.ClientStreaming, "hem.v1.Checkpoints", "Put",
        ProtobufMarshaller.Create(CheckpointChunk.Parser), ProtobufMarshaller.Create(PutCheckpointResponse.Parser));

    public static Method<GetCheckpointRequest, CheckpointChunk> GetCheckpoint { get; } = new(
        MethodType.ServerStreaming, "hem.v1.Checkpoints", "Get",
        ProtobufMarshaller.Create(GetCheckpointRequest.Parser), ProtobufMarshaller.Create(CheckpointChunk.Parser));

    /// <summary>Most bytes of data in one <see cref="CheckpointChunk"/>.</summary>
    public const int ChunkBytes = 1024 * 1024;
}
