using System.CommandLine;
using System.Text;
using Hem.Core.Sweeps;

namespace Hem.Cli.Commands;

/// <summary>`hem explain`: the parameter table, for people.</summary>
internal static class ExplainCommand
{
    public const string Closing = """
        Examples:
          hem explain              every parameter, a line each
          hem explain batchSize    one of them, whole

        """;

    public static Command Build()
    {
        var name = new Argument<string?>("PARAMETER")
        {
            Description = "A parameter of a trial, as it is written in a sweep file",
            HelpName = "PARAMETER",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var markdown = new Option<bool>("--markdown") { Description = "The whole table as Markdown: docs/parameters.md" };
        var command = new Command("explain", "What a parameter means, its range and its default") { name, markdown };
        command.SetAction(parsed => Run(parsed.GetValue(name), parsed.GetValue(markdown)));
        return command;
    }

    private static int Run(string? name, bool markdown)
    {
        if (markdown)
            Console.Write(Markdown());
        else if (name is null)
            Console.Write(List());
        else if (ParameterTable.Find(name) is { } parameter)
            Console.Write($"{parameter.Name}: {parameter.Expected}\n\n{parameter.Description}\n");
        else
            throw new HemException(ExitCodes.BadInput, Unknown(name));
        return ExitCodes.Complete;
    }

    private static string List()
    {
        int width = ParameterTable.All.Max(parameter => parameter.Name.Length);
        var text = new StringBuilder();
        foreach (ParameterDefinition parameter in ParameterTable.All)
            text.Append(parameter.Name.PadRight(width + 2)).Append(FirstSentence(parameter.Description)).Append('\n');
        return text.ToString();
    }

    private static string Markdown()
    {
        var text = new StringBuilder("""
            # Parameters of a trial

            What `base`, `cases`, `grid` and `exclude` of a sweep may set, and what `HEM_TRIAL` holds.
            """ + """
             A parameter that a trial's algorithm or
            task does not use is a fault when it is set for it. Written by `hem explain --markdown`.

            | name | values | meaning |
            |---|---|---|

            """);
        foreach (ParameterDefinition parameter in ParameterTable.All)
            text.Append($"| `{parameter.Name}` | {parameter.Expected} | {parameter.Description} |\n");
        return text.ToString();
    }

    private static string FirstSentence(string description) =>
        description.IndexOf(". ", StringComparison.Ordinal) is var end and > 0 ? description[..(end + 1)] : description;

    private static string Unknown(string name) =>
        $"'{name}' is no parameter of a trial"
        + (NearestName.Of(name, ParameterTable.All.Select(parameter => parameter.Name)) is { } near ? $": did you mean {near}?" : ".")
        + " `hem explain` lists them all.";
}
