using System.Text;
using System.Text.Json;
using Hem.Core.Planning;
using Hem.Core.Sweeps;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Trials;
using Hem.Results;
using StoredOutcome = Hem.Results.AttemptOutcome;

namespace Hem.Operator.Sweeps;

/// <summary>Finding out, at the start, what is: what the record knows, joined with what the API server has; and reading the spec.</summary>
internal sealed partial class SweepReconciler
{
    private HemSweepResource? _readResource;
    private SweepModel? _savedModel;

    /// <summary>Since when reports of its trainers are seen here.</summary>
    private DateTimeOffset _loadedAt;

    /// <summary>May be cut short by a store that cannot be read now, and is repeated then.</summary>
    private async Task LoadAsync(CancellationToken cancel)
    {
        ReadSpec();
        await SaveSpecAsync(cancel);
        _observed = new ObservedSweep(_desired);
        _ended.Clear();
        ILookup<string, AttemptRecord> attempts =
            services.Store.ReadAttempts(Uid).ToLookup(attempt => attempt.Trial, StringComparer.Ordinal);
        ILookup<string, HeldTimeRecord> held = ReadHeldTimes();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (TrialRecord record in services.Store.ReadTrials(Uid))
        {
            known.Add(record.Name);
            if (await CompletedAsync(record, cancel) is { } completed)
                Load(completed, [.. services.Store.ReadAttempts(Uid, record.Name)], held);
            else Load(record, await AttemptsAsync(record, [.. attempts[record.Name]], cancel), held);
        }

        foreach (TrialState state in _trials.Values)
            if (!known.Contains(state.Name)) await LoadUnrecordedAsync(state, cancel);
        (_isLoaded, _loadedAt) = (true, Now);
    }

    /// <summary>
    /// A HemTrial is said to be complete only once the record says so. If it is, and the record does not, that one was put back to an older
    /// state since: the trial must not run again.
    /// </summary>
    /// <returns>What the record says from now on; null where there is nothing to mend.</returns>
    private async Task<TrialRecord?> CompletedAsync(TrialRecord record, CancellationToken cancel)
    {
        if (record.Finished is not null
            || StateOf(record.Name).Object is not { Status: { Phase: HemTrialPhase.Succeeded } status } trial
            || trial.Spec.Hash != record.Hash)
        {
            return null;
        }

        OperatorLog.StoreIsOlder(services.Logger, Namespace, Name, record.Name);
        await services.Store.ImportFinishedAsync(
            Uid, record.Name, status.Attempts ?? 0, status.CompletionTime ?? trial.Metadata.CreationTimestamp ?? Now, cancel);
        return services.Store.FindTrial(Uid, record.Name);
    }

    /// <summary>
    /// An attempt that the record says has not ended, while the cluster has the Job of a later one, ended after the record was what it is
    /// again: the later one is adopted (<see cref="SeeToOldJobsAsync"/>).
    /// </summary>
    private async Task<AttemptRecord[]> AttemptsAsync(TrialRecord record, AttemptRecord[] attempts, CancellationToken cancel)
    {
        TrialState state = StateOf(record.Name);
        if (Array.Find(attempts, attempt => attempt.Ended is null) is not { } unended
            || !state.OldJobs.Any(old => old.Key > record.LastAttempt && IsOwned(state, old.Value)))
        {
            return attempts;
        }

        OperatorLog.StoreIsBehind(services.Logger, Namespace, Name, record.Name);
        await services.Store.EndAttemptAsync(
            unended.Id, StoredOutcome.Left, "the store was put back to a time before its end", cancellationToken: cancel);
        return [.. services.Store.ReadAttempts(Uid, record.Name)];
    }

    private static bool IsOwned(TrialState state, V1Job job) =>
        state.Object is { } owner && job.Controller()?.Uid == owner.Metadata.Uid;

    private ILookup<string, HeldTimeRecord> ReadHeldTimes() =>
        services.Store.ReadHeldTimes(Uid).ToLookup(held => held.AttemptId, StringComparer.Ordinal);

