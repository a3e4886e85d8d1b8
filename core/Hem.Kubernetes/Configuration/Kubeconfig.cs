using System.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Hem.Kubernetes;

/// <summary>One or several kubeconfig files as kubectl merges them: of what is named twice, the first counts.</summary>
internal sealed class Kubeconfig
{
    private readonly Dictionary<string, Entry> _clusters = [], _users = [], _contexts = [];
    private readonly List<string> _files = [];
    private string? _currentContext;

    private readonly record struct Entry(YamlMappingNode Node, string Folder, string File);

    public static IReadOnlyList<string> DefaultPaths()
    {
        var paths = (Environment.GetEnvironmentVariable("KUBECONFIG") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return paths.Length > 0
            ? paths
            : [Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".kube", "config")];
    }

    public static Kubeconfig Load(IReadOnlyList<string> paths)
    {
        var config = new Kubeconfig();
        foreach (var path in paths)
        {
            // Of several files kubectl lets any be missing.
            if (paths.Count > 1 && !File.Exists(path)) continue;
            config.Add(path);
        }
        if (config._files.Count == 0)
            throw new KubernetesConfigurationException($"None of the kubeconfigs is there: {string.Join(", ", paths)}.");
        return config;
    }

    public KubernetesClientConfiguration Build(string? contextName)
    {
        var from = string.Join(", ", _files);
        contextName ??= _currentContext;
        if (string.IsNullOrEmpty(contextName))
            throw new KubernetesConfigurationException($"{from}: there is no current-context; name a context.");
        if (!_contexts.TryGetValue(contextName, out var context))
        {
            var known = string.Join(", ", _contexts.Keys.Order(StringComparer.Ordinal));
            throw new KubernetesConfigurationException($"{from}: there is no context '{contextName}'; there are: {known}.");
        }
        var clusterName = Text(context, "cluster") ?? throw Fault(context, $"context '{contextName}' names no cluster");
        if (!_clusters.TryGetValue(clusterName, out var cluster)) throw Fault(context, $"there is no cluster '{clusterName}'");
        var server = Text(cluster, "server") ?? throw Fault(cluster, $"cluster '{clusterName}' has no server");
        if (!Uri.TryCreate(server.EndsWith('/') ? server : server + "/", UriKind.Absolute, out var address)
            || address.Scheme is not ("https" or "http"))
            throw Fault(cluster, $"cluster '{clusterName}': server '{server}' is no http(s) address");
        var caData = Decoded(cluster, "certificate-authority-data");
        var result = new KubernetesClientConfiguration
        {
            Server = address,
            Namespace = Text(context, "namespace"),
            CaPem = caData,
            CaFile = caData is null ? FilePath(cluster, "certificate-authority") : null,
            SkipTlsVerify = Text(cluster, "insecure-skip-tls-verify") == "true",
            TlsServerName = Text(cluster, "tls-server-name"),
            Proxy = Text(cluster, "proxy-url") is { } proxy ? new(proxy) : null,
        };
        var userName = Text(context, "user");
        if (string.IsNullOrEmpty(userName)) return result;
        if (!_users.TryGetValue(userName, out var user)) throw Fault(context, $"there is no user '{userName}'");
        return WithUser(result, user, userName);
    }

    private static KubernetesClientConfiguration WithUser(KubernetesClientConfiguration config, Entry user, string name)
    {
        if (Child(user, "auth-provider") is not null)
            throw Fault(user, $"user '{name}' has an auth-provider, which Kubernetes removed in 1.26; use an exec plugin");
        if (Text(user, "username") is not null)
            throw Fault(user,
                $"user '{name}' has a password, which Kubernetes removed in 1.19; use a token, a certificate or an exec plugin");
        var (certificate, key) = (Decoded(user, "client-certificate-data"), Decoded(user, "client-key-data"));
        // kubectl reads a token's file again, and prefers it over the token beside it.
        var tokenFile = FilePath(user, "tokenFile");
        config = config with
        {
            TokenFile = tokenFile,
            Token = tokenFile is null ? Text(user, "token") : null,
            ClientCertificatePem = certificate,
            ClientCertificateFile = certificate is null ? FilePath(user, "client-certificate") : null,
            ClientKeyPem = key,
            ClientKeyFile = key is null ? FilePath(user, "client-key") : null,
            ImpersonateUser = Text(user, "as"),
        };
        var hasCertificate = (config.ClientCertificatePem ?? config.ClientCertificateFile) is not null;
        if (hasCertificate != (config.ClientKeyPem ?? config.ClientKeyFile) is not null)
            throw Fault(user, $"user '{name}' has one of client certificate and key without the other");
        return Child(user, "exec") is YamlMappingNode exec
            ? config with { Exec = ReadExec(new(exec, user.Folder, user.File), name) }
            : config;
    }

