using System.Text.RegularExpressions;
using Hem.Progress;
using Hem.Results;
using Hem.TestCluster;
using static Results.Tests.TemporaryStore;

namespace Results.Tests.Postgres;

/// <summary>The commands of docs/operations.md, Backup and restore of PostgreSQL.</summary>
public sealed partial class DumpTests(PostgresFixture postgres)
{
    [Fact]
    public async Task What_was_dumped_is_there_again_and_what_came_later_is_not()
    {
        var server = await postgres.ServerAsync();
        var results = server.ConnectionString(await server.CreateDatabaseAsync());
        var page = await File.ReadAllTextAsync(Path.Combine(Machine.Repository, "docs", "operations.md"));
        var section = page[page.IndexOf("\n## Backup and restore of PostgreSQL\n", StringComparison.Ordinal)..];
        var commands = Commands().Matches(section).Select(match => match.Groups[1].Value).Take(2).ToList();
        var folder = Directory.CreateTempSubdirectory("hem-dump-");
        try
        {
            string uid;
            AttemptIdentity attempt;
            using (var store = TemporaryStore.Open(results))
            {
                uid = (await store.UpsertSweepAsync("s", "")).Uid;
                await store.AddTrialsAsync(uid, [Trial(0)]);
                attempt = new AttemptIdentity(uid, "s-0", "a", 1);
                await store.AddAttemptAsync(new NewAttempt(uid, "s-0", 1, "a"));
                await store.StoreAsync(attempt, [Point(1, 0), Point(2, 1)]);
                await RunAsync(commands[0]);
                await store.StoreAsync(attempt, [Point(3, 2)]);
            }

            await RunAsync(commands[1]);
            using (var store = TemporaryStore.Open(results))
            {
                store.ReadPoints(uid).Count().ShouldBe(2);
                (await store.AcknowledgedUpToAsync(attempt)).ShouldBe(2UL);
                await store.StoreAsync(attempt, [Point(3, 2)]);
                store.ReadPoints(uid).Count().ShouldBe(3);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        Task<string> RunAsync(string command) => Machine.RunAsync("env",
            [$"PATH={server.Programs}:/usr/bin:/bin", $"RESULTS={results}", "sh", "-ec", $"cd {folder.FullName}; {command}"]);
    }

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Commands();
}
