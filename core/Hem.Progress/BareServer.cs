using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hem.Progress;

/// <summary>Kestrel with routing and nothing else, for the servers within a program that has a life of its own.</summary>
public static class BareServer
{
    /// <param name="shutdown">How long requests that are under way may go on when it is stopped.</param>
    public static WebApplicationBuilder CreateBuilder(TimeSpan shutdown)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = shutdown);
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        return builder;
    }

    /// <summary>Starts it, or leaves nothing of it.</summary>
    /// <exception cref="IOException">An address cannot be listened on.</exception>
    public static async Task StartOrDisposeAsync(this WebApplication application, CancellationToken cancellationToken = default)
    {
        try
        {
            await application.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await application.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Signals are the program's business, not the server's.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
