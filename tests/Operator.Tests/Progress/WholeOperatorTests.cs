using System.Net;
using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Hem.Operator;
using Hem.Operator.Api;
using Hem.Operator.Hosting;
using Hem.Progress;
using Hem.Progress.Grpc;
using Hem.TestCluster;
using Microsoft.Extensions.Logging.Abstractions;
using Operator.Tests.Sweeps;
using Wait = Hem.TestCluster.Wait;

namespace Operator.Tests.Progress;

/// <summary>The operator as it runs, with the rights that it has; only what a node would do is done by the test.</summary>
public sealed class WholeOperatorTests(ControlPlaneFixture fixture)
{
    [Fact]
    public async Task A_sweep_is_complete_when_its_pods_have_reported_so_over_TLS_with_the_CA_of_their_namespace()
    {
        var plane = fixture.ControlPlane;
        await HemCluster.InstallDefinitionsAsync(plane);
        var (own, space) = (await plane.CreateNamespaceAsync("own"), await plane.CreateNamespaceAsync("sweeps"));
        var folder = Directory.CreateTempSubdirectory("hem-whole-");
        var loopback = new IPEndPoint(IPAddress.Loopback, 0);
        var options = new OperatorOptions
        {
            Namespace = own,
            WatchNamespace = space,
            Store = Path.Combine(folder.FullName, "store"),
            Kubeconfig = await HemCluster.OperatorKubeconfigAsync(plane, own),
            // The host is in the certificate; the port is the one that is listened on.
            ProgressAddress = "127.0.0.1:7443",
            CheckpointBytes = 3_000,
            ProgressListen = loopback,
            AnswersListen = loopback,
            HealthListen = loopback,
            TrialStatusInterval = TimeSpan.Zero,
        };
        using var client = new KubernetesClient(KubernetesClientConfiguration.FromKubeconfig(plane.Kubeconfig));
        using var stop = new CancellationTokenSource();
        await using (var host = new OperatorHost(options, NullLoggerFactory.Instance))
        {
            var running = host.RunAsync(stop.Token);
            await client.CreateAsync(HemResources.Sweeps, SweepBuilder.Make("s").Seeds(2).Build(space));
            foreach (var pod in await PodsAsync(2)) await TrainAsync(host, pod, finishes: true);
            await Wait.UntilAsync(
                async () => HemCluster.IsTrue(await SweepAsync(), "Complete"), "the sweep is complete", Timeouts.Normal);

            // One more seed: a pod that is killed, and the next one of the trial, which goes on from what the first one saved.
            await client.MergePatchAsync(
                HemResources.Sweeps, space, "s", new JsonObject { ["spec"] = SweepBuilder.Make("s").Seeds(3).Spec() });
            var first = (await PodsAsync(1)).Single();
            await TrainAsync(host, first, finishes: false);
            await Wait.UntilAsync(
                async () => (await TrialAsync(first))?.Status?.Progress == "1/4", "it says how far it is, before the half",
                Timeouts.Normal);
            await Wait.UntilAsync(async () => await KeptAsync() == "False", "the sweep says that a checkpoint found no room");
            await client.DeleteAsync(Resources.Pods, space, first.Metadata.Name!, new DeleteOptions { GracePeriodSeconds = 0 });
            // (Whatever the Job controller puts in its place is of the same attempt, and goes with its Job.)
            var second = (await PodsAsync(1, attempt: "2")).Single();
            await TrainAsync(host, second, finishes: true, resumes: true);
            await Wait.UntilAsync(
                async () => (int?)(await SweepAsync())!["status"]?["done"] == 3, "all three are done", Timeouts.Normal);
            (await KeptAsync()).ShouldBe("True");
            await stop.CancelAsync();
            await running;
        }

        folder.Delete(recursive: true);

        Task<HemTrialResource?> TrialAsync(V1Pod pod) => client.GetAsync(HemResources.Trials, space, pod.Label("hem.dev/trial")!);

        Task<JsonNode?> SweepAsync() => plane.Api.GetAsync($"/apis/{HemResources.ApiVersion}/namespaces/{space}/hemsweeps/s");

        async Task<string?> KeptAsync() => (string?)(await SweepAsync())!["status"]?["conditions"]!.AsArray()
            .FirstOrDefault(condition => (string?)condition!["type"] == "CheckpointsKept")?["status"];

        async Task<IReadOnlyList<V1Pod>> PodsAsync(int count, string attempt = "1") => await Wait.ForAsync(async () =>
        {
            var pods = (await client.ListAsync(Resources.Pods, space)).Items
                .Where(pod => pod.Status?.Phase is null or "Pending" && pod.Label("hem.dev/attempt") == attempt).ToList();
            return pods.Count == count ? pods : null;
        }, $"{count} pods wait", Timeouts.Normal);

        async Task TrainAsync(OperatorHost host, V1Pod pod, bool finishes, bool resumes = false)
        {
            await using var trainer = ProgressClient.Start(await TrainerAsync(host, pod));
            (await trainer.Granted.WaitAsync(Timeouts.Normal)).ShouldBeTrue();
            (await trainer.GetCheckpointAsync(Stream.Null)).ShouldBe(resumes ? 1 : null);
            trainer.Report(TrialsBench.Point(0));
            trainer.Report(TrialsBench.Point(1));
            await trainer.PutCheckpointAsync(1, new MemoryStream(new byte[1000]));
            if (finishes) trainer.Report(new Finished { Iteration = 4 });
            else
                (await Should.ThrowAsync<RpcException>(trainer.PutCheckpointAsync(2, new MemoryStream(new byte[2500]))))
                    .StatusCode.ShouldBe(StatusCode.ResourceExhausted);
            await trainer.FlushAsync().WaitAsync(Timeouts.Normal);
            if (finishes)
                await plane.Api.MergePatchAsync($"/api/v1/namespaces/{space}/pods/{pod.Metadata.Name}/status",
                    new JsonObject { ["status"] = new JsonObject { ["phase"] = "Succeeded" } });
        }

        async Task<ProgressClientOptions> TrainerAsync(OperatorHost host, V1Pod pod)
        {
            var token = await client.CreateTokenAsync(space, "default", new V1TokenRequestSpec
            {
                Audiences = ["hem-progress"],
                BoundObjectRef = new() { ApiVersion = "v1", Kind = "Pod", Name = pod.Metadata.Name, Uid = pod.Metadata.Uid },
            });
            var (tokenFile, caFile) = (Path.Combine(folder.FullName, pod.Metadata.Name!), Path.Combine(folder.FullName, "ca.crt"));
            await File.WriteAllTextAsync(tokenFile, token.Token);
            await File.WriteAllTextAsync(caFile,
                (await client.GetAsync(Resources.ConfigMaps, space, "hem-progress-ca"))!.Data!["ca.crt"]);
            return new ProgressClientOptions
            {
                Address = host.ProgressAddress!,
                Trial = pod.Label("hem.dev/trial")!,
                Attempt = pod.Metadata.Uid!,
                TokenFile = tokenFile,
                CaFile = caFile,
                Log = line => TestContext.Current.TestOutputHelper?.WriteLine(line),
            };
        }
    }
}
