namespace Hem.Trainer.Torch;

/// <summary>libtorch, our shim for it, or a GPU is not on this machine; the message says which, and what to do.</summary>
internal sealed class TorchUnavailableException(string message) : Exception(message);
