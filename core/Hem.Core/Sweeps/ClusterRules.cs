namespace Hem.Core.Sweeps;

/// <summary>What is right on one machine and cannot be done on a cluster.</summary>
public static class ClusterRules
{
    /// <summary>Faults of a sweep that has none on one machine.</summary>
    public static IReadOnlyList<Fault> Check(HemSweep sweep, SweepExpansion expansion)
    {
        if (sweep.Spec.Trainer.Command is null) return [];
        var without = expansion.Configurations.FirstOrDefault(
            configuration => sweep.Spec.Trainer.For(configuration.Parameters).Pod.Image is null);
        return without is null ? [] :
        [
            new Fault("spec.trainer.command", null,
                $"needs spec.trainer.image on a cluster (for {without.Label}): the operator's own trainer image holds no other program"),
        ];
    }
}
