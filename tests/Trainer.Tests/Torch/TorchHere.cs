using Hem.Trainer.Torch;

namespace Trainer.Tests.Torch;

/// <summary>The shim that `make torch` lays into bin/, and what else a test of it needs: what is missing skips it.</summary>
internal static class TorchHere
{
    private static readonly string? Missing = Find();

    public static void Require(string device = "cpu")
    {
        Assert.SkipWhen(Missing is not null, Missing ?? "");
        try
        {
            if (device == "cuda")
                TorchBackend.RequireCuda();
        }
        catch (TorchUnavailableException e)
        {
            Assert.Skip(e.Message);
        }
    }

    private static string? Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Hem.sln")))
            folder = folder.Parent;
        var file = Path.Combine(folder?.FullName ?? "", "bin", HemTorchLibrary.FileName);
        if (Environment.GetEnvironmentVariable(HemTorchLibrary.PathVariable) is not { Length: > 0 })
            Environment.SetEnvironmentVariable(HemTorchLibrary.PathVariable, file);
        try
        {
            HemTorchLibrary.Get();
            return null;
        }
        catch (TorchUnavailableException e)
        {
            return e.Message;
        }
    }
}
