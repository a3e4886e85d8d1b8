using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Hem.Cli.Engine;

namespace Hem.Cli.Commands;

/// <summary>Options and arguments that several commands have.</summary>
internal static class CommonOptions
{
    public static Option<string?> Store() => new("--store", "-s")
    {
        Description = "Folder of the results (default: $HEM_STORE, else ./hem-results)",
        HelpName = "DIR",
    };

    /// <exception cref="HemException">The option is there and empty.</exception>
    public static StoreLayout Layout(this ParseResult parsed, Option<string?> store)
    {
        string? given = parsed.GetValue(store);
        if (given is not null && string.IsNullOrWhiteSpace(given))
            throw new HemException(ExitCodes.BadInput, "--store is empty: name a folder, or leave the option out.");
        return new(given ?? (Environment.GetEnvironmentVariable("HEM_STORE") is { Length: > 0 } usual ? usual : "hem-results"));
    }

    public static Argument<string> Sweep() => new("SWEEP")
    {
        Description = "Name of the sweep (metadata.name); 'hem list' shows them",
        HelpName = "SWEEP",
    };

    public static Option<bool> Json(string what) => new("--json") { Description = what };

    public static Argument<string> File() =>
        new("FILE") { Description = "The HemSweep, YAML or JSON; - reads standard input", HelpName = "FILE" };

    public static Option<int?> Parallelism()
    {
        var option = new Option<int?>("--parallelism", "-p")
        {
            Description = "Trials at once (default: spec.parallelism, else the number of cores)",
            HelpName = "N",
            CustomParser = result => Positive(result, "--parallelism"),
        };
        return option;
    }

    private static int? Positive(ArgumentResult result, string name)
    {
        string text = result.Tokens.Single().Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is >= 1 and <= 10_000)
            return number;
        result.AddError($"{name} is a whole number from 1 to 10000, not '{text}'.");
        return null;
    }
}
