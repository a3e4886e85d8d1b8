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
    // A message that is only the end of a sentence: what was written is its beginning. The others name it where it is of use.
    private bool LacksItsSubject =>
        Message.StartsWith("must ", StringComparison.Ordinal) || Message.StartsWith("is the same ", StringComparison.Ordinal)
        || Message.StartsWith("drops ", StringComparison.Ordinal) || Message.StartsWith("names ", StringComparison.Ordinal);

    /// <summary>One line for people: <c>line 7: spec.parallelism: 0 must be a whole number from 1 to 100,000</c></summary>
    public override string ToString() => Line is { } line ? $"line {line}: {Describe()}" : Describe();

    /// <summary>The same without the line: field, value, what is allowed, the nearest name.</summary>
    public string Describe()
    {
        var text = new StringBuilder();
        if (Path.Length > 0) text.Append(Path).Append(": ");
        if (Value is not null && LacksItsSubject) text.Append(Value).Append(' ');
        text.Append(Message);
        if (Suggestion is not null) text.Append(" (did you mean '").Append(Suggestion).Append("'?)");
        return text.ToString();
    }
}
