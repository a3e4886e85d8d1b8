using System.Net;
using System.Text.Json;
using Hem.Kubernetes.Tests.Support;
using Hem.TestCluster;

namespace Hem.Kubernetes.Tests.Configuration;

public class CredentialTests(ControlPlaneFixture fixture) : ApiServerTest(fixture)
{
    private KubernetesClientConfiguration Plain => new() { Server = Plane.Server, CaFile = Plane.CaFile };

    /// <summary>Asks for what this user may not read: whether the server knows who asks shows in the answer.</summary>
    private static async Task<string> WhoAsync(KubernetesClient client)
    {
        var refused = await Should.ThrowAsync<KubernetesException>(() => client.ListAsync(Resources.Secrets, "kube-system",
            cancel: Cancel));
        return refused.StatusCode == HttpStatusCode.Unauthorized ? "unknown" : refused.Message.Split('"')[1];
    }

    [Fact]
    public async Task A_client_certificate_and_a_token_of_a_kubeconfig_say_who_asks()
    {
        var byCertificate = NewClient(KubernetesClientConfiguration.FromKubeconfig(Plane.CreateUserKubeconfig("anna", "lab")));
        (await WhoAsync(byCertificate)).ShouldBe("anna");
        var file = await Plane.CreateServiceAccountKubeconfigAsync(Namespace, "robot", Cancel);
        (await WhoAsync(NewClient(KubernetesClientConfiguration.FromKubeconfig(file))))
            .ShouldBe($"system:serviceaccount:{Namespace}:robot");
    }

    [Fact]
    public async Task Another_user_is_impersonated_where_that_is_allowed()
    {
        var config = KubernetesClientConfiguration.FromKubeconfig(Plane.Kubeconfig) with { ImpersonateUser = "ben" };
        (await WhoAsync(NewClient(config))).ShouldBe("ben");
    }

