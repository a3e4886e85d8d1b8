using Hem.Results;
using Hem.Results.Postgres;
using Hem.TestCluster;
using Npgsql;
using static Results.Tests.TemporaryStore;

namespace Results.Tests.Postgres;

/// <summary>What is of PostgreSQL alone: takeovers, and databases that are not as they should be.</summary>
public sealed class PostgresStoreTests(PostgresFixture postgres) : StoreTests(postgres)
{
    private readonly PostgresFixture _postgres = postgres;

    [Fact]
    public async Task Who_was_taken_over_from_changes_nothing_any_more_and_is_told_by_whom()
    {
        var uid = await Temporary.AddSweepAsync();
        var attempt = await Temporary.AddAttemptAsync(uid);
        await Store.StoreAsync(attempt, [Point(1, 0)]);

        using var next = Temporary.Open(new StoreOptions { Holder = "hem-operator-2" });
        (await next.AcknowledgedUpToAsync(attempt)).ShouldBe(1UL);
        var refused = await Should.ThrowAsync<StoreException>(Store.StoreAsync(attempt, [Point(2, 1)]));

        refused.Fault.ShouldBe(StoreFault.Locked);
        refused.Message.ShouldContain("was taken over by hem-operator-2 at ");
        await next.StoreAsync(attempt, [Point(2, 1, success: 0.25)]);
        next.ReadPoints(uid).Select(point => point.SuccessRate).ShouldBe([0.5, 0.25]);
        (await Should.ThrowAsync<StoreException>(Store.DeleteSweepAsync(uid))).Fault.ShouldBe(StoreFault.Locked);
        Store.ReadPoints(uid).Count().ShouldBe(2, "reading goes on");
    }

    [Fact]
    public async Task A_takeover_waits_for_the_transaction_that_is_being_written_and_sees_it()
    {
        var uid = await Temporary.AddSweepAsync();
        var attempt = await Temporary.AddAttemptAsync(uid);
        await using var late = await ConnectAsync();
        // A leader that stands still in the middle of writing.
        await ExecuteAsync(late, "BEGIN");
        await ExecuteAsync(late, "SELECT 1 FROM hem_store FOR SHARE");
        var next = Task.Run(() => Temporary.Open());
        await Wait.UntilAsync(async () => await CountAsync(
            "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT granted AND query LIKE '%hem_store%' "
            + $"AND {(int)late.ProcessID} = ANY (pg_blocking_pids(pid))") == 1, "the next one waits");
        await ExecuteAsync(late, "UPDATE attempts SET acknowledged = 7");
        next.IsCompleted.ShouldBeFalse();

        await ExecuteAsync(late, "COMMIT");

        using var store = await next.WaitAsync(Timeouts.Quick);
        (await store.AcknowledgedUpToAsync(attempt)).ShouldBe(7UL);
    }

    [Fact]
    public async Task What_is_written_is_on_disk_whatever_the_servers_settings_and_whoever_stands_still_while_writing_is_cut_off()
    {
        var uid = await Temporary.AddSweepAsync();
        var attempt = await Temporary.AddAttemptAsync(uid);
        Temporary.Close();
        await using var connection = await ConnectAsync();
        await ExecuteAsync(connection,
            """
            CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF current_setting('synchronous_commit') = 'off' THEN RAISE 'it may be lost'; END IF;
            IF current_setting('idle_in_transaction_session_timeout') <> '10s' THEN RAISE 'it may last for ever'; END IF;
            RETURN new;
            END $$
            """);
        await ExecuteAsync(connection, "CREATE TRIGGER look BEFORE INSERT ON points FOR EACH ROW EXECUTE FUNCTION look()");

        using var store = ResultStore.OpenPostgres(() => Temporary.Place + "&options=-c%20synchronous_commit%3Doff");
        await store.StoreAsync(attempt, [Point(1, 0)]);

        store.ReadPoints(uid).Count().ShouldBe(1);
    }

    [Fact]
    public async Task A_text_with_a_NUL_is_stored_without_it()
    {
        var uid = await Temporary.AddSweepAsync();
        var attempt = await Temporary.AddAttemptAsync(uid);
        await Store.EndAttemptAsync(attempt.AttemptId, AttemptOutcome.Failed, "core\0dumped");
        Store.ReadAttempts(uid).ShouldHaveSingleItem().Reason.ShouldBe("core\ufffddumped");
    }

