namespace Hem.Trainer.Trials;

/// <summary>The trial cannot be run as it is described, now or ever; the message says what to change.</summary>
internal sealed class BadConfigurationException(string message) : Exception(message);
