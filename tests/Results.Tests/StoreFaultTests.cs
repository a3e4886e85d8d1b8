using Hem.Results;
using Microsoft.Data.Sqlite;
using static Results.Tests.TemporaryStore;

namespace Results.Tests;

public sealed class StoreFaultTests : IDisposable
{
    private readonly TemporaryStore _temporary = new();

    private string Database => Path.Combine(_temporary.Folder, "results.db");

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_second_holder_is_told_who_holds_the_store_and_since_when()
    {
        var before = DateTimeOffset.UtcNow;
        _temporary.Reopen();
        var e = Should.Throw<StoreException>(() => ResultStore.Open(_temporary.Folder));
        e.Fault.ShouldBe(StoreFault.Locked);
        e.Holder!.ProcessId.ShouldBe(Environment.ProcessId);
        e.Holder.Since.ShouldBeInRange(before, DateTimeOffset.UtcNow);
        e.Message.ShouldContain($"process {Environment.ProcessId}");
        ResultStore.FindHolder(_temporary.Folder).ShouldBe(e.Holder);

        _temporary.Close();
        ResultStore.FindHolder(_temporary.Folder).ShouldBeNull();
        _temporary.Reopen();
    }

    [Fact]
    public void A_holder_is_whoever_holds_the_lock_and_not_what_a_dead_one_left_written()
    {
        _temporary.Reopen();
        var written = File.ReadAllText(Path.Combine(_temporary.Folder, "lock.holder"));
        var holder = ResultStore.FindHolder(_temporary.Folder)!;
        holder.Command.ShouldStartWith("Results.Tests");
        holder.Command.ShouldNotContain(".dll");

        _temporary.Close();
        File.WriteAllText(Path.Combine(_temporary.Folder, "lock.holder"), written);  // as a killed one leaves it; its pid lives: it is ours
        ResultStore.FindHolder(_temporary.Folder).ShouldBeNull();
        _temporary.Reopen();
    }

    [Fact]
    public async Task Asking_who_holds_a_store_keeps_nobody_from_taking_it()
    {
        _temporary.Reopen();
        _temporary.Close();
        using var over = new CancellationTokenSource();
        var asking = Task.Run(() =>
        {
            while (!over.IsCancellationRequested) ResultStore.FindHolder(_temporary.Folder);
        });
        for (var i = 0; i < 20; i++) _temporary.Reopen();
        over.Cancel();
        await asking;
    }

    [Fact]
    public void A_lock_that_cannot_be_signed_is_let_go_again()
    {
        var sign = Directory.CreateDirectory(Path.Combine(_temporary.Folder, "lock.holder.new"));
        var e = Should.Throw<StoreException>(() => ResultStore.Open(_temporary.Folder));
        (e.Fault, e.Message).ShouldBe((StoreFault.ReadOnly, $"{_temporary.Folder}/lock.holder: cannot be written to. "
            + "Check its permissions, or choose another store with --store."));
        sign.Delete();
        ResultStore.Open(_temporary.Folder).Dispose();
    }

    [Fact]
    public async Task A_store_is_read_while_another_holds_it()
    {
        var uid = await _temporary.AddSweepAsync();
        using var reader = ResultStore.OpenReadOnly(_temporary.Folder);
        reader.FindSweep("s")!.Uid.ShouldBe(uid);
        await _temporary.Store.StoreAsync(await _temporary.AddAttemptAsync(uid), [Point(1, 0)]);
        reader.ReadPoints(uid).Count().ShouldBe(1);
        var e = await Should.ThrowAsync<StoreException>(async () => await reader.UpsertSweepAsync("other", ""));
        e.Fault.ShouldBe(StoreFault.ReadOnly);
    }

    [Fact]
    public void Reading_where_there_is_no_store_says_so_and_makes_none()
    {
        var folder = Path.Combine(_temporary.Folder, "nothing");
        Should.Throw<StoreException>(() => ResultStore.OpenReadOnly(folder)).Fault.ShouldBe(StoreFault.NotFound);
        Directory.Exists(folder).ShouldBeFalse();
    }

