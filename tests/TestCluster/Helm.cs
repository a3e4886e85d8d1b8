namespace Hem.TestCluster;

/// <summary>helm itself, which make/need-helm finds or fetches.</summary>
public static class Helm
{
    /// <returns>The program of that major version, 3 or 4.</returns>
    /// <exception cref="CannotException">This machine cannot have it; the reason.</exception>
    public static async Task<string> ProgramAsync(int major) =>
        (await Machine.RunAsync(Path.Combine(Machine.Repository, "make", "need-helm"), $"{major}")).Trim();
}
