using System.CommandLine;
using System.Text.Json.Nodes;
using Hem.Cli.Engine;
using Hem.Cli.Terminal;
using Hem.Core.Sweeps;

namespace Hem.Cli.Commands;

/// <summary>`hem validate`: every fault of a file at once.</summary>
internal static class ValidateCommand
{
    public const string Closing = """
        Each fault is one line, as compilers write them: FILE:LINE: FIELD: what is wrong and
        what is allowed (the nearest name, for a typo). Exit codes: 0 a good file; 64 faults.

        Examples:
          hem validate sweep.yaml
          hem validate sweep.yaml --json | jq -r '.faults[].path'
          kubectl get hemsweep flipbit-n -o yaml | hem validate -

        """;

    public static Command Build()
    {
        Argument<string> file = CommonOptions.File();
        Option<bool> json = CommonOptions.Json("The faults as JSON");
        var command = new Command("validate", "Check a sweep file and name every fault") { file, json };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(file), parsed.GetValue(json)));
        return command;
    }

    private static int Run(string path, bool json)
    {
        SweepFile file = SweepFile.Read(path);
        file.WarnOfTrainer();
        if (json) Console.WriteLine(Json(file).ToJsonString(JsonText.Indented));
        else if (file.Faults.Count > 0) Console.Error.Write(file.FaultText());
        else
        {
            int configurations = file.Expansion!.Configurations.Count;
            Console.WriteLine($"{file.Name}: {Format.Count(file.Expansion.Trials.Count, "trial")} "
                + $"({Format.Count(configurations, "configuration")} x {Format.Count(file.Sweep!.Spec.Seeds.Total, "seed")})");
        }

        return file.Faults.Count == 0 ? ExitCodes.Complete : ExitCodes.BadInput;
    }

    private static JsonObject Json(SweepFile file) => new()
    {
        ["file"] = file.Name,
        ["valid"] = file.Faults.Count == 0,
        ["configurations"] = file.Expansion?.Configurations.Count,
        ["trials"] = file.Expansion?.Trials.Count,
        ["faults"] = new JsonArray([.. file.Faults.Select(JsonNode (fault) => new JsonObject
        {
            ["line"] = fault.Line,
            ["path"] = fault.Path,
            ["value"] = fault.Value,
            ["message"] = fault.Message,
            ["suggestion"] = fault.Suggestion,
        })]),
    };
}
