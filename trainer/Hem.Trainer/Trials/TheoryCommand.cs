using System.Globalization;
using Hem.Trainer.Theory;

namespace Hem.Trainer.Trials;

/// <summary>`hem-trainer theory [SAMPLES [SEED]]`: prints the checklist; exit code 1 where a claim does not hold.</summary>
internal static class TheoryCommand
{
    private const long DefaultSamples = 1_000_000, DefaultSeed = 1;

    public static int Run(string[] arguments, TextWriter output, TextWriter error)
    {
        long samples = DefaultSamples, seed = DefaultSeed;
        if (arguments.Length > 2
            || (arguments.Length > 0 && !TryParse(arguments[0], out samples))
            || (arguments.Length > 1 && !TryParse(arguments[1], out seed))
            || samples < 1)
        {
            error.WriteLine(
                "hem-trainer theory [SAMPLES [SEED]] takes whole numbers, SAMPLES at least 1 "
                + $"(default {DefaultSamples} and {DefaultSeed}); it got: {string.Join(' ', arguments)}");
            return ExitCode.BadConfiguration;
        }

        return new Checklist(samples, seed).Write(output) ? ExitCode.Finished : ExitCode.Failed;
    }

    private static bool TryParse(string text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
