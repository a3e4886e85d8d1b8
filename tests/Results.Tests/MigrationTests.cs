using Hem.Results;
using Microsoft.Data.Sqlite;
using static Results.Tests.TemporaryStore;

namespace Results.Tests;

/// <summary>Stores that an older version wrote.</summary>
public sealed class MigrationTests : IDisposable
{
    private readonly TemporaryStore _temporary = new();

    public MigrationTests()
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(_temporary.Folder, "results.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "schema-1.sql"));
        command.ExecuteNonQuery();
    }

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_reader_of_an_older_store_says_what_brings_it_up_to_date() =>
        Should.Throw<StoreException>(() => ResultStore.OpenReadOnly(_temporary.Folder).Dispose())
            .Message.ShouldContain("was written by an older Hem (schema 1, now 4)");

    [Fact]
    public async Task A_store_of_schema_1_keeps_all_that_is_in_it_and_goes_on()
    {
        var sweep = _temporary.Store.FindSweep("s")!;
        (sweep.Uid, sweep.Spec, sweep.Namespace, sweep.Deleted).ShouldBe(("u7", "spec", "", null));
        sweep.Created.ToUnixTimeMilliseconds().ShouldBe(1000);
        var live = _temporary.Store.ReadLiveAttempts().ShouldHaveSingleItem();
        (live.SweepUid, live.Trial, live.Id, live.ProcessId, live.AcknowledgedUpTo).ShouldBe(("u7", "s-0", "a1", 4711, 2UL));

        await _temporary.Store.StoreAsync(new("u7", "s-0", "a1", 1), [Point(3, 2, coverage: 7)]);
        _temporary.Reopen().ReadPoints("u7").Select(p => (p.Iteration, p.GoalCoverage))
            .ShouldBe([(0, null), (1, null), (2, 7)]);
        (await _temporary.Store.UpsertSweepAsync("s", "edited")).Uid.ShouldBe("u7");
        (await _temporary.Store.AddTrialsAsync("u7", [Trial(0), Trial(1)])).ShouldBe(1);
        using var readOnly = ResultStore.OpenReadOnly(_temporary.Folder);
        readOnly.ReadTrials("u7").Count().ShouldBe(2);
    }

    [Fact]
    public async Task References_are_checked_in_a_store_that_was_migrated_as_in_a_new_one()
    {
        await _temporary.Store.DeleteSweepAsync("u7");
        _temporary.Close();
        using var connection = new SqliteConnection($"Data Source={Path.Combine(_temporary.Folder, "results.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM pragma_foreign_key_check";
        command.ExecuteScalar().ShouldBe(0L);
        command.CommandText = "SELECT count(*) FROM trials";
        command.ExecuteScalar().ShouldBe(0L);
        command.CommandText = "SELECT \"table\" FROM pragma_foreign_key_list('trials')";
        command.ExecuteScalar().ShouldBe("sweeps");
    }
}
