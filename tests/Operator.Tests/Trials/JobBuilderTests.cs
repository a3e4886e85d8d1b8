using System.Text.Json.Nodes;
using Hem.Core.Sweeps;
using Hem.Kubernetes;
using Hem.Operator;
using Hem.Operator.Trials;
using Operator.Tests.Sweeps;

namespace Operator.Tests.Trials;

public sealed class JobBuilderTests
{
    private static readonly OperatorOptions options = new()
    {
        ProgressAddress = "hem-progress.hem-system.svc:7443",
        TrainerImage = "trainer:1",
        TrainerGpuImage = "trainer-gpu:1",
    };

    [Fact]
    public void A_job_is_one_pod_that_is_never_tried_again_by_anybody_but_us()
    {
        V1Job job = Build(SweepBuilder.Make());
        job.Spec!.BackoffLimit.ShouldBe(0);
        job.Spec.Parallelism.ShouldBe(1);
        job.Spec.Completions.ShouldBe(1);
        job.Spec.PodReplacementPolicy.ShouldBe("Failed");
        job.Spec.TtlSecondsAfterFinished.ShouldBeNull();
        job.Spec.Suspend.ShouldBeNull();
        job.Spec.Template!.Spec!.RestartPolicy.ShouldBe("Never");
        job.Metadata.OwnerReferences!.Single().Kind.ShouldBe("HemTrial");
        job.Metadata.Name.ShouldEndWith("-2");
        job.Metadata.Labels!["hem.dev/attempt"].ShouldBe("2");
        job.Spec.Template.Metadata!.Labels!["hem.dev/sweep-uid"].ShouldBe("uid-1");
    }

    [Fact]
    public void A_pod_may_do_nothing_but_train()
    {
        V1PodSpec pod = Build(SweepBuilder.Make()).Spec!.Template!.Spec!;
        pod.AutomountServiceAccountToken.ShouldBe(false);
        pod.SecurityContext!.RunAsNonRoot.ShouldBe(true);
        pod.SecurityContext.SeccompProfile!.Type.ShouldBe("RuntimeDefault");
        V1SecurityContext container = pod.Containers!.Single().SecurityContext!;
        container.ReadOnlyRootFilesystem.ShouldBe(true);
        container.AllowPrivilegeEscalation.ShouldBe(false);
        container.Capabilities!.Drop.ShouldBe(["ALL"]);
        container.Capabilities.Add.ShouldBeNull();
        pod.Volumes!.ShouldContain(volume => volume.EmptyDir != null);
        pod.Containers!.Single().VolumeMounts!.ShouldContain(mount => mount.MountPath == "/tmp");
    }

    [Fact]
    public void A_trainer_is_given_the_contract()
    {
        V1PodSpec pod = Build(SweepBuilder.Make()).Spec!.Template!.Spec!;
        Dictionary<string, V1EnvVar> variables = pod.Containers!.Single().Env!.ToDictionary(variable => variable.Name);
        TrialDocument document = TrialDocument.Parse(variables["HEM_TRIAL"].Value!).Document!;
        document.Sweep.ShouldBe("s");
        document.Parameters["task"].AsString().ShouldBe("flipbit-25");
        variables["HEM_ATTEMPT"].ValueFrom!.FieldRef!.FieldPath.ShouldBe("metadata.uid");
        variables["HEM_PROGRESS_ADDRESS"].Value.ShouldBe("https://hem-progress.hem-system.svc:7443");
        variables.ShouldNotContainKey("HEM_CHECKPOINT_DIR");

        // Token and certificate are files of one projected volume, mounted whole: with a subPath they would never change.
        V1VolumeMount mount = pod.Containers!.Single().VolumeMounts!.Single(one => one.ReadOnly == true);
        mount.SubPath.ShouldBeNull();
        variables["HEM_PROGRESS_TOKEN_FILE"].Value.ShouldBe(mount.MountPath + "/token");
        variables["HEM_LOG_FORMAT"].Value.ShouldBe("json");
        variables["HEM_PROGRESS_CA_FILE"].Value.ShouldBe(mount.MountPath + "/ca.crt");
        List<V1VolumeProjection> sources = pod.Volumes!.Single(volume => volume.Name == mount.Name).Projected!.Sources!;
        sources.Select(source => source.ServiceAccountToken?.Audience).ShouldContain("hem-progress");
        sources.Select(source => source.ConfigMap?.Name).ShouldContain("hem-progress-ca");
    }