    private void Load(TrialRecord record, AttemptRecord[] attempts, ILookup<string, HeldTimeRecord> held)
    {
        TrialState state = StateOf(record.Name);
        int gpus = GpusOf(record.Name);
        state.LastNumber = record.LastAttempt;
        state.StartedAt = attempts.Select(attempt => StartOf(attempt, held)).FirstOrDefault(start => start is not null);
        if (record.Finished is { } finished)
        {
            state.CompletedAt = finished.At;
            state.Iteration = finished.Iteration;
            if (!record.Superseded) _best.Finish(record, services.Store.ReadPoints(Uid, record.Name));
        }

        Observe(new TrialObservation(record.Name, state.Object?.Spec.Hash ?? record.Hash)
        {
            Exists = state.Object is not null || state.Conflict is not null,
            Conflict = state.Conflict,
            FinishedAt = record.Finished?.At,
            Superseded = record.Superseded,
            Attempts =
            [
                .. attempts.Where(attempt => attempt.Ended is not null)
                    .Select(attempt => Records.Ended(attempt, gpus) with { Earlier = [.. held[attempt.Id].Select(TimeOf)] }),
            ],
        });
        if (Array.Find(attempts, attempt => attempt.Ended is null) is { } unended) GoOnWith(state, unended, held[unended.Id]);
        Look(state);
    }

    private static DateTimeOffset? StartOf(AttemptRecord attempt, ILookup<string, HeldTimeRecord> held) =>
        held[attempt.Id].FirstOrDefault()?.From ?? Records.StartOf(attempt);

    private static HeldTime TimeOf(HeldTimeRecord held) => new(held.From, held.To);

    /// <summary>
    /// An attempt that the record says has not ended: its Job and pods are looked for, and it is judged by them. One that is known already
    /// keeps what was seen of it.
    /// </summary>
    private void GoOnWith(TrialState state, AttemptRecord unended, IEnumerable<HeldTimeRecord> held)
    {
        if (state.Live?.Number != unended.Number)
        {
            state.Live = new LiveAttempt(Namespace, Uid, state.Name, unended.Number)
            {
                GpusHeld = GpusOf(state.Name),
                RecordedStart = Records.StartOf(unended),
                WasLaunched = unended.ProcessId is not null,
                IsStopRecorded = unended.ProcessId == Records.AskedMark,
                StopReason = unended.ProcessId == Records.AskedMark ? "it was asked to leave" : null,
            };
            foreach (HeldTimeRecord time in held)
            {
                state.Live.Earlier.Add(TimeOf(time));
                state.Live.Taken.Add(time.Pod);
            }

            Absorb(state);
            services.Pods.Begin(state.Live);
        }

        ObserveLive(state, TrialObserver.Judge(state.Live));
    }

    /// <summary>Gives an attempt that has become the live one what was seen of it before.</summary>
    private void Absorb(TrialState state)
    {
        LiveAttempt live = state.Live!;
        if (state.OldJobs.Remove(live.Number, out V1Job? job) && live.Job is null) Attach(live, job);
        foreach (V1Pod pod in state.EarlyPods)
            if (PodLookup.IdentityOf(pod)?.AttemptNumber == live.Number) live.See(pod);

        state.EarlyPods.Clear();
    }

    /// <summary>
    /// The record was lost, or is older than the cluster: what the HemTrial says of itself goes into it, so that what is complete is not
    /// run again and no attempt's number is used twice, now and after the next restart.
    /// </summary>
    private async Task LoadUnrecordedAsync(TrialState state, CancellationToken cancel)
    {
        // What is kept of it here is not all of it.
        if (state.Object is { Metadata.Uid: { } uid } && _savedModel is not null
            && await services.Client.GetAsync(HemResources.Trials, Namespace, state.Name, cancel) is { } trial && trial.Metadata.Uid == uid)
        {
            NewTrial record = new(
                state.Name, trial.Spec.Hash!, trial.Spec.Seed, trial.Spec.Configuration!, trial.Spec.Parameters.GetRawText());
            HemTrialStatus status = trial.Status ?? new HemTrialStatus();
            DateTimeOffset? finishedAt = status.Phase != HemTrialPhase.Succeeded ? null
                : status.CompletionTime ?? trial.Metadata.CreationTimestamp ?? Now;
            await services.Store.ImportTrialAsync(
                Uid, record, [.. EndedAttempts(state, status)], finishedAt, status.Phase == HemTrialPhase.Superseded, cancel);
            Load(services.Store.FindTrial(Uid, state.Name)!, [.. services.Store.ReadAttempts(Uid, state.Name)], ReadHeldTimes());
            return;
        }

        Observe(new TrialObservation(state.Name, state.Object?.Spec.Hash ?? Known(state.Name).Hash)
        {
            Exists = state.Object is not null || state.Conflict is not null,
            Conflict = state.Conflict,
        });
        Look(state);
    }

