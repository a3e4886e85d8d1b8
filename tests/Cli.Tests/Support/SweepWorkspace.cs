using System.Globalization;
using Hem.Cli.Processes;
using Hem.Results;

namespace Cli.Tests.Support;

/// <summary>A folder with a sweep file and a store, and what one wants to know about them. Ends what is left running.</summary>
internal sealed class SweepWorkspace : IDisposable
{
    public const string Name = "small";

    private static readonly Lazy<Task<IReadOnlyList<string>>> undisturbed = new(RunLongAsync);

    private readonly List<HemProcess> _started = [];

    public TemporaryFolder Folder { get; } = new();

    public string Store => Folder["results"];

    public string File => Folder["sweep.yaml"];

    /// <summary>A small but real sweep of Flip bit.</summary>
    public void Write(
        int iterations = 3, string n = "[2, 4]", int seeds = 2, string more = "", int updates = 5) =>
        Folder.Write("sweep.yaml", string.Create(
        CultureInfo.InvariantCulture,
        $$"""
        apiVersion: hem.dev/v1alpha1
        kind: HemSweep
        metadata: {name: {{Name}}}
        spec:
          base:
            {algorithm: hem, task: flipbit-6, iterations: {{iterations}}, workers: 1, updates: {{updates}}, hiddenUnits: 32,
             evaluationEpisodes: 20}
          grid: {N: {{n}}}
          seeds: {count: {{seeds}}}
          parallelism: 2
        {{more}}
        """));

    /// <summary>A sweep that takes some seconds: there is time to kill things.</summary>
    public void WriteLong(string more = "") => Write(iterations: 400, n: "[4]", seeds: 3, updates: 40, more: more);

    public HemProcess Start(params string[] arguments)
    {
        HemProcess hem = HemProcess.Start(Folder, ["run", File, "--store", Store, .. arguments]);
        _started.Add(hem);
        return hem;
    }

    public async Task<HemProcess> RunAsync(params string[] arguments)
    {
        HemProcess hem = Start(arguments);
        await hem.EndAsync();
        return hem;
    }

    public async Task<HemProcess> HemAsync(params string[] arguments)
    {
        HemProcess hem = HemProcess.Start(Folder, arguments);
        _started.Add(hem);
        await hem.EndAsync();
        return hem;
    }

    public T Read<T>(Func<ResultStore, string, T> read)
    {
        using ResultStore store = ResultStore.OpenReadOnly(Store);
        return read(store, store.FindSweep(Name)!.Uid);
    }

    public IReadOnlyList<TrialRecord> Trials => Read((store, uid) => store.ReadTrials(uid).ToArray());

    public IReadOnlyList<AttemptRecord> Attempts => Read((store, uid) => store.ReadAttempts(uid).ToArray());

    /// <summary>The learning curves without what may differ between two runs of one trial: times, attempts.</summary>
    public IReadOnlyList<string> Curves => Read((store, uid) => store.ReadPoints(uid)
        .Select(point => string.Create(
            CultureInfo.InvariantCulture,
            $"{point.Trial} {point.Iteration} {point.Trajectories} {point.EnvSteps} {point.Updates} {point.SuccessRate:R} {point.Loss:R}"))
        .Order()
        .ToArray());

    /// <summary>The curves of <see cref="WriteLong"/> where nothing was killed: run once for all tests.</summary>
    public static Task<IReadOnlyList<string>> UndisturbedAsync() => undisturbed.Value;

    /// <summary>The trainers of this store that run now.</summary>
    public IReadOnlyList<ProcessIdentity> Trainers
    {
        get
        {
            HashSet<string> own = [.. Attempts.Select(attempt => attempt.Id)];
            return [.. ProcessIdentity.FindByEnvironment("HEM_ATTEMPT").Where(pair => own.Contains(pair.Key)).Select(pair => pair.Value)];
        }
    }

    /// <summary>Waits until trials train: some points are stored, and no trial is complete.</summary>
    public Task TrainingAsync(int points = 3) => Patience.UntilAsync(
        () => System.IO.File.Exists(Path.Combine(Store, "results.db")) && HasSweep()
            && Read((store, uid) => store.ReadPoints(uid).Count()) >= points,
        "trials to train");

    public void Dispose()
    {
        foreach (HemProcess hem in _started) hem.Dispose();
        if (Directory.Exists(Store) && HasSweep())
        {
            ProcessIdentity.KillAll("HEM_ATTEMPT", Attempts.Select(attempt => attempt.Id).ToHashSet());
        }

        Folder.Dispose();
    }

    private static async Task<IReadOnlyList<string>> RunLongAsync()
    {
        using var work = new SweepWorkspace();
        work.WriteLong();
        (await work.RunAsync()).ExitCode.ShouldBe(0);
        return work.Curves;
    }

    private bool HasSweep()
    {
        try
        {
            using ResultStore store = ResultStore.OpenReadOnly(Store);
            return store.FindSweep(Name) is not null;
        }
        catch (StoreException)
        {
            return false;
        }
    }
}
