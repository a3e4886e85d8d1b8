namespace Results.Tests;

internal static class Program
{
    /// <summary>Runs the tests, or is the child process that one of them kills.</summary>
    private static async Task<int> Main(string[] args)
    {
        if (Environment.GetEnvironmentVariable(KillTests.Mode) is not { } place)
            return await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(
                args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);
        await KillTests.RunAsChildAsync(place);
        return 1;
    }
}
