using System.Net;
using Hem.TestCluster;

namespace Cluster.Tests;

public sealed class ControlPlaneTests(ClusterFixture cluster)
{
    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

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
