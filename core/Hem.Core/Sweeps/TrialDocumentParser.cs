using System.Text.Json;

namespace Hem.Core.Sweeps;

/// <summary>Reads HEM_TRIAL without reflection, so that a trainer starts fast.</summary>
internal static class TrialDocumentParser
{
    private static readonly JsonDocumentOptions strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    public static TrialParseResult Parse(string json)
    {
        var faults = new List<Fault>();
        try
        {
            using var document = JsonDocument.Parse(json, strict);
            var trial = Read(document.RootElement, faults);
            return new(faults.Count == 0 ? trial : null, faults);
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            // ArgumentException and InvalidOperationException: text that is no UTF-16 (lone surrogates).
            return new(null, [new Fault("", null, $"HEM_TRIAL is not valid JSON: {e.Message}")]);
        }
    }

    private static TrialDocument? Read(JsonElement root, List<Fault> faults)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            faults.Add(new Fault("", Shorten(root), "HEM_TRIAL must be a JSON object"));
            return null;
        }

        var apiVersion = Text(root, "apiVersion", faults);
        if (apiVersion is not null && apiVersion != HemSweep.CurrentApiVersion)
            faults.Add(new Fault("apiVersion", apiVersion, $"this trainer reads {HemSweep.CurrentApiVersion}"));
        var sweep = Text(root, "sweep", faults);
        var name = Text(root, "name", faults);
        var seed = Number(root, "seed", "seed", null, 0, int.MaxValue, whole: true, faults);
        var configuration = root.TryGetProperty("configuration", out _) ? Text(root, "configuration", faults) : null;
        var parameters = Parameters(root, faults);
        var trainer = Trainer(root, faults);
        return faults.Count > 0 ? null : new(apiVersion!, sweep!, name!, (int)seed, parameters, trainer) { Configuration = configuration };
    }

    /// <summary>All faults of the parameters by themselves; if there are none, those of the parameters together.</summary>
    private static ParameterSet Parameters(JsonElement root, List<Fault> faults)
    {
        if (!root.TryGetProperty("parameters", out var element) || element.ValueKind != JsonValueKind.Object)
        {
            faults.Add(new Fault("parameters", null, "must be an object with the trial's parameters"));
            return ParameterSet.Empty;
        }

        var values = new List<KeyValuePair<string, ParameterValue>>();
        foreach (var field in element.EnumerateObject())
        {
            try
            {
                values.Add(KeyValuePair.Create(field.Name, ParameterValue.From(field.Value)));
            }
            catch (FormatException e)
            {
                faults.Add(new Fault($"parameters.{field.Name}", Shorten(field.Value), e.Message));
            }
        }

        var parameters = ParameterSet.From(values);
        var wrong = ParameterTable.Check(parameters);
        faults.AddRange(wrong.Select(fault => fault with { Path = $"parameters.{fault.Path}" }));
        return wrong.Count > 0 || faults.Count > 0 ? parameters : ParameterTable.Resolve(parameters);
    }

    private static TrainerSettings Trainer(JsonElement root, List<Fault> faults)
    {
        var settings = new TrainerSettings();
        if (!root.TryGetProperty("trainer", out var element)) return settings;
        if (element.ValueKind != JsonValueKind.Object)
        {
            faults.Add(new Fault("trainer", Shorten(element), "must be an object"));
            return settings;
        }
        return new(
            (int)Number(element, "threads", "trainer.threads", settings.Threads, 1, 1024, whole: true, faults),
            Choice(element, "device", settings.Device, ["cpu", "cuda"], faults),
            Choice(element, "kernels", settings.Kernels, ["auto", "512", "256", "128"], faults),
            Number(element, "checkpointSeconds", "trainer.checkpointSeconds", settings.CheckpointSeconds, 0.001, 1e9, false, faults));
    }

    private static string? Text(JsonElement element, string name, List<Fault> faults)
    {
        if (element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            && value.GetString() is { Length: > 0 } text)
        {
            return text;
        }
        faults.Add(new Fault(name, value.ValueKind == JsonValueKind.Undefined ? null : Shorten(value), "must be a text that is not empty"));
        return null;
    }

    private static double Number(
        JsonElement element, string name, string path, double? otherwise, double min, double max, bool whole, List<Fault> faults)
    {
        if (!element.TryGetProperty(name, out var value) && otherwise is { } absent) return absent;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= min && number <= max
            && (!whole || Math.Floor(number) == number))
        {
            return number;
        }
        faults.Add(new Fault(path, value.ValueKind == JsonValueKind.Undefined ? null : Shorten(value),
            $"must be a {(whole ? "whole " : "")}number from {ParameterValue.From(min)} to {ParameterValue.From(max)}"));
        return min;
    }

    private static string Choice(JsonElement element, string name, string otherwise, string[] allowed, List<Fault> faults)
    {
        if (!element.TryGetProperty(name, out var value)) return otherwise;
        if (value.ValueKind == JsonValueKind.String && allowed.Contains(value.GetString())) return value.GetString()!;
        faults.Add(new Fault($"trainer.{name}", Shorten(value), $"must be one of {string.Join(", ", allowed)}"));
        return otherwise;
    }

    private static string Shorten(JsonElement element)
    {
        var text = element.GetRawText();
        return text.Length <= 60 ? text : text[..57] + "...";
    }
}
