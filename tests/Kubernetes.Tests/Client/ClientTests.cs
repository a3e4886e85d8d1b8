using System.Net;
using System.Text.Json.Nodes;
using Hem.Kubernetes.Tests.Support;
using Hem.TestCluster;

namespace Hem.Kubernetes.Tests.Client;

public class ClientTests(ControlPlaneFixture fixture) : ApiServerTest(fixture)
{
    [Fact]
    public async Task An_object_is_made_read_replaced_and_deleted()
    {
        var made = await CreateConfigMapAsync("a", "1", ("app", "hem"));
        made.Metadata.Uid.ShouldNotBeNullOrEmpty();
        made.Metadata.CreationTimestamp.ShouldNotBeNull();
        made.ApiVersion.ShouldBe("v1");
        made.Kind.ShouldBe("ConfigMap");

        var read = await Client.GetAsync(Resources.ConfigMaps, Namespace, "a", Cancel);
        read!.Data!["value"].ShouldBe("1");
        read.Metadata.Labels!["app"].ShouldBe("hem");

        await Client.ReplaceAsync(Resources.ConfigMaps, read with { Data = new() { ["value"] = "2" } }, cancel: Cancel);
        (await Client.GetAsync(Resources.ConfigMaps, Namespace, "a", Cancel))!.Data!["value"].ShouldBe("2");

        (await Client.DeleteAsync(Resources.ConfigMaps, Namespace, "a", cancel: Cancel)).ShouldBeTrue();
        (await Client.GetAsync(Resources.ConfigMaps, Namespace, "a", Cancel)).ShouldBeNull();
        (await Client.DeleteAsync(Resources.ConfigMaps, Namespace, "a", cancel: Cancel)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_name_that_is_taken_is_told_from_a_conflict()
    {
        var first = await CreateConfigMapAsync("a");
        var taken = await Should.ThrowAsync<KubernetesException>(() => CreateConfigMapAsync("a"));
        taken.IsAlreadyExists.ShouldBeTrue();
        taken.IsConflict.ShouldBeFalse();
        taken.Message.ShouldContain("POST /api/v1/namespaces/" + Namespace + "/configmaps: 409 AlreadyExists");

        await SetValueAsync("a", "2");
        var stale = await Should.ThrowAsync<KubernetesException>(() => Client.ReplaceAsync(Resources.ConfigMaps, first, cancel: Cancel));
        stale.IsConflict.ShouldBeTrue();
        stale.IsAlreadyExists.ShouldBeFalse();
    }

    [Fact]
    public async Task A_merge_patch_with_a_resourceVersion_changes_only_what_was_seen()
    {
        var seen = await CreateConfigMapAsync("a");
        JsonObject Patch(string value) => new()
        {
            ["metadata"] = new JsonObject { ["resourceVersion"] = seen.Metadata.ResourceVersion },
            ["data"] = new JsonObject { ["value"] = value },
        };
        await Client.MergePatchAsync(Resources.ConfigMaps, Namespace, "a", Patch("2"), cancel: Cancel);
        (await Should.ThrowAsync<KubernetesException>(() => Client.MergePatchAsync(Resources.ConfigMaps, Namespace, "a", Patch("3"),
            cancel: Cancel)))
            .IsConflict.ShouldBeTrue();
        (await Client.GetAsync(Resources.ConfigMaps, Namespace, "a", Cancel))!.Data!["value"].ShouldBe("2");
    }

    [Fact]
    public async Task A_delete_with_a_uid_leaves_another_object_of_the_name_alone()
    {
        var first = await CreateConfigMapAsync("a");
        await Client.DeleteAsync(Resources.ConfigMaps, Namespace, "a", cancel: Cancel);
        var second = await CreateConfigMapAsync("a");
        var refused = await Should.ThrowAsync<KubernetesException>(
            () => Client.DeleteAsync(Resources.ConfigMaps, Namespace, "a", new() { Uid = first.Metadata.Uid }, Cancel));
        refused.IsConflict.ShouldBeTrue();
        (await Client.DeleteAsync(Resources.ConfigMaps, Namespace, "a", new() { Uid = second.Metadata.Uid }, Cancel)).ShouldBeTrue();
    }

    [Fact]
    public async Task Apply_owns_its_fields_and_takes_others_by_force_alone()
    {
        await Client.ApplyAsync(Resources.ConfigMaps, NewConfigMap("a", "ours"), "first", cancel: Cancel);
        var conflict = await Should.ThrowAsync<KubernetesException>(
            () => Client.ApplyAsync(Resources.ConfigMaps, NewConfigMap("a", "theirs"), "second", cancel: Cancel));
        conflict.IsConflict.ShouldBeTrue();
        var forced = await Client.ApplyAsync(Resources.ConfigMaps, NewConfigMap("a", "theirs"), "second", force: true, cancel: Cancel);
        forced.Data!["value"].ShouldBe("theirs");

        // What a manager applied once and applies no more goes.
        var fields = new JsonObject { ["data"] = new JsonObject { ["other"] = "x" } };
        await Client.ApplyAsync(Resources.ConfigMaps, Namespace, "a", fields, "second", force: true, cancel: Cancel);
        fields.ToJsonString().ShouldBe("""{"data":{"other":"x"}}""", "the caller's object is left as it was");
        (await Client.GetAsync(Resources.ConfigMaps, Namespace, "a", Cancel))!.Data!.Keys.ShouldBe(["other"]);
    }

    [Fact]
    public async Task The_status_is_written_apart_from_the_spec()
    {
        var pod = await Client.CreateAsync(Resources.Pods, new V1Pod
        {
            Metadata = new() { Name = "p", Namespace = Namespace },
            Spec = new()
            {
                RestartPolicy = "Never",
                AutomountServiceAccountToken = false,
                Containers = [new() { Name = "main", Image = "none" }],
                Volumes =
                [
                    new()
                    {
                        Name = "token",
                        Projected = new() { Sources = [new() { ServiceAccountToken = new() { Path = "t", Audience = "a" } }] },
                    },
                ],
            },
        }, cancel: Cancel);
        pod.Spec!.Volumes![0].Projected!.Sources![0].ServiceAccountToken!.Audience.ShouldBe("a");
        var finished = new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);
        await Client.MergePatchAsync(Resources.Pods, Namespace, "p", JsonNode.Parse("""
            {"status":{"phase":"Failed","containerStatuses":[{"name":"main","image":"none","imageID":"","ready":false,"restartCount":0,
              "state":{"terminated":{"exitCode":137,"reason":"OOMKilled","finishedAt":"2026-03-04T05:06:07Z"}}}]}}
            """)!, "status", cancel: Cancel);
        pod = (await Client.GetAsync(Resources.Pods, Namespace, "p", Cancel))!;
        pod.Status!.Phase.ShouldBe("Failed");
        var ended = pod.Status.ContainerStatuses![0].State!.Terminated!;
        ended.ShouldBe(new V1ContainerStateTerminated { ExitCode = 137, Reason = "OOMKilled", FinishedAt = finished });
    }

    [Fact]
    public async Task A_job_goes_there_and_back_whole()
    {
        var job = new V1Job
        {
            Metadata = new() { Name = "j", Namespace = Namespace },
            Spec = new()
            {
                BackoffLimit = 0,
                PodReplacementPolicy = "Failed",
                Template = new()
                {
                    Metadata = new() { Labels = new() { ["x"] = "y" } },
                    Spec = new()
                    {
                        RestartPolicy = "Never",
                        SecurityContext = new() { RunAsNonRoot = true, SeccompProfile = new() { Type = "RuntimeDefault" } },
                        Containers =
                        [
                            new()
                            {
                                Name = "main",
                                Image = "none",
                                Env = [new() { Name = "UID", ValueFrom = new() { FieldRef = new() { FieldPath = "metadata.uid" } } }],
                                Resources = new() { Limits = new() { ["memory"] = "1Gi" } },
                                SecurityContext = new() { Capabilities = new() { Drop = ["ALL"] }, ReadOnlyRootFilesystem = true },
                            },
                        ],
                    },
                },
            },
        };
        await Client.CreateAsync(Resources.Jobs, job, cancel: Cancel);
        var read = (await Client.GetAsync(Resources.Jobs, Namespace, "j", Cancel))!;
        var container = read.Spec!.Template!.Spec!.Containers![0];
        container.Env![0].ValueFrom!.FieldRef!.FieldPath.ShouldBe("metadata.uid");
        container.Resources!.Limits!["memory"].ShouldBe("1Gi");
        container.SecurityContext!.Capabilities!.Drop.ShouldBe(["ALL"]);
        read.Spec.Template.Spec.SecurityContext!.SeccompProfile!.Type.ShouldBe("RuntimeDefault");
    }

    [Fact]
    public async Task A_list_is_read_in_chunks_and_selected_by_labels()
    {
        foreach (var name in Enumerable.Range(0, 25)) await CreateConfigMapAsync($"m-{name:00}", "1", ("third", (name % 3).ToString()));
        var faults = new FaultHandler();
        var client = NewClient(faults);
        var all = await client.ListAsync(Resources.ConfigMaps, Namespace, new() { LabelSelector = "third", ChunkSize = 10 }, Cancel);
        all.Items.Select(item => item.Metadata.Name).ShouldBe(Enumerable.Range(0, 25).Select(name => $"m-{name:00}"));
        all.Items.ShouldAllBe(item => item.Kind == "ConfigMap" && item.ApiVersion == "v1");
        all.ResourceVersion.ShouldNotBeEmpty();
        faults.Requests.Count.ShouldBe(3);
        (await client.ListAsync(Resources.ConfigMaps, Namespace, new() { LabelSelector = "third=1" }, Cancel)).Items.Count.ShouldBe(8);
        (await client.ListAsync(Resources.ConfigMaps, Namespace, new() { FieldSelector = "metadata.name=m-07" }, Cancel))
            .Items.ShouldHaveSingleItem().Metadata.Name.ShouldBe("m-07");
        (await client.ListAsync(Resources.Secrets, Namespace, new() { LabelSelector = "third" }, Cancel)).Items.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_list_whose_continue_token_is_too_old_is_read_again_whole()
    {
        foreach (var name in Enumerable.Range(0, 5)) await CreateConfigMapAsync($"m-{name}", "1", ("mine", "yes"));
        var faults = new FaultHandler();
        faults.On(HttpMethod.Get, "continue=", Fault.Status(HttpStatusCode.Gone, reason: "Expired"), 1);
        var all = await NewClient(faults)
            .ListAsync(Resources.ConfigMaps, Namespace, new() { LabelSelector = "mine", ChunkSize = 2 }, Cancel);
        all.Items.Select(item => item.Metadata.Name).ShouldBe(["m-0", "m-1", "m-2", "m-3", "m-4"]);
        faults.Requests.Last().Uri.Query.ShouldNotContain("limit=");
    }

    [Fact]
    public async Task A_collection_is_deleted_by_its_label()
    {
        await CreateConfigMapAsync("a", "1", ("sweep", "x"));
        await CreateConfigMapAsync("b", "1", ("sweep", "x"));
        await CreateConfigMapAsync("c", "1", ("sweep", "y"));
        await Client.DeleteCollectionAsync(Resources.ConfigMaps, Namespace, "sweep=x", cancel: Cancel);
        (await Client.ListAsync(Resources.ConfigMaps, Namespace, new() { LabelSelector = "sweep" }, Cancel))
            .Items.ShouldHaveSingleItem().Metadata.Name.ShouldBe("c");
        await Should.ThrowAsync<ArgumentException>(() => Client.DeleteCollectionAsync(Resources.ConfigMaps, Namespace, "", cancel: Cancel));
    }

    [Fact]
    public async Task Any_kind_is_read_as_json()
    {
        await CreateConfigMapAsync("a", "7");
        var kind = Resources.Unstructured("", "v1", "configmaps", "ConfigMap", true);
        var read = (await Client.GetAsync(kind, Namespace, "a", Cancel))!;
        ((string?)read.Fields["data"]!["value"]).ShouldBe("7");
        read.Fields["data"]!["value"] = "8";
        await Client.ReplaceAsync(kind, read, cancel: Cancel);
        (await Client.GetAsync(Resources.ConfigMaps, Namespace, "a", Cancel))!.Data!["value"].ShouldBe("8");
    }

    [Fact]
    public async Task Secrets_hold_bytes_and_generated_names_are_told()
    {
        byte[] bytes = [0, 1, 2, 250, 255];
        var named = new V1Secret { Metadata = new() { GenerateName = "s-", Namespace = Namespace }, Data = new() { ["k"] = bytes } };
        var secret = await Client.CreateAsync(Resources.Secrets, named, cancel: Cancel);
        secret.Metadata.Name.ShouldStartWith("s-");
        (await Client.GetAsync(Resources.Secrets, Namespace, secret.Metadata.Name!, Cancel))!.Data!["k"].ShouldBe(bytes);
    }

    [Fact]
    public async Task A_token_is_made_reviewed_and_bound_to_its_audience()
    {
        await Client.CreateAsync(Resources.ServiceAccounts,
            new V1ServiceAccount { Metadata = new() { Name = "sa", Namespace = Namespace } }, cancel: Cancel);
        var token = await Client.CreateTokenAsync(Namespace, "sa", new() { Audiences = ["hem-progress"], ExpirationSeconds = 600 }, Cancel);
        token.ExpirationTimestamp!.Value.ShouldBeGreaterThan(DateTimeOffset.UtcNow);
        var review = await Client.CreateAsync(Resources.TokenReviews,
            new V1TokenReview { Spec = new() { Token = token.Token, Audiences = ["hem-progress"] } }, cancel: Cancel);
        review.Status!.Authenticated.ShouldBe(true);
        review.Status.User!.Username.ShouldBe($"system:serviceaccount:{Namespace}:sa");
        review.Status.Audiences.ShouldBe(["hem-progress"]);
        var other = await Client.CreateAsync(Resources.TokenReviews,
            new V1TokenReview { Spec = new() { Token = token.Token, Audiences = ["other"] } }, cancel: Cancel);
        other.Status!.Authenticated.ShouldNotBe(true);
    }

    [Fact]
    public async Task Access_is_reviewed()
    {
        V1SubjectAccessReview Asked(string user, params List<string> groups) => new()
        {
            Spec = new()
            {
                User = user,
                Groups = groups,
                ResourceAttributes = new() { Namespace = Namespace, Verb = "get", Resource = "pods" },
            },
        };
        (await Client.CreateAsync(Resources.SubjectAccessReviews, Asked("anna", "system:masters"), cancel: Cancel))
            .Status!.Allowed.ShouldBeTrue();
        (await Client.CreateAsync(Resources.SubjectAccessReviews, Asked("ben"), cancel: Cancel)).Status!.Allowed.ShouldBeFalse();
    }

    [Fact]
    public async Task The_version_is_told()
    {
        var version = await Client.GetVersionAsync(Cancel);
        version.IsAtLeast(1, 20).ShouldBeTrue();
        version.IsAtLeast(99, 0).ShouldBeFalse();
        new KubernetesVersion { Major = "1", Minor = "29+" }.IsAtLeast(1, 29).ShouldBeTrue();
        new KubernetesVersion { Major = "2", Minor = "0" }.IsAtLeast(1, 29).ShouldBeTrue();
    }

    [Fact]
    public async Task What_is_wrong_with_an_object_is_told_with_its_fields()
    {
        var wrong = await Should.ThrowAsync<KubernetesException>(() => CreateConfigMapAsync("Not_a_name"));
        wrong.IsInvalid.ShouldBeTrue();
        wrong.Status.Details!.Causes!.ShouldContain(cause => cause.Field == "metadata.name");
        wrong.Message.ShouldContain("metadata.name");
    }

    [Fact]
    public async Task A_namespace_that_ends_takes_nothing_new()
    {
        var held = new V1ConfigMap { Metadata = new() { Name = "held", Namespace = Namespace, Finalizers = ["hem.dev/test"] } };
        await Client.CreateAsync(Resources.ConfigMaps, held, cancel: Cancel);
        await Client.DeleteAsync(Resources.Namespaces, null, Namespace, cancel: Cancel);
        var refused = await Should.ThrowAsync<KubernetesException>(() => CreateConfigMapAsync("late"));
        refused.IsNamespaceTerminating.ShouldBeTrue();
        await Client.MergePatchAsync(Resources.ConfigMaps, Namespace, "held",
            new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = null } }, cancel: Cancel);
    }

    [Fact]
    public async Task An_address_that_makes_no_sense_is_refused_before_it_is_sent()
    {
        await Should.ThrowAsync<ArgumentException>(() => Client.GetAsync(Resources.Nodes, "ns", "a", Cancel));
        await Should.ThrowAsync<ArgumentException>(() => Client.GetAsync(Resources.Pods, null, "a", Cancel));
        await Should.ThrowAsync<ArgumentException>(() => Client.GetAsync(Resources.Pods, "ns", "..", Cancel));
        Resources.Pods.Path("a/b", "c?d").ShouldBe("api/v1/namespaces/a%2Fb/pods/c%3Fd");
    }
}
