using System.Text;

namespace Hem.Kubernetes.Tests.Configuration;

public sealed class KubeconfigTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hem-kubeconfig-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    private string Write(string name, string text)
    {
        File.WriteAllText(Path.Combine(_folder, name), text);
        return Path.Combine(_folder, name);
    }

    private const string Whole = """
        apiVersion: v1
        kind: Config
        current-context: one
        clusters:
        - name: east
          cluster: {server: "https://east:6443/base", certificate-authority: pki/ca.crt, tls-server-name: kubernetes}
        - name: west
          cluster: {server: "https://west:6443", insecure-skip-tls-verify: true, proxy-url: "http://proxy:3128"}
        contexts:
        - name: one
          context: {cluster: east, user: anna, namespace: lab}
        - name: two
          context: {cluster: west, user: ben}
        users:
        - name: anna
          user: {client-certificate: anna.crt, client-key: /abs/anna.key}
        - name: ben
          user:
            exec:
              apiVersion: client.authentication.k8s.io/v1
              command: bin/get-token
              args: [--for, "x y"]
              env: [{name: A, value: b}]
              provideClusterInfo: true
              installHint: apt install it
        """;

    [Fact]
    public void The_current_context_is_read_with_paths_relative_to_the_file()
    {
        var config = KubernetesClientConfiguration.FromKubeconfig(Write("config", Whole));
        config.Server.ShouldBe(new Uri("https://east:6443/base/"));
        config.Namespace.ShouldBe("lab");
        config.CaFile.ShouldBe(Path.Combine(_folder, "pki/ca.crt"));
        config.TlsServerName.ShouldBe("kubernetes");
        config.ClientCertificateFile.ShouldBe(Path.Combine(_folder, "anna.crt"));
        config.ClientKeyFile.ShouldBe("/abs/anna.key");
        config.Exec.ShouldBeNull();
    }

    [Fact]
    public void Another_context_is_read_by_its_name()
    {
        var config = KubernetesClientConfiguration.FromKubeconfig(Write("config", Whole), "two");
        config.Server.ShouldBe(new Uri("https://west:6443/"));
        config.SkipTlsVerify.ShouldBeTrue();
        config.Proxy.ShouldBe(new Uri("http://proxy:3128"));
        config.Namespace.ShouldBeNull();
        var exec = config.Exec!;
        exec.Command.ShouldBe(Path.Combine(_folder, "bin/get-token"));
        exec.Arguments.ShouldBe(["--for", "x y"]);
        exec.Environment["A"].ShouldBe("b");
        exec.ProvideClusterInfo.ShouldBeTrue();
        exec.InstallHint.ShouldBe("apt install it");
    }

    [Fact]
    public void Data_in_the_file_counts_before_files_and_a_tokens_file_before_the_token()
    {
        var data = Convert.ToBase64String(Encoding.UTF8.GetBytes("PEM"));
        var config = KubernetesClientConfiguration.FromKubeconfig(Write("config", $$"""
            {"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"} }],
             "clusters": [{"name": "k",
                 "cluster": {"server": "http://127.0.0.1:8001", "certificate-authority": "x", "certificate-authority-data": "{{data}}"} }],
             "users": [{"name": "u",
                 "user": {"token": "old", "tokenFile": "token", "client-certificate-data": "{{data}}", "client-key-data": "{{data}}"} }]}
            """));
        (config.CaPem, config.CaFile).ShouldBe(("PEM", null));
        (config.Token, config.TokenFile).ShouldBe((null, Path.Combine(_folder, "token")));
        (config.ClientCertificatePem, config.ClientKeyPem).ShouldBe(("PEM", "PEM"));
    }

    [Fact]
    public void Of_several_files_the_first_that_names_a_thing_counts()
    {
        var first = Write("first", """
            contexts: [{name: one, context: {cluster: west, user: anna, namespace: mine}}]
            clusters: null
            """);
        var config = Kubeconfig.Load([first, Path.Combine(_folder, "missing"), Write("second", Whole)]).Build(null);
        (config.Server.Host, config.Namespace).ShouldBe(("west", "mine"));
    }

    [Theory]
    [InlineData("current-context: one", "current-context: none", "there is no context 'none'; there are: one, two.")]
    [InlineData("current-context: one", "current-context: ''", "there is no current-context; name a context.")]
    [InlineData("cluster: east", "cluster: south", "there is no cluster 'south'.")]
    [InlineData("user: anna,", "user: carl,", "there is no user 'carl'.")]
    [InlineData("https://east:6443/base", "east", "cluster 'east': server 'east' is no http(s) address.")]
    [InlineData("client-key: /abs/anna.key", "x: y", "user 'anna' has one of client certificate and key without the other.")]
    [InlineData("client-certificate: anna.crt, client-key: /abs/anna.key", "username: anna",
        "use a token, a certificate or an exec plugin.")]
    [InlineData("client-certificate: anna.crt, client-key: /abs/anna.key", "auth-provider: {name: gcp}", "use an exec plugin.")]
    [InlineData("certificate-authority: pki/ca.crt", "certificate-authority-data: '%'", "certificate-authority-data is no base64.")]
    [InlineData("clusters:", "clusters: [", "no YAML")]
    public void What_is_wrong_with_it_is_told(string old, string changed, string told)
    {
        var file = Write("config", Whole.Replace(old, changed));
        Should.Throw<KubernetesConfigurationException>(() => KubernetesClientConfiguration.FromKubeconfig(file))
            .Message.ShouldContain(told);
        Should.Throw<KubernetesConfigurationException>(() => KubernetesClientConfiguration.FromKubeconfig(file))
            .Message.ShouldContain(file);
    }

    [Fact]
    public void A_file_that_is_missing_is_named() =>
        Should.Throw<KubernetesConfigurationException>(() => KubernetesClientConfiguration.FromKubeconfig("/none/config"))
            .Message.ShouldStartWith("The kubeconfig /none/config cannot be read");

    [Fact]
    public void In_a_pod_the_service_account_is_used()
    {
        var environment = new Dictionary<string, string?> { ["KUBERNETES_SERVICE_HOST"] = "fd00::1", ["KUBERNETES_SERVICE_PORT"] = "443" };
        var missing = Should.Throw<KubernetesConfigurationException>(
            () => KubernetesClientConfiguration.InClusterConfig(environment.GetValueOrDefault, _folder));
        missing.Message.ShouldContain("automountServiceAccountToken");
        Write("token", "t");
        Write("namespace", "hem-system\n");
        var config = KubernetesClientConfiguration.InClusterConfig(environment.GetValueOrDefault, _folder);
        (config.Server, config.Namespace).ShouldBe((new Uri("https://[fd00::1]:443/"), "hem-system"));
        (config.TokenFile, config.CaFile).ShouldBe(($"{_folder}/token", $"{_folder}/ca.crt"));
        Should.Throw<KubernetesConfigurationException>(() => KubernetesClientConfiguration.InClusterConfig(_ => null, _folder))
            .Message.ShouldContain("runs in no pod");
    }

    [Fact]
    public void What_is_printed_of_it_holds_no_secret()
    {
        var config = new KubernetesClientConfiguration { Server = new("https://x/"), Token = "secret", ClientKeyPem = "secret" };
        $"{config}".ShouldBe("https://x/ (namespace default)");
    }
}