    [Fact]
    public void A_newer_schema_is_refused_by_readers_and_writers()
    {
        _temporary.Reopen();
        _temporary.Close();
        Execute("PRAGMA user_version = 1000");
        var e = Should.Throw<StoreException>(() => ResultStore.Open(_temporary.Folder));
        e.Fault.ShouldBe(StoreFault.TooNew);
        e.Message.ShouldContain("schema 1000");
        Should.Throw<StoreException>(() => ResultStore.OpenReadOnly(_temporary.Folder)).Fault.ShouldBe(StoreFault.TooNew);
    }

    [Fact]
    public void Another_programs_database_is_left_alone()
    {
        Execute("CREATE TABLE theirs (a)");
        Should.Throw<StoreException>(() => ResultStore.Open(_temporary.Folder)).Fault.ShouldBe(StoreFault.Corrupt);
    }

    [Fact]
    public void A_file_that_is_no_database_is_left_alone()
    {
        var text = string.Concat(Enumerable.Repeat("no database ", 1000));
        File.WriteAllText(Database, text);
        Should.Throw<StoreException>(() => ResultStore.Open(_temporary.Folder)).Fault.ShouldBe(StoreFault.Corrupt);
        Should.Throw<StoreException>(() => ResultStore.OpenReadOnly(_temporary.Folder)).Fault.ShouldBe(StoreFault.Corrupt);
        File.ReadAllText(Database).ShouldBe(text);
        ResultStore.FindHolder(_temporary.Folder).ShouldBeNull();
    }

    [Fact]
    public async Task A_damaged_database_says_so()
    {
        await _temporary.AddSweepAsync(trials: 2000);
        _temporary.Close();
        using (var file = new FileStream(Database, FileMode.Open))
        {
            file.Position = 8192;
            file.Write(Enumerable.Repeat((byte)0xa5, (int)file.Length - 8192).ToArray());
        }

        var e = Should.Throw<StoreException>(() => _temporary.Store.ReadTrials(_temporary.Store.FindSweep("s")!.Uid).Count());
        e.Fault.ShouldBe(StoreFault.Corrupt);
        e.Message.ShouldContain(Database);
    }

    [Fact]
    public void A_place_that_cannot_be_written_to_says_so()
    {
        var e = Should.Throw<StoreException>(() => ResultStore.Open("/proc/hem-results"));
        e.Message.ShouldContain("/proc/hem-results");
        File.WriteAllText(Path.Combine(_temporary.Folder, "file"), "");
        Should.Throw<StoreException>(() => ResultStore.Open(Path.Combine(_temporary.Folder, "file")));
    }

    [Fact]
    public async Task A_full_disk_refuses_what_does_not_fit_and_loses_nothing_and_writing_goes_on_once_there_is_space()
    {
        await _temporary.AddSweepAsync();
        _temporary.Close();
        ulong stored = 0;
        string uid;
        using (var store = ResultStore.Open(_temporary.Folder, new StoreOptions { MaxPages = 40 }))
        {
            uid = store.FindSweep("s")!.Uid;
            await store.AddAttemptAsync(new NewAttempt(uid, "s-0", 1, "a1"));
            StoreException? full = null;
            while (full is null && stored < 1_000_000)
            {
                try
                {
                    await store.StoreAsync(new(uid, "s-0", "a1", 1),
                        [.. Enumerable.Range(1, 100).Select(i => Point(stored + (ulong)i, stored + (ulong)i))]);
                    stored += 100;
                }
                catch (StoreException e)
                {
                    full = e;
                }
            }

            full!.Fault.ShouldBe(StoreFault.DiskFull);
            stored.ShouldBeGreaterThan(0UL);
            store.ReadPoints(uid).Count().ShouldBe((int)stored);
            (await store.AcknowledgedUpToAsync(new(uid, "s-0", "a1", 1))).ShouldBe(stored);
        }

        await _temporary.Store.StoreAsync(new(uid, "s-0", "a1", 1), [Point(stored + 1, stored + 1)]);
        _temporary.Store.ReadPoints(uid).Count().ShouldBe((int)stored + 1);
    }

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Database};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