    [Fact]
    public async Task A_server_that_another_authority_signed_is_not_trusted()
    {
        using var other = System.Security.Cryptography.RSA.Create(2048);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=other", other,
            System.Security.Cryptography.HashAlgorithmName.SHA256, System.Security.Cryptography.RSASignaturePadding.Pkcs1);
        using var ca = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var untrusting = NewClient(Plain with { CaFile = null, CaPem = ca.ExportCertificatePem(), Token = "x" });
        await Should.ThrowAsync<HttpRequestException>(() => untrusting.GetVersionAsync(Cancel));
        var bySystem = NewClient(Plain with { CaFile = null, Token = "x" });
        await Should.ThrowAsync<HttpRequestException>(() => bySystem.GetVersionAsync(Cancel));
        (await WhoAsync(NewClient(Plain with { CaFile = null, SkipTlsVerify = true, Token = "x" }))).ShouldBe("unknown");
    }

    [Fact]
    public async Task The_servers_certificate_must_have_the_name_that_is_asked_for()
    {
        (await WhoAsync(NewClient(Plain with { TlsServerName = "kubernetes.default.svc", Token = "x" }))).ShouldBe("unknown");
        await Should.ThrowAsync<HttpRequestException>(
            () => NewClient(Plain with { TlsServerName = "elsewhere", Token = "x" }).GetVersionAsync(Cancel));
    }

    [Fact]
    public async Task A_tokens_file_is_read_again_when_it_is_old_and_when_the_server_refuses_the_token()
    {
        var file = Path.GetTempFileName();
        try
        {
            var time = new ManualTime();
            var (one, two) = (await TokenAsync("one"), await TokenAsync("two"));
            var client = NewClient(Plain with { TokenFile = file }, options: new() { Time = time });
            File.WriteAllText(file, one + "\n");
            (await WhoAsync(client)).ShouldEndWith(":one");
            File.WriteAllText(file, two + "\n");
            (await WhoAsync(client)).ShouldEndWith(":one");
            time.Advance(FileCredentials.Reread);
            (await WhoAsync(client)).ShouldEndWith(":two");

            // Between a rotation's two steps it may be empty, or away.
            File.WriteAllText(file, "");
            time.Advance(FileCredentials.Reread);
            (await WhoAsync(client)).ShouldEndWith(":two");
            File.Delete(file);
            time.Advance(FileCredentials.Reread);
            (await WhoAsync(client)).ShouldEndWith(":two");

            File.WriteAllText(file, "no longer good");
            time.Advance(FileCredentials.Reread);
            (await WhoAsync(client)).ShouldBe("unknown");
            File.WriteAllText(file, one);
            // A 401 is reason enough to look at once.
            (await WhoAsync(client)).ShouldEndWith(":one");
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task A_rotated_client_certificate_is_used_for_the_next_connection()
    {
        var time = new ManualTime();
        var folder = Directory.CreateTempSubdirectory("hem-certificates-").FullName;
        var config = Plain with { ClientCertificateFile = $"{folder}/crt", ClientKeyFile = $"{folder}/key" };
        using var credentials = Credentials.From(config, time);
        Rotate("anna");
        var anna = credentials.Certificate!;
        anna.Subject.ShouldContain("CN=anna");
        Rotate("ben");
        credentials.Certificate.ShouldBeSameAs(anna);
        time.Advance(FileCredentials.Reread);
        credentials.Certificate!.Subject.ShouldContain("CN=ben");
        (await WhoAsync(NewClient(config))).ShouldBe("ben");

        // One of the two files is ahead of the other for a moment.
        File.WriteAllText($"{folder}/key", KubernetesClientConfiguration.FromKubeconfig(Plane.CreateUserKubeconfig("carl")).ClientKeyPem!);
        time.Advance(FileCredentials.Reread);
        credentials.Certificate!.Subject.ShouldContain("CN=ben");
        Directory.Delete(folder, true);

        void Rotate(string user)
        {
            var pair = KubernetesClientConfiguration.FromKubeconfig(Plane.CreateUserKubeconfig(user));
            File.WriteAllText($"{folder}/crt", pair.ClientCertificatePem!);
            File.WriteAllText($"{folder}/key", pair.ClientKeyPem!);
        }
    }

    [Fact]
    public async Task A_plugin_is_run_once_until_its_token_is_over_or_refused()
    {
        var token = await TokenAsync("robot");
        using var plugin = new ScriptPlugin($$"""
            echo "$KUBERNETES_EXEC_INFO" | grep -q '"server":"https://127' || exit 3
            [ "$1 $MODE" = "now x" ] || exit 4
            echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",'
            echo '"status":{"token":"{{token}}","expirationTimestamp":"2026-01-01T01:00:00Z"} }'
            """);
        var time = new ManualTime();
        var client = NewClient(Plain with
        {
            Exec = new()
            {
                ApiVersion = "client.authentication.k8s.io/v1",
                Command = plugin.Path,
                Arguments = ["now"],
                Environment = new Dictionary<string, string> { ["MODE"] = "x" },
                ProvideClusterInfo = true,
            },
        }, options: new() { Time = time });
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => WhoAsync(client)));
        (await WhoAsync(client)).ShouldEndWith(":robot");
        plugin.Runs.ShouldBe(1);
        time.Advance(TimeSpan.FromHours(1));
        (await WhoAsync(client)).ShouldEndWith(":robot");
        plugin.Runs.ShouldBe(2);
    }

    [Fact]
    public async Task A_plugin_gives_a_certificate()
    {
        var pair = KubernetesClientConfiguration.FromKubeconfig(Plane.CreateUserKubeconfig("dora"));
        var credential = $$"""
            {"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{
              "clientCertificateData":{{JsonSerializer.Serialize(pair.ClientCertificatePem)}},
              "clientKeyData":{{JsonSerializer.Serialize(pair.ClientKeyPem)}} } }
            """;
        using var plugin = new ScriptPlugin($"cat <<'END'\n{credential}\nEND");
        (await WhoAsync(NewClient(Plain with { Exec = new() { ApiVersion = "client.authentication.k8s.io/v1", Command = plugin.Path } })))
            .ShouldBe("dora");
    }

    [Theory]
    [InlineData("exit 7", "failed with exit code 7")]
    [InlineData("echo hello", "printed no ExecCredential")]
    [InlineData("""echo '{"apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"x"}}'""",
        "answered in client.authentication.k8s.io/v1beta1")]
    [InlineData("""echo '{"apiVersion":"client.authentication.k8s.io/v1","status":{}}'""", "neither a token nor a certificate")]
    public async Task A_plugin_that_fails_is_named_with_its_fault(string body, string told)
    {
        using var plugin = new ScriptPlugin(body);
        var client = NewClient(Plain with { Exec = new() { ApiVersion = "client.authentication.k8s.io/v1", Command = plugin.Path } });
        var fault = await Should.ThrowAsync<KubernetesConfigurationException>(() => client.GetVersionAsync(Cancel));
        fault.Message.ShouldContain(plugin.Path);
        fault.Message.ShouldContain(told);
    }

    [Fact]
    public async Task A_plugin_that_is_not_there_is_told_with_its_hint()
    {
        var client = NewClient(Plain with
        {
            Exec = new()
            {
                ApiVersion = "v1",
                Command = "/none/plugin",
                InstallHint = "apt install plugin"
            }
        });
        (await Should.ThrowAsync<KubernetesConfigurationException>(() => client.GetVersionAsync(Cancel)))
            .Message.ShouldContain("apt install plugin");
    }

    private Task<string> TokenAsync(string account) => Plane.CreateServiceAccountTokenAsync(Namespace, account, cancel: Cancel);
}
