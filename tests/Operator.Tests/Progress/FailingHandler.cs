namespace Operator.Tests.Progress;

/// <summary>Lets requests fail before they reach the API server.</summary>
internal sealed class FailingHandler(HttpMessageHandler inner, Func<HttpRequestMessage, bool> fails) : DelegatingHandler(inner)
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        fails(request) ? throw new HttpRequestException("connection refused") : base.SendAsync(request, cancellationToken);
}