    [Theory]
    [InlineData(9464)]
    [InlineData(0)]
    public void A_trainer_is_told_where_to_serve_its_metrics_if_anywhere(int port)
    {
        V1Container trainer = Build(SweepBuilder.Make(), options with { TrainerMetricsPort = port })
            .Spec!.Template!.Spec!.Containers!.Single();
        string? told = trainer.Env!.SingleOrDefault(variable => variable.Name == "HEM_METRICS_PORT")?.Value;
        if (port == 0)
        {
            (trainer.Ports, told).ShouldBe((null, null));
            return;
        }

        told.ShouldBe("9464");
        V1ContainerPort declared = trainer.Ports!.Single();
        (declared.Name, declared.ContainerPort).ShouldBe(("metrics", 9464));
    }

    [Theory]
    [InlineData("mine:1", null, false)]
    [InlineData("mine:1", true, true)]
    [InlineData("mine:1", false, false)]
    [InlineData(null, null, true)]
    [InlineData(null, true, true)]
    [InlineData(null, false, false)]
    public void Only_pods_that_serve_metrics_have_a_port_for_them(string? image, bool? metrics, bool serves)
    {
        SweepBuilder sweep = SweepBuilder.Make();
        if (image is not null) sweep.Trainer("image", image);
        if (metrics is not null) sweep.Trainer("metrics", metrics.Value);
        V1Container trainer = Container(sweep);
        (trainer.Ports is not null).ShouldBe(serves);
        trainer.Env!.Exists(variable => variable.Name == "HEM_METRICS_PORT").ShouldBe(serves);
    }

    [Fact]
    public void A_claim_keeps_checkpoints_by_the_sweeps_uid()
    {
        V1PodSpec pod = Build(SweepBuilder.Make().Trainer("checkpoints", new JsonObject { ["claimName"] = "mine" })).Spec!.Template!.Spec!;
        pod.Volumes!.ShouldContain(volume => volume.PersistentVolumeClaim != null && volume.PersistentVolumeClaim.ClaimName == "mine");
        string folder = pod.Containers!.Single().Env!.Single(variable => variable.Name == "HEM_CHECKPOINT_DIR").Value!;
        folder.ShouldContain("uid-1/s-");
        pod.Containers!.Single().VolumeMounts!.ShouldContain(mount => folder.StartsWith(mount.MountPath + "/", StringComparison.Ordinal));
    }

    [Fact]
    public void Gpus_mean_a_limit_an_image_and_the_device()
    {
        V1Container none = Container(SweepBuilder.Make());
        none.Image.ShouldBe("trainer:1");
        none.Resources!.Limits.ShouldBeNull();
        (none.Resources.Requests!["cpu"], none.Resources.Requests["memory"]).ShouldBe(("500m", "256Mi"));

        V1Container two = Container(SweepBuilder.Make().Gpus(2));
        two.Image.ShouldBe("trainer-gpu:1");
        two.Resources!.Limits!["nvidia.com/gpu"].ShouldBe("2");
        two.Env!.Single(variable => variable.Name == "HEM_TRIAL").Value!.ShouldContain("\"device\":\"cuda\"");
    }

    [Fact]
    public void Overrides_hold_for_the_trials_that_match()
    {
        SweepBuilder sweep = SweepBuilder.Make().Axis("N", 5, 10).Trainer("overrides", new JsonArray(new JsonObject
        {
            ["match"] = new JsonObject { ["N"] = 10 },
            ["gpus"] = 1,
            ["nodeSelector"] = new JsonObject { ["kind"] = "big" },
        }));
        Container(sweep, trial => trial.Parameters["N"].AsInt() == 5).Resources!.Limits.ShouldBeNull();
        V1Job big = Build(sweep, trial => trial.Parameters["N"].AsInt() == 10);
        big.Spec!.Template!.Spec!.Containers!.Single().Resources!.Limits!["nvidia.com/gpu"].ShouldBe("1");
        big.Spec.Template.Spec.NodeSelector!["kind"].ShouldBe("big");
    }

