using System.Collections.Concurrent;
using System.Net.Security;
using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Microsoft.Extensions.Logging;

namespace Hem.Operator.Progress;

/// <summary>
/// The operator's own certificate authority: kept in a Secret of its namespace, told to every namespace with sweeps by a ConfigMap, renewed
/// without anybody noticing. <see cref="Serving"/> is what servers show.
/// </summary>
/// <remarks>
/// The Secret is what is true; several replicas may work on it, for each write carries the resourceVersion that was read. If it is lost, it
/// is written again from memory; if that is lost too, a new authority begins, and trainers come back once kubelets have brought it to
/// their pods.
/// </remarks>
internal sealed class CertificateAuthority(
    KubernetesClient client, string operatorNamespace, CertificateOptions options, ILogger<CertificateAuthority> logger,
    string? watchNamespace = null, TimeProvider? time = null) : ITrust
{
    private const string Manager = "hem-operator";
    private const string ManagedBy = "app.kubernetes.io/managed-by";

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly ConcurrentDictionary<string, string> _published = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private CaCertificates? _state;
    private (CaPair By, DateTimeOffset RenewAt, SslStreamCertificateContext Context)? _serving;

    /// <summary>The certificates to trust: PEM.</summary>
    public string Bundle => State.Bundle;

    /// <summary>When the newest authority ends.</summary>
    public DateTimeOffset Expires => (State.Next ?? State.Current).Certificate.NotAfter;

    private CaCertificates State => _state ?? throw new InvalidOperationException("The certificate authority is not loaded.");

    /// <summary>Reads the authority, or makes it. To be called, and to have succeeded, before anything else is.</summary>
    /// <exception cref="KubernetesException">The API server refused.</exception>
    /// <exception cref="HttpRequestException">The API server gave no answer.</exception>
    public async Task LoadAsync(CancellationToken cancellationToken = default)
    {
        var (secret, state) = await ReadAsync(cancellationToken).ConfigureAwait(false);
        var now = _time.GetUtcNow();
        if (state.HasExpired(now)) await WriteAsync(secret, state.Step(now, options), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The certificate to show to whoever connects now, renewed when two thirds of its life are over.</summary>
    public SslStreamCertificateContext Serving()
    {
        var (pair, now) = (State.Current, _time.GetUtcNow());
        lock (_lock)
        {
            if (_serving is { } serving && serving.By == pair && now < serving.RenewAt) return serving.Context;
            var certificate = pair.Sign(now, options);
            var context = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
            _serving = (pair, now + ((certificate.NotAfter - now) * 2 / 3), context);
            return context;
        }
    }

    /// <summary>Sees to Secret and ConfigMaps again and again. While another replica leads, only reads.</summary>
    public async Task RunAsync(Func<bool> leads, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(options.CheckEvery, _time);
        do
        {
            try
            {
                if (leads()) await CheckAsync(cancellationToken).ConfigureAwait(false);
                else await ReadAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                OperatorLog.CertificatesFailed(
                    logger, e is KubernetesException or HttpRequestException ? null : e, e.Message, operatorNamespace,
                    CertificateOptions.SecretName);
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Takes the authority one step further where it is time, and brings every namespace's ConfigMap up to date.</summary>
    public async Task CheckAsync(CancellationToken cancellationToken = default)
    {
        var (secret, state) = await ReadAsync(cancellationToken).ConfigureAwait(false);
        var stepped = state.Step(_time.GetUtcNow(), options);
        if (stepped != state) (secret, state) = await WriteAsync(secret, stepped, cancellationToken).ConfigureAwait(false);
        var allToldOf = await PublishEverywhereAsync(state, cancellationToken).ConfigureAwait(false);
        if (state is not { Next: { } next, NextPublished: null }) return;
        // One namespace that cannot be told (a quota, a webhook) must not keep the old authority to its end, and with it everybody.
        var waited = _time.GetUtcNow() - (next.Certificate.NotBefore + options.Skew);
        if (!allToldOf && waited < options.WaitForAll) return;
        await WriteAsync(secret, state with { NextPublished = _time.GetUtcNow() }, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task EnsurePublishedAsync(string @namespace, bool verify = false, CancellationToken cancellationToken = default)
    {
        var bundle = Bundle;
        if (!verify && _published.TryGetValue(@namespace, out var published) && published == bundle) return;
        await PublishAsync(@namespace, bundle, cancellationToken).ConfigureAwait(false);
    }

    private async Task<(V1Secret Secret, CaCertificates State)> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var secret = await client.GetAsync(Resources.Secrets, operatorNamespace, CertificateOptions.SecretName, cancellationToken)
                .ConfigureAwait(false);
            if (CaCertificates.FromSecret(secret?.Data) is { } state) return (secret!, Take(state));
            if (secret is not null) OperatorLog.AuthorityUnreadable(logger, operatorNamespace, CertificateOptions.SecretName);
            try
            {
                return await WriteAsync(secret, _state ?? CaCertificates.Create(_time.GetUtcNow(), options), cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (KubernetesException e) when (e.IsAlreadyExists || e.IsConflict)
            {
                // Another replica was first: read what it wrote.
            }
        }
    }

    private async Task<(V1Secret, CaCertificates)> WriteAsync(
        V1Secret? secret, CaCertificates state, CancellationToken cancellationToken)
    {
        var written = new V1Secret
        {
            Metadata = new V1ObjectMeta
            {
                Name = CertificateOptions.SecretName,
                Namespace = operatorNamespace,
                ResourceVersion = secret?.Metadata.ResourceVersion,
                Labels = new() { [ManagedBy] = Manager },
            },
            Type = "Opaque",
            Data = state.ToSecret(),
        };
        written = secret is null
            ? await client.CreateAsync(Resources.Secrets, written, cancel: cancellationToken).ConfigureAwait(false)
            : await client.ReplaceAsync(Resources.Secrets, written, cancel: cancellationToken).ConfigureAwait(false);
        OperatorLog.AuthorityWritten(logger, state.Current.Certificate.Subject, state.Next?.Certificate.Subject);
        return (written, Take(state));
    }

    // What is the same stays the same object, so that nothing is signed again.
    private CaCertificates Take(CaCertificates state)
    {
        lock (_lock)
        {
            if (_state is { } known && known.Current.Certificate.Equals(state.Current.Certificate))
                state = state with { Current = known.Current };
            return _state = state;
        }
    }

    // True when every namespace has the bundle.
    private async Task<bool> PublishEverywhereAsync(CaCertificates state, CancellationToken cancellationToken)
    {
        var bundle = state.Bundle;
        var there = await client.ListAsync(Resources.ConfigMaps, watchNamespace,
            new() { LabelSelector = $"{ManagedBy}={Manager}", FieldSelector = $"metadata.name={CertificateOptions.ConfigMapName}" },
            cancellationToken).ConfigureAwait(false);
        var behind = _published.Keys.ToHashSet(StringComparer.Ordinal);
        foreach (var map in there.Items)
            if (map.Data?.GetValueOrDefault(CertificateOptions.ConfigMapKey) == bundle) behind.Remove(map.Metadata.Namespace!);
            else behind.Add(map.Metadata.Namespace!);
        var all = true;
        foreach (var @namespace in behind)
        {
            try
            {
                await PublishAsync(@namespace, bundle, cancellationToken).ConfigureAwait(false);
            }
            catch (KubernetesException e) when (e.IsNotFound || e.IsNamespaceTerminating)
            {
                // The namespace has gone or is going, and its trainers with it.
                _published.TryRemove(@namespace, out _);
            }
            catch (Exception e) when (e is KubernetesException or HttpRequestException)
            {
                all = false;
                OperatorLog.TrustNotPublished(logger, @namespace, e.Message);
            }
        }

        return all;
    }

    // Each write is of what was read: one that a leader sends before it is stopped, and that arrives when another leads, changes nothing.
    private async Task PublishAsync(string @namespace, string bundle, CancellationToken cancellationToken)
    {
        while (true)
        {
            var map = await client.GetAsync(Resources.ConfigMaps, @namespace, CertificateOptions.ConfigMapName, cancellationToken)
                .ConfigureAwait(false);
            try
            {
                if (map is null) await CreateAsync(@namespace, bundle, cancellationToken).ConfigureAwait(false);
                else if (map.Data?.GetValueOrDefault(CertificateOptions.ConfigMapKey) != bundle || map.Label(ManagedBy) != Manager)
                    await client.MergePatchAsync(Resources.ConfigMaps, @namespace, CertificateOptions.ConfigMapName, new JsonObject
                    {
                        ["metadata"] = new JsonObject
                        {
                            ["uid"] = map.Metadata.Uid,
                            ["resourceVersion"] = map.Metadata.ResourceVersion,
                            ["labels"] = new JsonObject { [ManagedBy] = Manager },
                        },
                        ["data"] = new JsonObject { [CertificateOptions.ConfigMapKey] = bundle },
                    }, cancel: cancellationToken).ConfigureAwait(false);
                _published[@namespace] = bundle;
                return;
            }
            catch (KubernetesException e) when (e.IsAlreadyExists || e.IsConflict || (e.IsNotFound && map is not null))
            {
                // Somebody was quicker, or it was deleted in between: look again.
            }
        }
    }

    private Task CreateAsync(string @namespace, string bundle, CancellationToken cancellationToken) =>
        client.CreateAsync(Resources.ConfigMaps, new V1ConfigMap
        {
            Metadata = new V1ObjectMeta
            {
                Name = CertificateOptions.ConfigMapName,
                Namespace = @namespace,
                Labels = new() { [ManagedBy] = Manager },
            },
            Data = new() { [CertificateOptions.ConfigMapKey] = bundle },
        }, cancel: cancellationToken);
}
