using System.CommandLine;
using Hem.Operator.Api;

namespace Hem.Operator.Commands;

/// <summary>`hem-operator crds`: the resource definitions, from the C# types.</summary>
internal static class CrdsCommand
{
    public static Command Build()
    {
        var folder = new Argument<DirectoryInfo?>("DIR")
        {
            Description = "Where to write hemsweeps.yaml and hemtrials.yaml; without it they are printed, for kubectl apply -f -",
            HelpName = "DIR",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var markdown = new Option<bool>("--markdown") { Description = "Print docs/api.md instead" };
        var command = new Command("crds", "The custom resource definitions") { folder, markdown };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(markdown)) Console.Write(ApiPage.Text());
            else if (parsed.GetValue(folder) is { } given) Write(given);
            else Console.Write(string.Join("---\n", CustomResourceDefinitions.Files.Select(file => file.Text)));
            return 0;
        });
        return command;
    }

    private static void Write(DirectoryInfo folder)
    {
        folder.Create();
        foreach (var (name, text) in CustomResourceDefinitions.Files) File.WriteAllText(Path.Combine(folder.FullName, name), text);
    }
}