    [Fact]
    public void What_the_sweep_says_of_pods_is_in_the_pod()
    {
        V1Job job = Build(SweepBuilder.Make()
            .Trainer("image", "mine:2")
            .Trainer("resources", new JsonObject { ["requests"] = new JsonObject { ["cpu"] = 2, ["memory"] = "1Gi" } })
            .Trainer("tolerations", new JsonArray(new JsonObject { ["key"] = "gpu", ["operator"] = "Exists" }))
            .Trainer("priorityClassName", "low").Trainer("runtimeClassName", "gvisor").Trainer("queueName", "team")
            .Trainer("volumes", new JsonArray(new JsonObject { ["name"] = "data", ["configMap"] = new JsonObject { ["name"] = "d" } }))
            .Trainer("volumeMounts", new JsonArray(new JsonObject { ["name"] = "data", ["mountPath"] = "/data" })));
        V1PodSpec pod = job.Spec!.Template!.Spec!;
        V1Container container = pod.Containers!.Single();
        container.Image.ShouldBe("mine:2");
        container.Resources!.Requests!["cpu"].ShouldBe("2");
        container.Resources.Requests["memory"].ShouldBe("1Gi");
        container.VolumeMounts!.ShouldContain(mount => mount.MountPath == "/data");
        pod.Volumes!.ShouldContain(volume => volume.Name == "data");
        pod.Tolerations!.Single().Key.ShouldBe("gpu");
        pod.PriorityClassName.ShouldBe("low");
        pod.RuntimeClassName.ShouldBe("gvisor");
        job.Metadata.Labels!["kueue.x-k8s.io/queue-name"].ShouldBe("team");
    }

    [Fact]
    public void A_pod_has_the_account_secrets_labels_variables_and_affinity_that_the_sweep_gives_it()
    {
        V1Job job = Build(SweepBuilder.Make()
            .Trainer("serviceAccountName", "data-reader").Trainer("imagePullPolicy", "Always")
            .Trainer("imagePullSecrets", new JsonArray(new JsonObject { ["name"] = "registry" }))
            .Trainer("labels", new JsonObject { ["team"] = "rl", ["sidecar.istio.io/inject"] = "false" })
            .Trainer("annotations", new JsonObject { ["cluster-autoscaler.kubernetes.io/safe-to-evict"] = "false" })
            .Trainer("env", new JsonArray(new JsonObject { ["name"] = "MUJOCO_GL", ["value"] = "egl" }))
            .Trainer("envFrom", new JsonArray(new JsonObject { ["secretRef"] = new JsonObject { ["name"] = "keys" } }))
            .Trainer("affinity", new JsonObject
            {
                ["podAntiAffinity"] = new JsonObject
                {
                    ["preferredDuringSchedulingIgnoredDuringExecution"] = new JsonArray(new JsonObject
                    {
                        ["weight"] = 5,
                        ["podAffinityTerm"] = new JsonObject { ["topologyKey"] = "kubernetes.io/hostname" },
                    }),
                },
            }));
        V1PodTemplateSpec template = job.Spec!.Template!;
        V1PodSpec pod = template.Spec!;
        V1Container container = pod.Containers!.Single();
        (pod.ServiceAccountName, pod.AutomountServiceAccountToken, container.ImagePullPolicy).ShouldBe(("data-reader", false, "Always"));
        pod.ImagePullSecrets!.Single().Name.ShouldBe("registry");
        foreach (Dictionary<string, string> labels in new[] { job.Metadata.Labels!, template.Metadata!.Labels! })
            (labels["team"], labels["sidecar.istio.io/inject"], labels["hem.dev/sweep"]).ShouldBe(("rl", "false", "s"));
        template.Metadata.Annotations!.ShouldHaveSingleItem().Value.ShouldBe("false");
        container.Env!.Single(variable => variable.Name == "MUJOCO_GL").Value.ShouldBe("egl");
        container.EnvFrom!.Single().SecretRef!.Name.ShouldBe("keys");
        V1WeightedPodAffinityTerm wish = pod.Affinity!.PodAntiAffinity!.PreferredDuringSchedulingIgnoredDuringExecution!.Single();
        (wish.Weight, wish.PodAffinityTerm.TopologyKey).ShouldBe((5, "kubernetes.io/hostname"));
    }

