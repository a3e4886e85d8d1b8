using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Hem.TestCluster;
using YamlDotNet.Serialization;

namespace Hem.OperatorBench;

/// <summary>The operator as built, a process of its own, on a real API server with the Job controller and no nodes.</summary>
internal sealed class OperatorUnderTest : IAsyncDisposable
{
    private readonly Process _operator;
    private readonly string _folder;

    private OperatorUnderTest(ControlPlane plane, string space, string folder, string progressAddress, Process process) =>
        (Plane, Namespace, _folder, ProgressAddress, _operator) = (plane, space, folder, progressAddress, process);

    public ControlPlane Plane { get; }

    /// <summary>Of the operator and of sweeps.</summary>
    public string Namespace { get; }

    /// <summary>For trainers: https://...</summary>
    public string ProgressAddress { get; }

    public static async Task<OperatorUnderTest> StartAsync(ControlPlaneOptions? options = null)
    {
        var plane = await ControlPlane.StartAsync(options);
        await InstallDefinitionsAsync(plane);
        var space = await plane.CreateNamespaceAsync("bench");
        var folder = Directory.CreateTempSubdirectory("hem-bench-").FullName;
        int[] ports = [.. Enumerable.Range(0, 3).Select(_ => Machine.FreePort(IPAddress.Loopback))];
        var (progress, answers, health) = (ports[0], ports[1], ports[2]);
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.Combine(here.Parent!.Parent!.FullName, "Hem.Operator", here.Name, "hem-operator");
        var process = Process.Start(new ProcessStartInfo(program,
        [
            "run", "--namespace", space, "--store", Path.Combine(folder, "store"), "--kubeconfig", plane.Kubeconfig,
            "--progress-address", $"127.0.0.1:{progress}", "--progress-listen", $"127.0.0.1:{progress}",
            "--answers-listen", $"127.0.0.1:{answers}", "--health-listen", $"127.0.0.1:{health}",
        ])
        { RedirectStandardOutput = true })!;
        var log = new StreamWriter(Path.Combine(folder, "operator.log")) { AutoFlush = true };
        process.OutputDataReceived += (_, line) => log.WriteLine(line.Data);
        process.BeginOutputReadLine();
        return new OperatorUnderTest(plane, space, folder, $"https://127.0.0.1:{progress}", process);
    }

    /// <summary>The most memory that the process has had at once, bytes.</summary>
    public long PeakMemory => Status("VmHWM");

    public TimeSpan ProcessorTime
    {
        get
        {
            _operator.Refresh();
            return _operator.TotalProcessorTime;
        }
    }

    public Task CreateSweepAsync(string name, JsonObject spec) => Plane.Api.PostAsync(
        $"/apis/hem.dev/v1alpha1/namespaces/{Namespace}/hemsweeps", new JsonObject
        {
            ["apiVersion"] = "hem.dev/v1alpha1",
            ["kind"] = "HemSweep",
            ["metadata"] = new JsonObject { ["name"] = name },
            ["spec"] = spec,
        });

    public async ValueTask DisposeAsync()
    {
        _operator.Kill();
        await _operator.WaitForExitAsync();
        _operator.Dispose();
        await Plane.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    // Created, not applied: an old API server drops fields that it does not know from the one and refuses them in the other.
    private static async Task InstallDefinitionsAsync(ControlPlane plane)
    {
        var fromYaml = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build();
        var toJson = new SerializerBuilder().JsonCompatible().Build();
        foreach (var plural in new[] { "hemsweeps", "hemtrials" })
        {
            var yaml = await File.ReadAllTextAsync(Path.Combine(Repository, "crds", plural + ".yaml"));
            await plane.Api.PostAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                JsonNode.Parse(toJson.Serialize(fromYaml.Deserialize(yaml)!))!);
            await Wait.UntilAsync(
                async () => await plane.Api.GetAsync($"/apis/hem.dev/v1alpha1/{plural}") is not null, $"{plural} are served");
        }
    }

    private static string Repository { get; } = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../.."));

    private long Status(string name) =>
        1024 * long.Parse(File.ReadLines($"/proc/{_operator.Id}/status").First(line => line.StartsWith(name, StringComparison.Ordinal))
            .Split(':')[1].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
}
