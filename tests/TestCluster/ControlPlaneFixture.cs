using Xunit;

namespace Hem.TestCluster;

/// <summary>
/// One control plane for a test assembly: <c>[assembly: AssemblyFixture(typeof(ControlPlaneFixture))]</c>, then a constructor parameter.
/// Where this machine cannot run one, each test that asks for it is skipped with the reason.
/// Its logs lie in artifacts/test-logs/&lt;assembly&gt;/ afterwards.
/// </summary>
public class ControlPlaneFixture : IAsyncLifetime
{
    private ControlPlane? _plane;
    private string? _cannot;

    protected virtual ControlPlaneOptions Options => new();

    public ControlPlane ControlPlane
    {
        get
        {
            if (_cannot is not null) Assert.Skip(_cannot);
            return _plane!;
        }
    }

    /// <summary>What more there is to start.</summary>
    protected virtual Task StartedAsync(ControlPlane plane) => Task.CompletedTask;

    /// <summary>Ends what <see cref="StartedAsync"/> started, however far it came.</summary>
    protected virtual Task EndingAsync() => Task.CompletedTask;

    public async ValueTask InitializeAsync()
    {
        try
        {
            _plane = await TestCluster.ControlPlane.StartAsync(Options);
            await StartedAsync(_plane);
        }
        catch (CannotException e)
        {
            _cannot = e.Message;
        }
        catch (Exception)
        {
            await DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_plane is null) return;
        await EndingAsync();
        var logs = Path.Combine(Machine.Repository, "artifacts", "test-logs", Path.GetFileNameWithoutExtension(Environment.ProcessPath!));
        Directory.CreateDirectory(logs);
        foreach (var log in Directory.EnumerateFiles(_plane.LogFolder, "*.log"))
            File.Copy(log, Path.Combine(logs, Path.GetFileName(log)), true);
        await _plane.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
