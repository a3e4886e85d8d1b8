using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Hem.Cli.Processes;
using Hem.Cli.Terminal;
using Hem.Results;

namespace Hem.Cli;

/// <summary>Runs a command line: every fault of the user's ends in one plain line and an exit code.</summary>
internal static class Hosting
{
    public static async Task<int> RunAsync(string[] arguments, RootCommand root)
    {
        // When a terminal goes away there is nobody to tell anything; of all else whoever waits for the output should know.
        TextWriter error = new QuietWriter(Console.Error, _ => { });
        var output = new QuietWriter(Console.Out, e =>
        {
            if (!IsHangup(e)) error.WriteLine($"hem: standard output: {e.Message}. Nothing more is written there.");
        });
        Console.SetOut(output);
        Console.SetError(error);
        int exitCode = await InvokeAsync(arguments, root);
        return exitCode == 0 && output.Fault is { } fault && !IsHangup(fault) ? ExitCodes.Storage : exitCode;
    }

    private static bool IsHangup(IOException e) => e.HResult == Libc.EIO;

    private static async Task<int> InvokeAsync(string[] arguments, RootCommand root)
    {
        try
        {
            ParseResult parsed = root.Parse(arguments);
            if (parsed.Action is ParseErrorAction)
            {
                foreach (string message in Messages(parsed)) Console.Error.WriteLine($"hem: {message}");
                Console.Error.WriteLine($"Try '{Path(parsed)} --help'.");
                return ExitCodes.BadInput;
            }

            // No handler of its own for Ctrl-C (each command has its own idea), nor for exceptions.
            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await parsed.InvokeAsync(configuration);
        }
        catch (HemException e)
        {
            Console.Error.WriteLine(e.IsWholeMessage ? e.Message : $"hem: {e.Message}");
            return e.ExitCode;
        }
        catch (StoreException e)
        {
            Report(e, e.Message);
            return e.Fault switch
            {
                StoreFault.Locked => ExitCodes.Unavailable,
                StoreFault.NotFound => ExitCodes.BadInput,
                StoreFault.Conflict => ExitCodes.Internal,
                _ => ExitCodes.Storage,
            };
        }
        catch (SpawnException e)
        {
            Console.Error.WriteLine($"hem: {e.Message}");
            return ExitCodes.Unavailable;
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            Report(e, e.Message);
            return ExitCodes.Storage;
        }
        catch (Exception e)
        {
            Report(e, $"internal error: {e.GetType().Name}: {e.Message}");
            return ExitCodes.Internal;
        }
    }

    private static void Report(Exception e, string message)
    {
        Console.Error.WriteLine($"hem: {Format.OneLine(message)}");
        if (Environment.GetEnvironmentVariable("HEM_DEBUG") == "1") Console.Error.WriteLine(e);
        else if (e is not StoreException) Console.Error.WriteLine("     (HEM_DEBUG=1 shows where it comes from)");
    }

    private static IEnumerable<string> Messages(ParseResult parsed)
    {
        if (parsed.CommandResult.Command is RootCommand root && parsed.UnmatchedTokens.FirstOrDefault() is { } name && name[0] != '-')
        {
            string known = string.Join(", ", root.Subcommands.Select(command => command.Name));
            return [$"there is no command '{name}'. The commands are {known}."];
        }

        return parsed.Errors.Select(error => error.Message).Distinct();
    }

    private static string Path(ParseResult parsed)
    {
        var names = new List<string>();
        for (SymbolResult? at = parsed.CommandResult; at is CommandResult command; at = at.Parent)
            names.Insert(0, command.Command is RootCommand ? "hem" : command.Command.Name);
        return string.Join(' ', names);
    }
}
