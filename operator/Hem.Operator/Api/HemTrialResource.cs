using System.ComponentModel;
using Hem.Kubernetes;
using Hem.Operator.Api.Schema;

namespace Hem.Operator.Api;

[Description("A trial of a sweep: one configuration with one seed. The operator makes and deletes them; edit the sweep instead.")]
[PrinterColumn("State", "string", ".status.phase", "Where the trial is")]
[PrinterColumn("Task", "string", ".spec.parameters.task", "What is to be learned")]
[PrinterColumn("Algorithm", "string", ".spec.parameters.algorithm", "The learning algorithm")]
[PrinterColumn("Seed", "integer", ".spec.seed", "The random seed")]
[PrinterColumn("Progress", "string", ".status.progress", "Iterations done, of all")]
[PrinterColumn("Success", "number", ".status.successRate", "Success rate of the last evaluation")]
[PrinterColumn("Retries", "integer", ".status.retries", "Attempts that followed a failure or a disruption")]
[PrinterColumn("Age", "date", ".metadata.creationTimestamp", "Since when the trial exists")]
[PrinterColumn("Pod", "string", ".status.podName", "The pod of the last attempt", Priority = 1)]
[PrinterColumn("Message", "string", ".status.message", "Why it is where it is", Priority = 1)]
internal sealed record HemTrialResource : IKubernetesObject
{
    [Description(HemResources.ApiVersion)]
    public string? ApiVersion { get; set; } = HemResources.ApiVersion;

    [Description(HemResources.TrialKind)]
    public string? Kind { get; set; } = HemResources.TrialKind;

    public V1ObjectMeta Metadata { get; set; } = new();

    public HemTrialSpec Spec { get; init; } = new();

    public HemTrialStatus? Status { get; init; }
}
