using System.Net;
using System.Net.Security;
using Hem.Operator.Progress;
using Hem.Progress;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hem.Operator.Web;

/// <summary>Serves answers over HTTPS until disposed: while this process leads, for the leader alone has the results.</summary>
internal sealed class AnswerHost : IAsyncDisposable
{
    private readonly WebApplication _application;

    private AnswerHost(WebApplication application) => _application = application;

    /// <summary><c>https://host:port</c> as listened on.</summary>
    public string Address => _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <exception cref="IOException">The address cannot be listened on.</exception>
    public static async Task<AnswerHost> StartAsync(
        IPEndPoint listen, AnswerEndpoints endpoints, CertificateAuthority certificates, ILoggerFactory loggers,
        CancellationToken cancellationToken = default)
    {
        var builder = BareServer.CreateBuilder(shutdown: TimeSpan.FromSeconds(2));
        builder.Services.AddSingleton(loggers);
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Listen(listen, options => options.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = _ => new(new SslServerAuthenticationOptions { ServerCertificateContext = certificates.Serving() }),
            }));
        });
        var application = builder.Build();
        application.UseRouting();
        endpoints.Map(application);
        await application.StartOrDisposeAsync(cancellationToken).ConfigureAwait(false);
        return new AnswerHost(application);
    }

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync().ConfigureAwait(false);
        await _application.DisposeAsync().ConfigureAwait(false);
    }
}
