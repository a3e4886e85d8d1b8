using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Hem.Results;
using Hem.Results.Reports;

namespace Hem.Operator.Web;

/// <summary>A sweep's answers as files of a folder, all of one moment.</summary>
/// <param name="Tag">Equal tags mean equal files.</param>
internal sealed record Answers(string Folder, string Tag);

/// <summary>
/// Reports of sweeps, rendered when they are asked for and kept as files: that of a large sweep is megabytes, and takes seconds to make.
/// One is made at a time, and a sweep that changes all the time has a new one after five seconds, or ten times as long as it took.
/// </summary>
internal sealed class AnswerCache : IDisposable
{
    public const string Page = "report.html";
    public const string Points = "points.csv";
    public const string Ranking = "ranking.json";

    /// <summary>The ranking as plain text for a terminal.</summary>
    public const string RankingText = "ranking.txt";

    /// <summary>Sweeps whose files are kept.</summary>
    private const int MostSweeps = 32;

    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(5);

    private readonly ResultStore _store;
    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _rendering = new(1);

    /// <param name="folder">A folder of the cache's own; what is in it is deleted.</param>
    public AnswerCache(ResultStore store, string folder, TimeProvider? time = null)
    {
        (_store, _folder, _time) = (store, folder, time ?? TimeProvider.System);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
    }

    /// <summary>
    /// The answers of the sweep that the namespace has under this name, or had last, of those made <paramref name="since"/> then; null
    /// where there never was one.
    /// </summary>
    public async Task<Answers?> FindAsync(
        string @namespace, string name, DateTimeOffset since, CancellationToken cancellationToken = default)
    {
        if (_store.ReadSweeps(@namespace, name) is not [var sweep, ..] || sweep.Created < since) return null;
        if (Fresh(sweep) is { } fresh) return fresh;
        await _rendering.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return Fresh(sweep) ?? await Task.Run(() => Render(sweep), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _rendering.Release();
        }
    }

    public void Dispose() => _rendering.Dispose();

    private Answers? Fresh(SweepRecord sweep)
    {
        if (!_entries.TryGetValue(sweep.Uid, out var entry)) return null;
        var now = _time.GetTimestamp();
        if (_time.GetElapsedTime(entry.Made, now) >= entry.GoodFor && TagOf(sweep) != entry.Answers.Tag) return null;
        _entries.TryUpdate(sweep.Uid, entry with { Asked = now }, entry);
        return entry.Answers;
    }

    private Answers Render(SweepRecord sweep)
    {
        var since = Stopwatch.GetTimestamp();
        // Before the data is read: what comes in between makes it old, and not the other way round.
        var tag = TagOf(sweep);
        var report = Report.Of(ReportData.FromStore(_store, sweep, _time.GetUtcNow()));
        var folder = Path.Combine(_folder, $"{sweep.Uid}-{tag}");
        report.Write(folder);
        File.WriteAllText(Path.Combine(folder, RankingText), report.RankingText);
        var took = Stopwatch.GetElapsedTime(since);
        var now = _time.GetTimestamp();
        var old = _entries.GetValueOrDefault(sweep.Uid);
        var entry = new Entry(new Answers(folder, tag), now, now, took * 10 > Freshness ? took * 10 : Freshness);
        _entries[sweep.Uid] = entry;
        if (old is not null && old.Answers.Folder != folder) Delete(old);
        while (_entries.Count > MostSweeps)
        {
            var (uid, least) = _entries.MinBy(pair => pair.Value.Asked);
            if (_entries.TryRemove(uid, out _)) Delete(least);
        }

        return entry.Answers;
    }

    private string TagOf(SweepRecord sweep) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{sweep.Uid} {_store.ReadReportVersion(sweep.Uid)}")))[..32];

    // Whoever is being sent one of the files has it open, and keeps it.
    private static void Delete(Entry entry)
    {
        try
        {
            Directory.Delete(entry.Answers.Folder, recursive: true);
        }
        catch (IOException)
        {
            // It goes when the cache is next made.
        }
    }

    private sealed record Entry(Answers Answers, long Made, long Asked, TimeSpan GoodFor);
}
