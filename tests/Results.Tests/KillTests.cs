using System.Diagnostics;
using System.Globalization;
using System.Text;
using Hem.Progress;
using Hem.Results;
using Hem.TestCluster;
using static Results.Tests.TemporaryStore;

namespace Results.Tests;

/// <summary>
/// A child process (this program in another mode) stores points and says on its standard output what was acknowledged; it is killed with
/// -9 at a random moment, many times over; with HEM_SOAK set, ten times as many.
/// </summary>
public abstract class KillTests(PostgresFixture? postgres)
{
    internal const string Mode = "HEM_TEST_STORE_CHILD";
    private const int Trials = 4;
    private const int KillsPerStore = 25;

    private int Kills => (Environment.GetEnvironmentVariable("HEM_SOAK") is { Length: > 0 } ? 10 : 1) * (postgres is null ? 50 : 20);

    [Fact]
    public async Task Nothing_acknowledged_is_lost_however_often_the_process_is_killed()
    {
        var random = new Random(1);
        for (var left = Kills; left > 0; left -= KillsPerStore) await KillAgainAndAgainAsync(Math.Min(left, KillsPerStore), random);
    }

    private async Task KillAgainAndAgainAsync(int kills, Random random)
    {
        using var temporary = await TemporaryStore.CreateAsync(postgres is null ? null : await postgres.ServerAsync());
        var uid = await temporary.AddSweepAsync(Trials);
        for (var i = 0; i < Trials; i++) await temporary.Store.AddAttemptAsync(new NewAttempt(uid, $"s-{i}", 1, $"a{i}"));
        temporary.Close();

        var acknowledged = new ulong[Trials];
        for (var kill = 0; kill < kills; kill++)
        {
            var known = acknowledged.Sum(a => (long)a);
            var extra = TimeSpan.FromMilliseconds(random.NextDouble() * 20);
            await RunAndKillAsync(temporary.Place, acknowledged, atLeast: random.Next(1, 200), extra);
            acknowledged.Sum(a => (long)a).ShouldBeGreaterThan(known);

            // Opening at once shows that whatever lock there is went with its holder.
            using var store = TemporaryStore.Open(temporary.Place);
            for (var i = 0; i < Trials; i++)
            {
                var stored = await store.AcknowledgedUpToAsync(new(uid, $"s-{i}", $"a{i}", 1));
                stored.ShouldBeGreaterThanOrEqualTo(acknowledged[i], $"kill {kill}, trial {i}");
                long next = 1;
                foreach (var point in store.ReadPoints(uid, $"s-{i}"))
                {
                    if (point.Iteration != next || point.SuccessRate != Success((ulong)next))
                        Assert.Fail($"kill {kill}, trial {i}: {point} is not point {next}");
                    next++;
                }

                (next - 1).ShouldBe((long)stored);
            }
        }
    }

    private static async Task RunAndKillAsync(string place, ulong[] acknowledged, int atLeast, TimeSpan extra)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Results.Tests")) { RedirectStandardOutput = true };
        start.Environment[Mode] = place;
        using var child = Process.Start(start)!;
        var (lines, killer) = (0, Task.CompletedTask);
        while (await child.StandardOutput.ReadLineAsync() is { } line)
        {
            // Every line that came through whole was written after its acknowledgement.
            if (line.Split(' ') is not [var trial, var sequence, "."]) continue;
            acknowledged[int.Parse(trial, CultureInfo.InvariantCulture)] = ulong.Parse(sequence, CultureInfo.InvariantCulture);
            if (++lines == atLeast) killer = Task.Run(async () =>
            {
                await Task.Delay(extra);
                child.Kill();
            });
        }

        lines.ShouldBeGreaterThanOrEqualTo(atLeast, "the child ended by itself");
        await killer;
        await child.WaitForExitAsync();
    }

    private static double Success(ulong iteration) => iteration % 100 / 100.0;

    internal static async Task RunAsChildAsync(string place)
    {
        await using var store = TemporaryStore.Open(place);
        var uid = store.FindSweep("s")!.Uid;
        await using var output = Console.OpenStandardOutput();
        await Task.WhenAll(Enumerable.Range(0, Trials).Select(i => Task.Run(async () =>
        {
            var attempt = new AttemptIdentity(uid, $"s-{i}", $"a{i}", 1);
            var next = await store.AcknowledgedUpToAsync(attempt) + 1;
            while (true)
            {
                var batch = Enumerable.Range(0, 1 + (int)(next % 7)).Select(n => next + (ulong)n)
                    .Select(sequence => Point(sequence, sequence, Success(sequence))).ToList();
                await store.StoreAsync(attempt, batch);
                next += (ulong)batch.Count;
                var line = Encoding.ASCII.GetBytes($"{i} {next - 1} .\n");
                lock (output) output.Write(line);
            }
        })));
    }
}

public sealed class KillInSqliteTests() : KillTests(postgres: null);

public sealed class KillInPostgresTests(PostgresFixture postgres) : KillTests(postgres);
