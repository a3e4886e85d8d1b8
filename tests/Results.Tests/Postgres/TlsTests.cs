using Hem.Results;
using Hem.TestCluster;

namespace Results.Tests.Postgres;

/// <summary>`sslmode=verify-full` with a server that has a certificate for its name, of an authority of its own.</summary>
[Collection(nameof(TlsTests))]
[CollectionDefinition(nameof(TlsTests), DisableParallelization = true)]     // it sets a variable that every connection heeds
public sealed class TlsTests
{
    [Fact]
    public async Task The_server_must_be_the_one_that_is_named_by_an_authority_that_is_trusted()
    {
        PostgresServer server;
        try
        {
            server = await PostgresServer.StartAsync();
        }
        catch (CannotException e)
        {
            Assert.Skip(e.Message);
            return;
        }

        await using var its = server;
        var (right, wrong) = await server.UseTlsAsync();
        var database = await server.CreateDatabaseAsync();

        using (var store = Open("localhost", $"sslmode=verify-full&sslrootcert={right}"))
        {
            await store.UpsertSweepAsync("s", "");
            store.FindSweep("s").ShouldNotBeNull();
            (await server.SqlAsync(
                $"SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = '{database}'"))
                .Trim().ShouldBe("t");
        }

        Refused("localhost", $"sslmode=verify-full&sslrootcert={wrong}");
        Refused("127.0.0.1", $"sslmode=verify-full&sslrootcert={right}");
        Refused("localhost", "sslmode=verify-full");
        Refused("localhost", "sslmode=disable");

        // As the chart says whom to trust (results.postgresql.caSecret).
        const string Variable = "PGSSLROOTCERT";
        Environment.SetEnvironmentVariable(Variable, right);
        try
        {
            using var store = Open("localhost", "sslmode=verify-full");
            store.FindSweep("s").ShouldNotBeNull();
        }
        finally
        {
            Environment.SetEnvironmentVariable(Variable, null);
        }

        ResultStore Open(string host, string query) =>
            ResultStore.OpenPostgres(() => $"{server.ConnectionString(database, host)}?{query}");

        void Refused(string host, string query)
        {
            var e = Should.Throw<StoreException>(() => Open(host, query), query);
            e.Fault.ShouldBe(StoreFault.Unavailable, e.Message);
            e.ToString().ShouldNotContain("a secret");
        }
    }
}
