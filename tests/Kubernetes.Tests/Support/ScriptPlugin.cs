namespace Hem.Kubernetes.Tests.Support;

/// <summary>A credential plugin: a shell script in a folder, and how often it ran.</summary>
internal sealed class ScriptPlugin : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hem-plugin-").FullName;

    public ScriptPlugin(string body)
    {
        File.WriteAllText(Path, $"#!/bin/sh\necho run >> {_folder}/runs\n{body}\n");
        File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public string Path => System.IO.Path.Combine(_folder, "plugin");

    public int Runs => File.Exists($"{_folder}/runs") ? File.ReadAllLines($"{_folder}/runs").Length : 0;

    public void Dispose() => Directory.Delete(_folder, true);
}