    private static ExecConfiguration ReadExec(Entry exec, string user)
    {
        var command = Text(exec, "command") ?? throw Fault(exec, $"user '{user}': exec has no command");
        // As with kubectl: a command with a slash is relative to the kubeconfig, one without is looked up in PATH.
        if (command.Contains('/') && !Path.IsPathRooted(command)) command = Path.GetFullPath(Path.Combine(exec.Folder, command));
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var variable in (Child(exec, "env") as YamlSequenceNode)?.OfType<YamlMappingNode>() ?? [])
        {
            var entry = new Entry(variable, exec.Folder, exec.File);
            if (Text(entry, "name") is { } name) environment[name] = Text(entry, "value") ?? "";
        }
        return new()
        {
            ApiVersion = Text(exec, "apiVersion") ?? throw Fault(exec, $"user '{user}': exec has no apiVersion"),
            Command = command,
            Arguments = [.. (Child(exec, "args") as YamlSequenceNode)?.OfType<YamlScalarNode>().Select(arg => arg.Value ?? "") ?? []],
            Environment = environment,
            ProvideClusterInfo = Text(exec, "provideClusterInfo") == "true",
            InstallHint = Text(exec, "installHint"),
        };
    }

    private void Add(string path)
    {
        YamlNode root;
        try
        {
            using var reader = new StreamReader(path);
            var yaml = new YamlStream();
            yaml.Load(reader);
            if (yaml.Documents.Count == 0) return;
            root = yaml.Documents[0].RootNode;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new KubernetesConfigurationException($"The kubeconfig {path} cannot be read: {exception.Message}", exception);
        }
        catch (YamlException exception)
        {
            throw new KubernetesConfigurationException($"{path}:{exception.Start.Line}: no YAML: {exception.Message}", exception);
        }
        if (root is not YamlMappingNode map) throw new KubernetesConfigurationException($"{path}: no kubeconfig.");
        _files.Add(path);
        var entry = new Entry(map, Path.GetDirectoryName(Path.GetFullPath(path))!, path);
        _currentContext ??= Text(entry, "current-context") is { Length: > 0 } current ? current : null;
        Add(_clusters, entry, "clusters", "cluster");
        Add(_users, entry, "users", "user");
        Add(_contexts, entry, "contexts", "context");
    }

    private static void Add(Dictionary<string, Entry> named, Entry file, string list, string inner)
    {
        foreach (var item in (Child(file, list) as YamlSequenceNode)?.OfType<YamlMappingNode>() ?? [])
        {
            var entry = file with { Node = item };
            if (Text(entry, "name") is { } name && Child(entry, inner) is YamlMappingNode node)
                named.TryAdd(name, file with { Node = node });
        }
    }

    private static YamlNode? Child(Entry entry, string name) =>
        entry.Node.Children.TryGetValue(new YamlScalarNode(name), out var node)
        && node is not YamlScalarNode { Value: null or "null" or "~" }
            ? node
            : null;

    private static string? Text(Entry entry, string name) =>
        (Child(entry, name) as YamlScalarNode)?.Value is { Length: > 0 } text ? text : null;

    private static string? FilePath(Entry entry, string name) =>
        Text(entry, name) is { } path ? Path.GetFullPath(Path.Combine(entry.Folder, path)) : null;

    private static string? Decoded(Entry entry, string name)
    {
        if (Text(entry, name) is not { } text) return null;
        try
        {
            return Encoding.UTF8.GetString(Convert.FromBase64String(text));
        }
        catch (FormatException exception)
        {
            throw new KubernetesConfigurationException($"{entry.File}: {name} is no base64.", exception);
        }
    }

    private static KubernetesConfigurationException Fault(Entry entry, string what) => new($"{entry.File}: {what}.");
}
