using System.Text;
using System.Text.Json.Nodes;

namespace Hem.TestCluster;

/// <summary>Writes kubeconfig files (JSON, which is YAML).</summary>
internal static class Kubeconfig
{
    public static string Write(string file, Uri server, string caPem, PemPair client) => Write(file, server, caPem, new JsonObject
    {
        ["client-certificate-data"] = Encode(client.Certificate),
        ["client-key-data"] = Encode(client.Key),
    });

    public static string WriteToken(string file, Uri server, string caPem, string token) =>
        Write(file, server, caPem, new JsonObject { ["token"] = token });

    private static string Write(string file, Uri server, string caPem, JsonObject user)
    {
        const string name = "hem-test";
        var config = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Config",
            ["clusters"] = Named(name, "cluster", new JsonObject
            {
                ["server"] = server.ToString().TrimEnd('/'),
                ["certificate-authority-data"] = Encode(caPem),
            }),
            ["users"] = Named(name, "user", user),
            ["contexts"] = Named(name, "context", new JsonObject { ["cluster"] = name, ["user"] = name }),
            ["current-context"] = name,
        };
        using (var stream = new FileStream(file, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
            stream.Write(Encoding.UTF8.GetBytes(config.ToJsonString(new() { WriteIndented = true })));
        return file;
    }

    private static JsonArray Named(string name, string key, JsonObject value) => [new JsonObject { ["name"] = name, [key] = value }];

    private static string Encode(string pem) => Convert.ToBase64String(Encoding.ASCII.GetBytes(pem));
}
