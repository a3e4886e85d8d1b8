using System.Diagnostics;

namespace Cli.Tests.Support;

/// <summary>The one set of time limits of these tests, and how they wait: for a condition, never for a time.</summary>
internal static class Patience
{
    /// <summary>For anything that should be there at once. Generous, because a busy machine is no fault.</summary>
    public static readonly TimeSpan Short = TimeSpan.FromSeconds(60);

    /// <summary>For a whole sweep.</summary>
    public static readonly TimeSpan Long = TimeSpan.FromMinutes(4);

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    public static async Task UntilAsync(Func<bool> condition, string what, TimeSpan? limit = null)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            if (watch.Elapsed > (limit ?? Short)) throw new TimeoutException($"waited {watch.Elapsed.TotalSeconds:0} s for: {what}");
            await Task.Delay(Step);
        }
    }

    public static async Task<T> Within<T>(this Task<T> task, string what, TimeSpan? limit = null)
    {
        await ((Task)task).Within(what, limit);
        return await task;
    }

    public static async Task Within(this Task task, string what, TimeSpan? limit = null)
    {
        if (await Task.WhenAny(task, Task.Delay(limit ?? Short)) != task) throw new TimeoutException($"waited too long for: {what}");
        await task;
    }
}
