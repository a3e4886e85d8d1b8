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
    private async Task LoadAsync(CancellationToken cancel)
    {
        ReadSpec();
        await SaveSpecAsync(cancel);
        _observed = new ObservedSweep(_desired);
        ILookup<string, AttemptRecord> attempts =
            services.Store.ReadAttempts(Uid).ToLookup(attempt => attempt.Trial, StringComparer.Ordinal);
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (TrialRecord record in services.Store.ReadTrials(Uid))
        {
            known.Add(record.Name);
            Load(record, [.. attempts[record.Name]]);
        }

        foreach (TrialState state in _trials.Values)
            if (!known.Contains(state.Name)) await LoadUnrecordedAsync(state, cancel);
        _isLoaded = true;
    }

    private void Load(TrialRecord record, AttemptRecord[] attempts)
    {
        TrialState state = StateOf(record.Name);
        int gpus = GpusOf(record.Name);
        state.LastNumber = record.LastAttempt;
        state.StartedAt = attempts.Select(Records.StartOf).FirstOrDefault(start => start is not null);
        if (record.Finished is { } finished)
        {
            state.CompletedAt = finished.At;
            state.Iteration = finished.Iteration;
            if (!record.Superseded) _best.Finish(record, services.Store.ReadPoints(Uid, record.Name));
        }

        _observed.Observe(new TrialObservation(record.Name, state.Object?.Spec.Hash ?? record.Hash)
        {
            Exists = state.Object is not null || state.Conflict is not null,
            Conflict = state.Conflict,
            FinishedAt = record.Finished?.At,
            Superseded = record.Superseded,
            Attempts = [.. attempts.Where(attempt => attempt.Ended is not null).Select(attempt => Records.Ended(attempt, gpus))],
        });
        if (Array.Find(attempts, attempt => attempt.Ended is null) is { } unended) GoOnWith(state, unended);
        Look(state);
    }

    /// <summary>An attempt that the record says has not ended: its Job and pods are looked for, and it is judged by them.</summary>
    private void GoOnWith(TrialState state, AttemptRecord unended)
    {
        state.Live = new LiveAttempt(Namespace, Uid, state.Name, unended.Number)
        {
            GpusHeld = GpusOf(state.Name),
            RecordedStart = Records.StartOf(unended),
            WasLaunched = unended.ProcessId is not null,
        };
        Absorb(state);
        services.Pods.Begin(state.Live);
        ObserveLive(state, TrialObserver.Judge(state.Live));
    }

    /// <summary>Gives an attempt that has become the live one what was seen of it before.</summary>
    private void Absorb(TrialState state)
    {
        LiveAttempt live = state.Live!;
        if (state.OldJobs.Remove(live.Number, out V1Job? job) && live.Job is null) Attach(live, job);
        foreach (V1Pod pod in state.EarlyPods.OrderBy(pod => pod.Metadata.CreationTimestamp))
        {
            if (PodLookup.IdentityOf(pod)?.AttemptNumber != live.Number) continue;
            if (live.Pods.Exists(known => known.Uid == pod.Metadata.Uid)) continue;
            live.Pods.Add(new AttemptPod(pod));
            live.WasLaunched = true;
        }

        state.EarlyPods.Clear();
    }

    /// <summary>
    /// The record was lost, or is older than the cluster: what the HemTrial says of itself goes into it, so that what is complete is not
    /// run again and no attempt's number is used twice, now and after the next restart.
    /// </summary>
    private async Task LoadUnrecordedAsync(TrialState state, CancellationToken cancel)
    {
        if (state.Object is { } trial && _savedGeneration >= 0)
        {
            NewTrial record = new(
                state.Name, trial.Spec.Hash!, trial.Spec.Seed, trial.Spec.Configuration!, trial.Spec.Parameters.GetRawText());
            HemTrialStatus status = trial.Status ?? new HemTrialStatus();
            DateTimeOffset? finishedAt = status.Phase != HemTrialPhase.Succeeded ? null
                : status.CompletionTime ?? trial.Metadata.CreationTimestamp ?? Now;
            await services.Store.ImportTrialAsync(
                Uid, record, [.. EndedAttempts(state, status)], finishedAt, status.Phase == HemTrialPhase.Superseded, cancel);
            Load(services.Store.FindTrial(Uid, state.Name)!, [.. services.Store.ReadAttempts(Uid, state.Name)]);
            return;
        }

        _observed.Observe(new TrialObservation(state.Name, state.Object?.Spec.Hash ?? Known(state.Name).Hash)
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
        if (_resource is not { } resource || resource.Metadata.Generation is not { } generation || generation == _readGeneration) return;
        _readGeneration = generation;
        (HemSweep? sweep, SweepExpansion? expansion, IReadOnlyList<Fault> faults) = resource.Read();
        if (sweep is not null && expansion is not null)
        {
            _model = new SweepModel(sweep, expansion, generation);
            _desired = _model.Desired(services.Options.DefaultParallelism);
            _best.Describe(_model);
        }
        else
            // What it asks for cannot be told; what runs goes on as it was asked for before.
            _desired = _desired with { Faults = [.. faults.Select(fault => fault.Describe())], Generation = generation };

        if (!_isLoaded) return;
        _observed.Edit(_desired);
        foreach (TrialState state in _paused.ToArray()) Look(state);
        foreach (TrialState state in _paused.ToArray()) Resume(state);
    }

    /// <summary>The record has the spec as it is read, for reports; not one that nobody can read.</summary>
    private async Task SaveSpecAsync(CancellationToken cancel)
    {
        if (_model is null || _isDeleted || _savedGeneration == _model.Generation || _resource is not { Metadata: { } metadata }) return;
        await services.Store.UpsertSweepAsync(
            new ClusterSweep(Uid, metadata.Namespace!, metadata.Name!, _model.Sweep.ToJson(), metadata.CreationTimestamp ?? Now), cancel);
        _savedGeneration = _model.Generation;
    }

    private long _savedGeneration = -1;
}
