using Hem.Cli.Engine;
using Hem.Cli.Terminal;
using Hem.Results;

namespace Hem.Cli.Commands;

/// <summary>Finding the sweep that a command line names.</summary>
internal static class KnownSweeps
{
    /// <exception cref="HemException">The store has no such sweep; the message says which it has.</exception>
    public static SweepRecord Require(this ResultStore store, string name, StoreLayout layout)
    {
        if (store.FindSweep(name) is { } sweep) return sweep;
        string[] known = [.. store.ReadSweeps().Select(other => other.Name)];
        string list = known.Length == 0
            ? "it holds none"
            : $"it holds {string.Join(", ", known.Take(10))}{(known.Length > 10 ? ", ..." : "")}";
        string hint = File.Exists(name) ? " (it is asked for by its name, not by its file)" : "";
        throw new HemException(
            ExitCodes.BadInput, $"{Format.ShortPath(layout.Root)}: there is no sweep '{name}'; {list}.{hint}");
    }
}