    /// <summary>
    /// The status counts attempts and tells how many failed; which of them did is not known. The last one may still live.
    /// </summary>
    private IEnumerable<ImportedAttempt> EndedAttempts(TrialState state, HemTrialStatus status)
    {
        int failures = status.Failures ?? 0, disruptions = status.Disruptions ?? 0, attempts = status.Attempts ?? 0;
        if (state.OldJobs.ContainsKey(attempts) && status.Phase is not (HemTrialPhase.Succeeded or HemTrialPhase.Failed)) attempts--;
        for (int number = 1; number <= attempts; number++)
        {
            StoredOutcome outcome = number <= failures ? StoredOutcome.Failed
                : number <= failures + disruptions ? StoredOutcome.Disrupted
                : StoredOutcome.Left;
            yield return new ImportedAttempt(
                number, AttemptKey.InStore(Uid, state.Name, number), outcome, status.Message ?? "",
                outcome == StoredOutcome.Failed && status.Phase == HemTrialPhase.Failed);
        }
    }

    private int GpusOf(string trial) => _model?.GpusOf(trial) ?? 0;

    /// <summary>Takes the spec in, if it is another than the one that was read last.</summary>
    private void ReadSpec()
    {
        if (_resource is not { } resource || ReferenceEquals(resource, _readResource)) return;
        // The number alone does not tell: an API server that was put back to an older state gives the same ones out again.
        if (_readResource is { } before && before.Metadata.Generation == resource.Metadata.Generation && SameSpec(before, resource))
        {
            _readResource = resource;
            return;
        }

        (HemSweep? sweep, SweepExpansion? expansion, IReadOnlyList<Fault> faults) = resource.Read();
        long generation = resource.Metadata.Generation ?? 0;
        if (sweep is not null && expansion is not null) Take(new SweepModel(sweep, expansion, generation));
        else
        {
            // What it asks for cannot be told; what runs goes on as it was asked for before.
            if (_model is null) ReadRecordedSpec();
            _desired = _desired with { Faults = [.. faults.Select(fault => fault.Describe())], Generation = generation };
        }

        _readResource = resource;
        if (!_isLoaded) return;
        _observed.Edit(_desired);
        foreach (TrialState state in _paused.ToArray()) Look(state);
        foreach (TrialState state in _paused.ToArray()) Resume(state);
    }

    private void Take(SweepModel model)
    {
        _model = model;
        _desired = model.Desired(services.Options.DefaultParallelism);
        _best.Describe(model);
    }

    /// <summary>The last spec that could be read, from before this process began.</summary>
    private void ReadRecordedSpec()
    {
        if (services.Store.FindSweepByUid(Uid) is not { Spec: { Length: > 0 } spec }) return;
        (HemSweep? sweep, SweepExpansion? expansion, _) = SweepReader.Load(Encoding.UTF8.GetBytes(spec), "sweep.json");
        if (sweep is null || expansion is null) return;
        Take(new SweepModel(sweep, expansion, 0));
        _savedModel = _model;
    }

    private static bool SameSpec(HemSweepResource a, HemSweepResource b) =>
        a.Spec is { } one && b.Spec is { } other ? JsonElement.DeepEquals(one, other) : a.Spec is null && b.Spec is null;

    /// <summary>The record has the spec as it is read, for reports; not one that nobody can read.</summary>
    private async Task SaveSpecAsync(CancellationToken cancel)
    {
        if (_model is null || _isDeleted || ReferenceEquals(_savedModel, _model) || _resource is not { Metadata: { } metadata }) return;
        SweepModel model = _model;
        await services.Store.UpsertSweepAsync(
            new ClusterSweep(Uid, metadata.Namespace!, metadata.Name!, model.Sweep.ToJson(), metadata.CreationTimestamp ?? Now), cancel);
        _savedModel = model;
    }
}
