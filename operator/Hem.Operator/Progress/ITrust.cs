namespace Hem.Operator.Progress;

/// <summary>Lets trainers of a namespace trust the progress service.</summary>
internal interface ITrust
{
    /// <summary>
    /// Sees to the namespace's ConfigMap <see cref="CertificateOptions.ConfigMapName"/>: call it before each Job is made there (it costs a
    /// request to the API server only when something is to be done), for without the ConfigMap no pod can start. It is kept up to date from
    /// then on.
    /// </summary>
    /// <param name="verify">
    /// Look whether it is there, however surely it was once: the namespace may have been deleted and made again. Once a sweep is enough.
    /// </param>
    Task EnsurePublishedAsync(string @namespace, bool verify = false, CancellationToken cancellationToken = default);
}
