using Hem.TestCluster;

namespace Operator.Tests.Api;

/// <summary>operator/rbac.yaml: enough (all tests of the operator run under it) and no more.</summary>
public sealed class RbacTests(ControlPlaneFixture fixture)
{
    [Fact]
    public async Task The_operator_may_not_do_what_it_has_no_business_doing()
    {
        var plane = fixture.ControlPlane;
        await HemCluster.InstallDefinitionsAsync(plane);
        var (own, other) = (await plane.CreateNamespaceAsync("own"), await plane.CreateNamespaceAsync("other"));
        await HemCluster.OperatorKubeconfigAsync(plane, own);

        string[] allowed =
        [
            $"watch hemsweeps.hem.dev -n {other}", $"create hemtrials.hem.dev -n {other}", $"patch hemsweeps.hem.dev --subresource=status -n {other}",
            $"create jobs.batch -n {other}", $"get pods --subresource=log -n {other}", $"get configmaps/hem-progress-ca -n {other}",
            $"get secrets/hem-progress-ca -n {own}", $"update leases.coordination.k8s.io/hem-operator -n {own}", $"patch pods -n {own}",
            "create tokenreviews.authentication.k8s.io", "create subjectaccessreviews.authorization.k8s.io", $"create events -n {other}",
        ];
        string[] refused =
        [
            $"create hemsweeps.hem.dev -n {other}", $"patch hemsweeps.hem.dev -n {other}", $"patch hemtrials.hem.dev -n {other}",
            $"get secrets -n {other}", $"get secrets/hem-progress-ca -n {other}", $"list secrets -n {own}", $"get secrets/other -n {own}",
            $"get configmaps -n {other}", $"patch configmaps/other -n {own}", $"create pods -n {other}", $"patch pods -n {other}",
            $"create pods --subresource=exec -n {own}", $"update leases.coordination.k8s.io/other -n {own}",
            $"create leases.coordination.k8s.io -n {other}", $"update jobs.batch -n {other}", "get nodes", "list namespaces",
            $"create serviceaccounts --subresource=token -n {own}", $"delete customresourcedefinitions.apiextensions.k8s.io",
        ];
        var kubectl = new Kubectl(plane);
        foreach (var (question, answer) in allowed.Select(one => (one, "yes")).Concat(refused.Select(one => (one, "no"))))
        {
            var said = await kubectl.TryAsync(
                null, ["auth", "can-i", .. question.Split(' '), "--as", $"system:serviceaccount:{own}:hem-operator", "--quiet=false"]);
            said.Output.Trim().ShouldStartWith(answer, customMessage: $"can-i {question}: {said.Error}");
        }
    }

    [Theory]
    [InlineData("view", "list hemsweeps.hem.dev", "create hemsweeps.hem.dev")]
    [InlineData("edit", "create hemsweeps.hem.dev", "delete hemtrials.hem.dev")]
    [InlineData("admin", "delete hemsweeps.hem.dev", "patch hemtrials.hem.dev --subresource=status")]
    public async Task People_may_do_with_sweeps_what_they_may_do_in_the_namespace(string role, string allowed, string refused)
    {
        var plane = fixture.ControlPlane;
        await HemCluster.InstallDefinitionsAsync(plane);
        var space = await plane.CreateNamespaceAsync("people");
        await HemCluster.OperatorKubeconfigAsync(plane, space);
        var kubectl = new Kubectl(plane);
        await kubectl.RunAsync("create", "rolebinding", "them", "-n", space, $"--clusterrole={role}", "--user=somebody");
        // Roles are aggregated by a controller, in its own time.
        await Wait.UntilAsync(async () => await CanAsync(allowed), $"{role} may {allowed}");
        (await CanAsync(refused)).ShouldBeFalse();

        async Task<bool> CanAsync(string question) => (await kubectl.TryAsync(
            null, ["auth", "can-i", .. question.Split(' '), "-n", space, "--as", "somebody"])).Output.StartsWith("yes", StringComparison.Ordinal);
    }
}
