using System.Text;
using System.Text.Json;

namespace Hem.Core.Sweeps;

/// <summary>What a <see cref="ParameterValue"/> holds.</summary>
public enum ParameterValueKind
{
    Number,
    Text,
    Boolean,
    List,
    Object,
}

/// <summary>
/// An immutable JSON value: what a parameter is set to. Nearly always a number, a text or a boolean; <c>targetClip</c> is a list and
/// <c>stopAt</c> an object. There is no null: a parameter that is not set is absent. Two values are equal when their canonical JSON
/// is: 20 and 20.0 are one value.
/// </summary>
public sealed class ParameterValue : IEquatable<ParameterValue>
{
    private readonly double number;
    private readonly string? text;
    private readonly IReadOnlyList<ParameterValue> items = [];
    private readonly ParameterSet? fields;
    private string? canonical;

    private ParameterValue(double number) => (Kind, this.number) = (ParameterValueKind.Number, number);
    private ParameterValue(string text) => (Kind, this.text) = (ParameterValueKind.Text, text);
    private ParameterValue(bool value) => (Kind, number) = (ParameterValueKind.Boolean, value ? 1 : 0);
    private ParameterValue(IReadOnlyList<ParameterValue> items) => (Kind, this.items) = (ParameterValueKind.List, items);
    private ParameterValue(ParameterSet fields) => (Kind, this.fields) = (ParameterValueKind.Object, fields);

    public static ParameterValue True { get; } = new(true);
    public static ParameterValue False { get; } = new(false);

    public ParameterValueKind Kind { get; }

    /// <summary>The entries of a list; empty for any other kind.</summary>
    public IReadOnlyList<ParameterValue> Items => items;

    /// <summary>The fields of an object; empty for any other kind.</summary>
    public ParameterSet Fields => fields ?? ParameterSet.Empty;

    /// <summary>A number without a fraction that an <see cref="int"/> holds.</summary>
    public bool IsInt => Kind == ParameterValueKind.Number && number is >= int.MinValue and <= int.MaxValue && Math.Floor(number) == number;

    /// <exception cref="ArgumentOutOfRangeException">The number is not finite: JSON has no NaN and no infinity.</exception>
    public static ParameterValue From(double value) => double.IsFinite(value)
        ? new(value)
        : throw new ArgumentOutOfRangeException(nameof(value), value, "a parameter is a finite number");

    /// <exception cref="ArgumentOutOfRangeException">JSON's numbers are doubles; beyond 2^53 they would not keep the value.</exception>
    public static ParameterValue From(long value) => Math.Abs((double)value) <= 1L << 53
        ? new((double)value)
        : throw new ArgumentOutOfRangeException(nameof(value), value, "a whole number as a parameter is at most 2^53");

    public static ParameterValue From(string value) => new(value ?? throw new ArgumentNullException(nameof(value)));
    public static ParameterValue From(bool value) => value ? True : False;
    public static ParameterValue From(IEnumerable<ParameterValue> items) => new(items.ToArray());
    public static ParameterValue From(ParameterSet fields) => new(fields);

    public static implicit operator ParameterValue(int value) => From((long)value);
    public static implicit operator ParameterValue(long value) => From(value);
    public static implicit operator ParameterValue(double value) => From(value);
    public static implicit operator ParameterValue(string value) => From(value);
    public static implicit operator ParameterValue(bool value) => From(value);

    /// <exception cref="InvalidOperationException">The value is no number.</exception>
    public double AsDouble() => Kind == ParameterValueKind.Number ? number : throw Not("a number");

    /// <exception cref="InvalidOperationException">The value is no whole number of 32 bits.</exception>
    public int AsInt() => IsInt ? (int)number : throw Not("a whole number");

    /// <exception cref="InvalidOperationException">The value is no text.</exception>
    public string AsString() => text ?? throw Not("text");

    /// <exception cref="InvalidOperationException">The value is no boolean.</exception>
    public bool AsBool() => Kind == ParameterValueKind.Boolean ? number != 0 : throw Not("true or false");

    /// <summary>Canonical JSON (RFC 8785): the same text for the same value, whatever it was written like.</summary>
    public string ToJson()
    {
        if (canonical is not null) return canonical;
        var builder = new StringBuilder();
        CanonicalJson.Append(builder, this);
        return canonical = builder.ToString();
    }

    /// <summary>As people write it: text without quotes, anything else as canonical JSON.</summary>
    public override string ToString() => text ?? ToJson();

    /// <summary>Converts a JSON element; fields of an object that are null are left out.</summary>
    /// <exception cref="FormatException">A null where a value must be, or a number that is not finite as a double.</exception>
    public static ParameterValue From(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => new(element.GetString()!),
        JsonValueKind.True => True,
        JsonValueKind.False => False,
        JsonValueKind.Number => element.TryGetDouble(out var number) && double.IsFinite(number)
            ? new(number)
            : throw new FormatException($"{element.GetRawText()} is not a finite number"),
        JsonValueKind.Array => new(element.EnumerateArray().Select(item => From(item)).ToArray()),
        JsonValueKind.Object => new(ParameterSet.From(element.EnumerateObject()
            .Where(field => field.Value.ValueKind != JsonValueKind.Null)
            .Select(field => KeyValuePair.Create(field.Name, From(field.Value))))),
        _ => throw new FormatException("null is not a value"),
    };

    public bool Equals(ParameterValue? other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is null || other.Kind != Kind) return false;
        return Kind switch
        {
            ParameterValueKind.Text => text == other.text,
            ParameterValueKind.List => items.SequenceEqual(other.items),
            ParameterValueKind.Object => fields!.Equals(other.fields),
            _ => number == other.number,
        };
    }

    public override bool Equals(object? obj) => Equals(obj as ParameterValue);

    public override int GetHashCode() => Kind switch
    {
        ParameterValueKind.Text => text!.GetHashCode(StringComparison.Ordinal),
        ParameterValueKind.List or ParameterValueKind.Object => ToJson().GetHashCode(StringComparison.Ordinal),
        _ => (number + 0.0).GetHashCode(),  // + 0.0: the two zeros are one value
    };

    public static bool operator ==(ParameterValue? left, ParameterValue? right) => Equals(left, right);
    public static bool operator !=(ParameterValue? left, ParameterValue? right) => !Equals(left, right);

    private InvalidOperationException Not(string wanted) => new($"{ToJson()} is not {wanted}");
}
