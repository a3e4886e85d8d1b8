using System.Text;

namespace Hem.Core.Sweeps;

/// <summary>One thing wrong with a sweep or a trial: where, what was written, what is allowed instead.</summary>
/// <param name="Path">The field, for example <c>spec.grid.N[2]</c>; empty for the file as a whole.</param>
/// <param name="Value">What was written there, as JSON and shortened, or null where nothing was.</param>
/// <param name="Message">What is wrong and what is allowed.</param>
/// <param name="Suggestion">The nearest valid name, for a typo.</param>
/// <param name="Line">Line of the file, from 1, where known.</param>
public sealed record Fault(string Path, string? Value, string Message, string? Suggestion = null, int? Line = null)
{
    /// <summary>One line for people: <c>line 7: spec.grid.N[2]: 0 is too small: ...</c></summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        if (Line is { } line) text.Append("line ").Append(line).Append(": ");
        if (Path.Length > 0) text.Append(Path).Append(": ");
        text.Append(Message);
        if (Suggestion is not null) text.Append(" (did you mean '").Append(Suggestion).Append("'?)");
        return text.ToString();
    }
}
