using System.Runtime.InteropServices;
using Hem.Trainer.Networks;

namespace Hem.Trainer.Algorithms;

/// <summary>A network with its Adam: what a checkpoint keeps of it is parameters, both moments, and the number of steps.</summary>
internal sealed class TrainedNetwork(INetwork network, double learningRate) : IDisposable
{
    public INetwork Network { get; } = network;

    public Adam Adam { get; } = new(network, learningRate);

    public int ParameterCount => Network.Parameters.Length;

    /// <summary>Bytes that <see cref="Save"/> writes.</summary>
    public long SavedBytes => sizeof(int) + 3L * sizeof(float) * ParameterCount + sizeof(long);

    public void Save(BinaryWriter writer)
    {
        writer.Write(ParameterCount);
        writer.Write(MemoryMarshal.AsBytes(Network.Parameters));
        writer.Write(MemoryMarshal.AsBytes(Adam.FirstMoments));
        writer.Write(MemoryMarshal.AsBytes(Adam.SecondMoments));
        writer.Write(Adam.Steps);
    }

    /// <summary>Whether <paramref name="saved"/> begins with what <see cref="Save"/> writes for a network of this size.</summary>
    public bool Fits(ReadOnlySpan<byte> saved) => saved.Length >= SavedBytes && MemoryMarshal.Read<int>(saved) == ParameterCount;

    /// <summary>Reads what <see cref="Save"/> wrote and moves <paramref name="saved"/> behind it.</summary>
    public void Load(ref ReadOnlySpan<byte> saved)
    {
        saved = saved[sizeof(int)..];
        Take(ref saved, MemoryMarshal.AsBytes(Network.Parameters));
        Take(ref saved, MemoryMarshal.AsBytes(Adam.FirstMoments));
        Take(ref saved, MemoryMarshal.AsBytes(Adam.SecondMoments));
        Adam.Steps = MemoryMarshal.Read<long>(saved);
        saved = saved[sizeof(long)..];
    }

    public void Dispose() => Network.Dispose();

    /// <summary>Fills <paramref name="target"/> from the start of <paramref name="saved"/> and moves that behind it.</summary>
    public static void Take(ref ReadOnlySpan<byte> saved, Span<byte> target)
    {
        saved[..target.Length].CopyTo(target);
        saved = saved[target.Length..];
    }
}
