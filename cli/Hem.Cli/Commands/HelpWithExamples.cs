using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Hem.Cli.Commands;

/// <summary>The usual help, and below it what people look for: examples, exit codes.</summary>
internal sealed class HelpWithExamples(HelpAction usual, IReadOnlyDictionary<Command, string> closing) : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        int result = usual.Invoke(parseResult);
        if (closing.TryGetValue(parseResult.CommandResult.Command, out string? text))
            parseResult.InvocationConfiguration.Output.WriteLine(text.TrimEnd());
        return result;
    }
}
