using System.CommandLine;
using Hem.Operator.Api;

namespace Hem.Operator.Commands;

/// <summary>`hem-operator crds DIR`: the resource definitions, written from the C# types.</summary>
internal static class CrdsCommand
{
    public static Command Build()
    {
        var folder = new Argument<DirectoryInfo>("DIR") { Description = "Where to write hemsweeps.yaml and hemtrials.yaml", HelpName = "DIR" };
        var command = new Command("crds", "Write the custom resource definitions") { folder };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(folder)));
        return command;
    }

    private static int Run(DirectoryInfo folder)
    {
        folder.Create();
        foreach (var (name, text) in CustomResourceDefinitions.Files) File.WriteAllText(Path.Combine(folder.FullName, name), text);
        return 0;
    }
}
