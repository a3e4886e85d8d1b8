using Hem.Results;
using Hem.Results.Sqlite;
using static Results.Tests.TemporaryStore;

namespace Results.Tests;

public sealed class BackupTests : IDisposable
{
    private readonly TemporaryStore _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task A_copy_holds_what_was_stored_before_while_the_store_goes_on()
    {
        var uid = await _temporary.AddSweepAsync();
        var attempt = await _temporary.AddAttemptAsync(uid);
        await _temporary.Store.StoreAsync(attempt, [Point(1, 0), Point(2, 1)]);
        var copies = Directory.CreateDirectory(Path.Combine(_temporary.Folder, "copies")).FullName;

        StoreBackup.Write(_temporary.Folder, Path.Combine(copies, "results.db"));
        await _temporary.Store.StoreAsync(attempt, [Point(3, 2)]);

        using var copy = ResultStore.Open(copies);
        copy.ReadPoints(uid).Count().ShouldBe(2);
        (await copy.AcknowledgedUpToAsync(attempt)).ShouldBe(2UL);
        _temporary.Store.ReadPoints(uid).Count().ShouldBe(3);
    }

    [Fact]
    public async Task What_cannot_be_copied_is_said_with_both_places()
    {
        await _temporary.AddSweepAsync();
        Should.Throw<StoreException>(() => StoreBackup.Write(_temporary.Folder, "/nowhere/results.db"))
            .Message.ShouldBe($"{_temporary.Folder}/results.db: cannot be copied to /nowhere/results.db: "
                + "SQLite Error 14: 'unable to open database: /nowhere/results.db'.");
        Should.Throw<StoreException>(() => StoreBackup.Write("/nowhere", "/tmp/x")).Fault.ShouldBe(StoreFault.NotFound);
    }
}
