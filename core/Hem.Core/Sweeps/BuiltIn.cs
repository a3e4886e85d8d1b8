namespace Hem.Core.Sweeps;

/// <summary>
/// What the trainer that comes with Hem can run. A sweep may name every algorithm, task and device there is; those that are not here
/// need a trainer program of one's own (spec.trainer.command).
/// </summary>
public static class BuiltIn
{
    public static IReadOnlyList<string> Algorithms { get; } =
    [
        AlgorithmName.Hem, AlgorithmName.Her, AlgorithmName.HerDense, AlgorithmName.HemHer,
        AlgorithmName.Hpg, AlgorithmName.Reinforce, AlgorithmName.Theory,
    ];

    /// <summary>Tasks, with K where a size stands.</summary>
    public static IReadOnlyList<string> Tasks { get; } =
    [
        $"{TaskName.FlipBit}-K", TaskName.FourRooms, TaskName.PointMass,
        TaskName.Reacher, "fetch-reach", "fetch-push", "fetch-slide", "fetch-pickplace", TaskName.SawyerReach,
        $"{TaskName.OneStep}-K",
    ];

    /// <summary>Always; with libHemTorch.so beside the trainer, as in the GPU image, cuda too.</summary>
    public static IReadOnlyList<string> Devices { get; } = ["cpu"];

    public static bool HasAlgorithm(string name) => Algorithms.Contains(name);

    public static bool HasTask(string name) =>
        TaskName.TryParse(name, out var task) && Tasks.Contains(task.Size == 0 ? task.Family : $"{task.Family}-K");

    /// <summary>
    /// What the sweep needs that is not here, in words ("algorithm her", "task reacher", "device cuda"), each once; empty where all is
    /// here or the sweep brings its own trainer.
    /// </summary>
    /// <param name="sweep">The sweep.</param>
    /// <param name="expansion">What it expands to.</param>
    /// <param name="torch">Whether the trainer has its libtorch.</param>
    public static IReadOnlyList<string> Missing(HemSweep sweep, SweepExpansion expansion, bool torch = false)
    {
        if (sweep.Spec.Trainer.Command is not null) return [];
        var missing = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var configuration in expansion.Configurations)
        {
            if (ParameterTable.Effective("algorithm", configuration.Parameters)?.AsString() is { } algorithm && !HasAlgorithm(algorithm))
                missing.Add($"algorithm {algorithm}");
            if (ParameterTable.Effective("task", configuration.Parameters)?.AsString() is { } task && !HasTask(task))
                missing.Add($"task {task}");
            var device = sweep.Spec.Trainer.For(configuration.Parameters).Device;
            if (!Devices.Contains(device) && !(torch && device == "cuda")) missing.Add($"device {device}");
        }
        return [.. missing];
    }

    /// <summary>All that is here, for people.</summary>
    public static string Everything { get; } =
        $"{string.Join(", ", Algorithms)} on {string.Join(", ", Tasks)}, with {string.Join(" and ", Devices)}";
}
