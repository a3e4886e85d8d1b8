using Hem.Cli.Engine;

namespace Hem.Cli.Terminal;

/// <summary>A run line by line, for files, pipes and terminals that cannot do more.</summary>
internal sealed class LogDisplay(TextWriter output, TimeProvider time) : IRunDisplay
{
    private static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, DateTimeOffset> _lastProgress = [];

    public TimeSpan? RefreshEvery => null;

    public void Show(RunEvent happened)
    {
        DateTimeOffset now = time.GetLocalNow();
        if (happened is TrialEvaluated { Trial.Name: var trial })
        {
            // The first one only starts the clock: quick trials then show no progress at all.
            bool due = _lastProgress.TryGetValue(trial, out DateTimeOffset last) && now - last >= ProgressEvery;
            if (due || last == default) _lastProgress[trial] = now;
            if (!due) return;
        }

        (string word, string text) = Sentences.Of(happened);
        output.WriteLine($"{now:HH:mm:ss} {(word.Length > 0 ? $"{word,-9} " : "")}{text}");
        if (Sentences.LogFile(happened) is { } log) output.WriteLine($"         {"",-9} log: {log}");
        output.Flush();
    }

    public void Refresh(Func<RunView> view)
    {
    }

    public void Finish()
    {
    }

    public void Dispose()
    {
    }
}
