namespace Hem.Operator.Progress;

/// <summary>Lets trainers of a namespace trust the progress service.</summary>
internal interface ITrust
{
    /// <summary>
    /// Sees to the namespace's ConfigMap <see cref="CertificateOptions.ConfigMapName"/>: call it before each Job is made there (it costs a
    /// request to the API server only when something is to be done), for without the ConfigMap no pod can start. It is kept up to date from
    /// then on.
    /// </summary>
    Task EnsurePublishedAsync(string @namespace, CancellationToken cancellationToken = default);
}
