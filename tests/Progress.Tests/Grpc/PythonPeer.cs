using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;

namespace Progress.Tests.Grpc;

/// <summary>A process of stock gRPC: Debian's python3-grpcio.</summary>
internal sealed class PythonPeer : IAsyncDisposable
{
    private const string Python = "/usr/bin/python3";
    private static readonly Lazy<string?> s_missing = new(WhatIsMissing);

    private readonly Process _process;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly ConcurrentQueue<string> _all = new();
    private readonly Task _read;

    private PythonPeer(Process process)
    {
        _process = process;
        _read = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
        _read.ContinueWith(_ => _lines.Writer.Complete());
    }

    public int Id => _process.Id;
    public string Output => string.Join('\n', _all);

    public static PythonPeer Start(string script, params string[] arguments)
    {
        if (s_missing.Value is { } missing)
            Assert.Skip($"no stock gRPC to test against: {missing} (apt-get install python3-grpcio)");
        var start = new ProcessStartInfo(Python, [Path.Combine(AppContext.BaseDirectory, "Peers", script), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        // The peer must reach us directly.
        foreach (var proxy in (string[])["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
            start.Environment.Remove(proxy);
        return new PythonPeer(Process.Start(start)!);
    }

    /// <summary>The first line from here on that begins so.</summary>
    public async Task<string> LineAsync(string prefix)
    {
        using var timeout = new CancellationTokenSource(Wait.Limit);
        try
        {
            await foreach (var line in _lines.Reader.ReadAllAsync(timeout.Token))
            {
                if (line.StartsWith(prefix, StringComparison.Ordinal))
                    return line;
            }
        }
        catch (OperationCanceledException)
        {
        }
        throw new InvalidOperationException($"The peer did not say '{prefix}'. It said:\n{Output}");
    }

    public async Task<int> ExitAsync()
    {
        using var timeout = new CancellationTokenSource(Wait.Limit);
        await _process.WaitForExitAsync(timeout.Token);
        await _read.WaitAsync(timeout.Token);
        return _process.ExitCode;
    }

    /// <summary>kill -9</summary>
    public void Kill() => _process.Kill();

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            _all.Enqueue(line);
            _lines.Writer.TryWrite(line);
        }
    }

    private static string? WhatIsMissing()
    {
        if (!File.Exists(Python))
            return $"{Python} is missing";
        using var process = Process.Start(
            new ProcessStartInfo(Python, ["-c", "import grpc, google.protobuf"]) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0 ? null : $"{Python} cannot import grpc and google.protobuf";
    }
}

internal static class Wait
{
    /// <summary>No condition of these tests takes longer unless it never comes.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);
}