    [Fact]
    public async Task A_newer_schema_is_refused_and_left_as_it_is()
    {
        Temporary.Reopen();
        Temporary.Close();
        await using var connection = await ConnectAsync();
        await ExecuteAsync(connection, "UPDATE hem_store SET version = 1000");
        var e = Should.Throw<StoreException>(() => Temporary.Open());
        (e.Fault, e.Message).ShouldBe((StoreFault.TooNew,
            $"{Server}/postgres: was written by a newer Hem (schema 1000; this one knows {PostgresSchema.Version}). Use that Hem."));
        (await CountAsync("SELECT count(*) FROM hem_store WHERE version = 1000")).ShouldBe(1);
    }

    [Fact]
    public async Task Another_programs_tables_are_left_alone()
    {
        await using var connection = await ConnectAsync();
        await ExecuteAsync(connection, "CREATE TABLE trials (theirs int)");
        var e = Should.Throw<StoreException>(() => Temporary.Open());
        (e.Fault, e.Message).ShouldBe((StoreFault.Corrupt,
            $"{Server}/postgres: has tables of some other program. Give Hem a database of its own."));
        (await CountAsync("SELECT count(*) FROM pg_class WHERE relname = 'hem_store' AND relnamespace = current_schema()::regnamespace"))
            .ShouldBe(0);
    }

    [Theory]
    [InlineData("a%20secret", "another%20one", StoreFault.Unavailable, "28P01")]
    [InlineData("/postgres?", "/nowhere?", StoreFault.NotFound, "there is no such database")]
    [InlineData("@127.0.0.1", "@127.0.0.1:1,127.0.0.2", StoreFault.Unavailable, "cannot be reached")]
    [InlineData("postgresql://", "postgresql:/", StoreFault.NotFound, "The connection string of the results cannot be read")]
    public void What_cannot_be_opened_is_told_without_secrets(string right, string wrong, StoreFault fault, string said)
    {
        var e = Should.Throw<StoreException>(() => ResultStore.OpenPostgres(() => Temporary.Place.Replace(right, wrong)));
        e.Fault.ShouldBe(fault, e.Message);
        e.Message.ShouldContain(said);
        e.ToString().ShouldNotContain("a secret");
        e.ToString().ShouldNotContain("a%20secret");
        e.ToString().ShouldNotContain("another");
    }

    [Fact]
    public async Task Of_several_hosts_the_one_that_is_there_is_taken()
    {
        var address = Temporary.Place.Split('@')[1].Split('/')[0];
        using var store = ResultStore.OpenPostgres(() => Temporary.Place.Replace($"@{address}", $"@127.0.0.1:1,{address}"));
        (await store.UpsertSweepAsync("s", "spec")).Spec.ShouldBe("spec");
    }

    [Fact]
    public void A_file_with_the_connection_string_that_is_not_there_yet_is_looked_for_again()
    {
        var file = Path.Combine(Path.GetTempPath(), $"hem-{Guid.NewGuid():N}");
        var e = Should.Throw<StoreException>(() => ResultStore.OpenPostgres(() => File.ReadAllText(file)));
        e.Fault.ShouldBe(StoreFault.Unavailable);
        e.Message.ShouldContain(file);
    }

    [Fact]
    public async Task A_password_may_change_while_the_store_is_open()
    {
        var server = await _postgres.ServerAsync();
        var user = $"u{Guid.NewGuid():N}";
        await server.SqlAsync($"CREATE ROLE {user} LOGIN SUPERUSER PASSWORD 'old'");
        var password = "old";
        using var store = ResultStore.OpenPostgres(() => Temporary.Place.Replace("hem:a%20secret", $"{user}:{password}"));
        await store.UpsertSweepAsync("s", "one");
        await server.SqlAsync($"ALTER ROLE {user} PASSWORD 'new'");
        password = "new";
        await server.SqlAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{user}'");

        await Wait.UntilAsync(
            async () => (await store.UpsertSweepAsync("s", "two")).Spec == "two", "the store is written to again", Timeouts.Quick);
        store.FindSweep("s")!.Spec.ShouldBe("two");
    }

    [Fact]
    public async Task How_large_it_is_is_known_and_what_is_left_is_not()
    {
        await Temporary.AddSweepAsync();
        var (size, free, capacity) = Store.ReadSize();
        size.ShouldNotBeNull().ShouldBeGreaterThan(1_000_000);
        free.ShouldBeNull();
        capacity.ShouldBeNull();
    }

    private string Server => "postgresql://" + Temporary.Place.Split('@')[1].Split('/')[0];

    private async Task<NpgsqlConnection> ConnectAsync()
    {
        var connection = new NpgsqlConnection(ConnectionString.Parse(Temporary.Place).ToString());
        await connection.OpenAsync();
        return connection;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<long> CountAsync(string sql)
    {
        await using var connection = await ConnectAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