    [Fact]
    public void What_a_sweep_does_not_say_of_its_pods_the_administrator_says()
    {
        OperatorOptions given = options with { TrainerDefaults = Defaults("""
            {"serviceAccountName": "hem-trainer", "imagePullSecrets": [{"name": "registry"}], "labels": {"team": "all", "site": "a"},
             "resources": {"requests": {"cpu": 1, "memory": "1Gi", "ephemeral-storage": "1Gi"}}, "tolerations": [{"operator": "Exists"}]}
            """) };
        V1PodTemplateSpec plain = Build(SweepBuilder.Make(), given).Spec!.Template!;
        (plain.Spec!.ServiceAccountName, plain.Spec.ImagePullSecrets!.Single().Name).ShouldBe(("hem-trainer", "registry"));
        plain.Spec.Containers!.Single().Resources!.Requests!["memory"].ShouldBe("1Gi");
        plain.Metadata!.Labels!["team"].ShouldBe("all");

        V1PodTemplateSpec own = Build(SweepBuilder.Make()
            .Trainer("serviceAccountName", "mine").Trainer("labels", new JsonObject { ["team"] = "rl" }).Trainer("threads", 3)
            .Trainer("resources", new JsonObject { ["limits"] = new JsonObject { ["memory"] = "4Gi" } }), given).Spec!.Template!;
        own.Spec!.ServiceAccountName.ShouldBe("mine");
        (own.Metadata!.Labels!["team"], own.Metadata.Labels["site"]).ShouldBe(("rl", "a"));
        V1ResourceRequirements resources = own.Spec.Containers!.Single().Resources!;
        resources.Limits!.ShouldHaveSingleItem().Value.ShouldBe("4Gi");
        // A limit without a request is Kubernetes' request; a processor for each thread.
        resources.Requests!.OrderBy(request => request.Key).Select(request => $"{request.Key} {request.Value}")
            .ShouldBe(["cpu 3", "ephemeral-storage 1Gi"]);
        own.Spec.Tolerations!.Single().Operator.ShouldBe("Exists");
    }

    [Theory]
    [InlineData("""{"image": "x"}""", "image: there is no such field")]
    [InlineData("""{"labels": {"hem.dev/trial": "x"}}""", "labels.hem.dev/trial")]
    [InlineData("""{"resources": {"requests": {"memory": "lots"}}}""", "resources.requests.memory")]
    [InlineData("[]", "must be an object")]
    [InlineData("{", "JSON")]
    public void Defaults_that_are_wrong_are_refused_with_their_place(string json, string said)
    {
        (PodSettings? settings, IReadOnlyList<Fault> faults) = TrainerDefaults.Read(json);
        settings.ShouldBeNull();
        faults.ShouldHaveSingleItem().ToString().ShouldContain(said);
    }

    private static PodSettings Defaults(string json) => TrainerDefaults.Read(json).Settings.ShouldNotBeNull();

    private static V1Container Container(SweepBuilder sweep, Func<TrialSpec, bool>? which = null) =>
        Build(sweep, which).Spec!.Template!.Spec!.Containers!.Single();

    private static V1Job Build(SweepBuilder builder, Func<TrialSpec, bool>? which = null) => Build(builder, options, which);

    private static V1Job Build(SweepBuilder builder, OperatorOptions options, Func<TrialSpec, bool>? which = null)
    {
        (HemSweep? sweep, SweepExpansion? expansion, IReadOnlyList<Fault> faults) = builder.Build().Read();
        faults.ShouldBeEmpty();
        var owner = new V1OwnerReference { ApiVersion = "hem.dev/v1alpha1", Kind = "HemTrial", Name = "t", Uid = "u" };
        return JobBuilder.Build(new AttemptJob("ns", "uid-1", sweep!, expansion!.Trials.First(which ?? (_ => true)), 2, owner), options);
    }
}
