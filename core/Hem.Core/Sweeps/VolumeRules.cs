using System.Globalization;

namespace Hem.Core.Sweeps;

/// <summary>What must hold between volumes and their mounts, of the trainer and of its overrides.</summary>
internal sealed class VolumeRules(FaultList faults)
{
    /// <summary>Looks at what could be read; <paramref name="node"/> is that of spec.trainer, for the lines.</summary>
    public void Check(SpecNode node, TrainerTemplate trainer)
    {
        // Which overrides meet in a trial is not known here, so a mount may name a volume of any of them.
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var volumes in trainer.Overrides.Select(item => item.Pod.Volumes).Append(trainer.Pod.Volumes))
            known.UnionWith(Texts(volumes, "name"));
        Check(node, "spec.trainer", trainer.Pod, known);

        var overrides = node.Find("overrides")?.Items ?? [];
        if (overrides.Count != trainer.Overrides.Count) return;  // one of them is at fault already
        for (var i = 0; i < overrides.Count; i++)
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"spec.trainer.overrides[{i}]");
            Check(overrides[i], path, trainer.Overrides[i].Pod, known);
        }
    }

    private void Check(SpecNode owner, string path, PodSettings pod, HashSet<string> known)
    {
        foreach (var (name, at, node) in Fields(owner, path, "volumes", "name", pod.Volumes))
        {
            if (name.StartsWith(PodFields.ReservedPrefix, StringComparison.Ordinal))
                Add(at, node, $"must not begin with {PodFields.ReservedPrefix}: those are the operator's own");
        }
        foreach (var (name, at, node) in Fields(owner, path, "volumeMounts", "name", pod.VolumeMounts))
        {
            if (!known.Contains(name)) Add(at, node, "must be the name of one of volumes", NearestName.Of(name, known));
        }
        foreach (var (folder, at, node) in Fields(owner, path, "volumeMounts", "mountPath", pod.VolumeMounts))
        {
            var reserved = PodFields.ReservedFolders.FirstOrDefault(
                own => folder == own || folder.StartsWith(own + "/", StringComparison.Ordinal));
            if (reserved is not null) Add(at, node, $"must be another folder: {reserved} is the operator's own");
        }
    }

    private void Add(string path, SpecNode node, string message, string? suggestion = null) =>
        faults.Add(new Fault(path, node.Show(), message, suggestion, node.Line));

    /// <summary>One field of each entry of a list that was read whole.</summary>
    private static IEnumerable<(string Text, string Path, SpecNode Node)> Fields(
        SpecNode owner, string path, string list, string field, ParameterValue? read)
    {
        var items = owner.Find(list)?.Items ?? [];
        var texts = Texts(read, field).ToList();
        if (texts.Count != items.Count) yield break;
        for (var i = 0; i < items.Count; i++)
            yield return (texts[i], string.Create(CultureInfo.InvariantCulture, $"{path}.{list}[{i}].{field}"), items[i].Find(field)!);
    }

    private static IEnumerable<string> Texts(ParameterValue? list, string field) =>
        list?.Items.Select(item => item.Fields.Find(field)?.AsString()).OfType<string>() ?? [];
}
