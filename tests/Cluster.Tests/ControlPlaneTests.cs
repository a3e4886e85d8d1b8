using System.Net;
using Hem.TestCluster;

namespace Cluster.Tests;

public sealed class ControlPlaneTests(ClusterFixture cluster)
{
    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_older_state_is_put_back_and_what_came_later_is_forgotten()
    {
        _ = cluster.ControlPlane;
        await using var plane = await ControlPlane.StartAsync(new() { ControllerManager = false }, _cancel);
        var before = await plane.CreateNamespaceAsync("before", _cancel);
        var snapshot = await plane.SnapshotAsync();
        var after = await plane.CreateNamespaceAsync("after", _cancel);

        await plane.RestoreAsync(snapshot, _cancel);

        (await plane.Api.GetAsync($"/api/v1/namespaces/{before}", _cancel)).ShouldNotBeNull();
        (await plane.Api.GetAsync($"/api/v1/namespaces/{after}", _cancel)).ShouldBeNull();
    }

    [Fact]
    public async Task A_service_account_may_do_what_its_role_says_and_no_more()
    {
        var plane = cluster.ControlPlane;
        var space = await cluster.CreateNamespaceAsync();
        await plane.Api.ApplyAsync("""
            apiVersion: rbac.authorization.k8s.io/v1
            kind: Role
            metadata: {name: reader}
            rules: [{apiGroups: [""], resources: [configmaps], verbs: [list]}]
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: RoleBinding
            metadata: {name: reader}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
            subjects: [{kind: ServiceAccount, name: reader}]
            """, space, _cancel);
        using var http = new HttpClient(new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator,
        });
        http.BaseAddress = plane.Server;
        var token = await plane.CreateServiceAccountTokenAsync(space, "reader", cancel: _cancel);
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);

        (await http.GetAsync($"/api/v1/namespaces/{space}/configmaps", _cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await http.GetAsync($"/api/v1/namespaces/{space}/secrets", _cancel)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }
}
