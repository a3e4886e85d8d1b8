using Hem.Progress;

namespace Hem.Tests;

/// <summary>Where the trainers in Python lie, with the descriptor of progress.proto beside them.</summary>
internal static class PythonTrainer
{
    public const string Python = "/usr/bin/python3";

    public const string Needs = "needs Debian's python3-grpcio and python3-protobuf";

    public static bool CanRun => File.Exists(Python) && Directory.Exists("/usr/lib/python3/dist-packages/grpc");

    private static readonly Lazy<string> Prepared = new(Prepare);

    /// <summary>The whole trainer, ready to run by <see cref="Python"/>.</summary>
    public static string Program => Path.Combine(Prepared.Value, "trainer.py");

    /// <summary>The least that keeps the contract.</summary>
    public static string Minimal => Path.Combine(Prepared.Value, "minimal.py");

    private static string Prepare()
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "PythonTrainer");
        string descriptor = Path.Combine(folder, "progress.desc"), fresh = $"{descriptor}.{Environment.ProcessId}";
        File.WriteAllBytes(fresh, ProgressReflection.Descriptor.SerializedData.ToByteArray());
        File.Move(fresh, descriptor, overwrite: true);
        return folder;
    }
}
