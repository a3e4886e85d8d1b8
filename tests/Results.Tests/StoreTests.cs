using Hem.Results;
using Hem.TestCluster;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace Results.Tests;

/// <summary>Tests of the store; each is run once for each database that it can be in.</summary>
/// <param name="postgres">Null: SQLite.</param>
public abstract class StoreTests(PostgresFixture? postgres) : IAsyncLifetime
{
    private TemporaryStore? _temporary;

    private protected TemporaryStore Temporary => _temporary!;

    private protected ResultStore Store => Temporary.Store;

    public async ValueTask InitializeAsync() =>
        _temporary = await TemporaryStore.CreateAsync(postgres is null ? null : await postgres.ServerAsync());

    public ValueTask DisposeAsync()
    {
        _temporary?.Dispose();
        GC.SuppressFinalize(this);
        return default;
    }
}
