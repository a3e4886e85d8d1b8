using System.Collections.Concurrent;
using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Trials;
using Hem.Results;

namespace Hem.Operator.Sweeps;

/// <summary>
/// One sweep, by UID: observes (the record, the objects of the API server), lets the planner decide, carries out, and says what it wants
/// to be woken for. It is reconciled by one worker at a time; informers only post to it.
/// </summary>
internal sealed partial class SweepReconciler(string @namespace, string uid, SweepServices services)
{
    private readonly ConcurrentQueue<Action> _inbox = new();
    private readonly Dictionary<string, TrialState> _trials = new(StringComparer.Ordinal);

    /// <summary>Trials to look at, and trials whose published status may have to change.</summary>
    private readonly HashSet<TrialState> _dirty = [];
    private readonly HashSet<TrialState> _touched = [];

    private readonly HashSet<TrialState> _paused = [];

    /// <summary>One line for all trials that meet the same trouble.</summary>
    private readonly LastingTrouble _trouble = new(services.Time);

    private HemSweepResource? _resource;
    private SweepModel? _model;
    private DesiredSweep _desired = new() { Trials = [], Parallelism = 0 };
    private ObservedSweep _observed = null!;
    private bool _isLoaded;
    private bool _isDeleted;
    private bool _isMarkedDeleted;

    /// <summary>Its owner was told that the store cannot be used.</summary>
    private bool _isTroubled;
    private DateTimeOffset _pausedUntil = DateTimeOffset.MinValue;

    public string Uid { get; } = uid;

    public string Namespace { get; } = @namespace;

    public string? Name { get; private set; }

    /// <summary>The sweep was deleted, or never seen, and nothing of it is left: this reconciler may be forgotten.</summary>
    public bool IsOver => _inbox.IsEmpty && (_isDeleted ? _isMarkedDeleted : _resource is null && _trials.Values.All(IsGone));

    /// <summary>
    /// The API server, the store or a disk refused something at the last look, or did not answer: what was not done is tried again by
    /// itself after a pause, and whoever watches the operator is told (metrics). A full quota is no trouble.
    /// </summary>
    public bool HadTrouble { get; private set; }

    private DateTimeOffset Now => services.Time.GetUtcNow();

    /// <summary>Something happened; it is taken in at the next reconciliation. From any thread.</summary>
    public void Post(Action<SweepReconciler> happened) => _inbox.Enqueue(() => happened(this));

    /// <returns>When to be reconciled again even if nothing is posted; null: only then.</returns>
    public async Task<DateTimeOffset?> ReconcileAsync(CancellationToken cancel)
    {
        Drain();
        // Nothing is looked at, still for the same trouble.
        if (_pausedUntil > Now) return _pausedUntil;
        HadTrouble = false;
        if (_resource is null && !_isDeleted) return null;
        try
        {
            if (!_isLoaded) await LoadAsync(cancel);
            ReadSpec();
            await SaveSpecAsync(cancel);
            WakePaused();
            await AskWhyNotCreatedAsync(cancel);
            await SettleAllAsync(cancel);
            if (_isDeleted) return await LeaveAsync(cancel);

            Plan plan;
            while (true)
            {
                plan = Planner.Plan(_observed, Now);
                if (!await CarryOutAsync(plan.Actions, cancel)) break;
                // There may always be more to do, and people want to know meanwhile.
                if (Now >= _publishedAt + services.Options.SweepStatusInterval) Publish(plan.Status);
                await SettleAllAsync(cancel);
                Drain();
                if (_isDeleted)
                {
                    await SettleAllAsync(cancel);
                    return await LeaveAsync(cancel);
                }

                ReadSpec();
                await SaveSpecAsync(cancel);
            }

            Publish(plan.Status);
            _isTroubled = false;
            return Earliest(plan.NextWake, NextPaused(), NextQuestion(), _measureAt, await CollectAsync(plan.Status, cancel));
        }
        catch (StoreException e)
        {
            // Once, and not at each of the tries that follow.
            if (!_isTroubled) OperatorLog.StoreTrouble(services.Logger, Namespace, Name, e.Message);
            if (!_isTroubled && _resource is { } sweep) services.Events.Warning(sweep, "StoreTrouble", e.Message);
            _isTroubled = HadTrouble = true;
            return _pausedUntil = Now + services.Options.TroublePause;
        }
    }

    private void Drain()
    {
        while (_inbox.TryDequeue(out Action? happened)) happened();
    }

    // ---- what informers tell ----

    public void OnSweep(HemSweepResource sweep, bool deleted)
    {
        Name = sweep.Metadata.Name;
        _resource = sweep;
        services.Statuses.See(sweep);
        // Whoever deletes it in the foreground waits for its trials to be gone: nothing new is started for it.
        if (deleted || sweep.Metadata.DeletionTimestamp is not null) _isDeleted = true;
    }

    /// <summary>The record knows this sweep, and the API server does not.</summary>
    public void OnMissing(string name)
    {
        if (_resource is null) (Name, _isDeleted) = (name, true);
    }

    public void OnTrial(HemTrialResource trial, bool deleted)
    {
        TrialState state = StateOf(trial.Metadata.Name!);
        if (deleted)
        {
            if (state.Object is { } known && known.Metadata.Uid != trial.Metadata.Uid) return;
            (state.Object, state.Conflict) = (null, null);
            services.Statuses.Forget(trial.Metadata.Uid!);
        }
        else
        {
            Own(state, trial);
            services.Statuses.See(trial);
            // Another object, or one of an older state: it is told once more what is so.
            if (state.Published is { } told && (trial.Status is null || !Same(trial.Status, told))) state.Published = null;
        }

        Resume(state);
        if (_isLoaded) ObserveObject(state);
        Look(state);
    }

    public void OnJob(V1Job job, bool deleted)
    {
        if (AttemptKey.Of(job) is not var (trial, number)) return;
        TrialState state = StateOf(trial);
        if (state.Live is { } live && live.Number == number)
        {
            if (deleted && live.Job is { } other && other.Metadata.Uid != job.Metadata.Uid) return;
            Attach(live, deleted ? null : job);
        }
        else if (!deleted)
            state.OldJobs[number] = job;
        else if (state.OldJobs.TryGetValue(number, out V1Job? old) && old.Metadata.Uid == job.Metadata.Uid)
            state.OldJobs.Remove(number);
        Look(state);
    }

    public void OnPod(V1Pod pod, bool deleted)
    {
        if (PodLookup.IdentityOf(pod) is not { } identity) return;
        TrialState state = StateOf(identity.Trial);
        if (state.Live is not { } live || live.Number != identity.AttemptNumber)
        {
            state.EarlyPods.RemoveAll(known => known.Metadata.Uid == pod.Metadata.Uid);
            if (!deleted && (!_isLoaded || identity.AttemptNumber > state.LastNumber)) state.EarlyPods.Add(pod);
            return;
        }

        AttemptPod seen = live.See(pod);
        if (deleted && !seen.IsGone) seen.GoneAt = Now;
        // An API server that was put back to an older state may have it again.
        seen.IsGone = deleted;
        live.CreationTrouble = null;
        Look(state);
    }

    /// <summary>Something of a trial whose name this sweep may want was changed by others.</summary>
    public void OnForeignTrial(string trial)
    {
        if (_trials.TryGetValue(trial, out TrialState? state) && state.Conflict is not null)
        {
            state.Conflict = null;
            Resume(state);
            if (_isLoaded) ObserveObject(state);
        }
    }

    // ---- small things ----

    private TrialState StateOf(string trial)
    {
        if (!_trials.TryGetValue(trial, out TrialState? state)) _trials.Add(trial, state = new TrialState(trial));
        return state;
    }

    private static bool IsGone(TrialState state) =>
        state is { Object: null, Live: null, OldJobs.Count: 0, EarlyPods.Count: 0 };

    private void Look(TrialState state)
    {
        _dirty.Add(state);
        _touched.Add(state);
    }

    private TrialObservation Known(string trial) =>
        _observed.Find(trial) ?? new TrialObservation(trial, _model?.Find(trial)?.Hash ?? "") { Exists = false };

    /// <summary>Sets the object of a trial, or what is wrong with it.</summary>
    private void Own(TrialState state, HemTrialResource trial)
    {
        V1OwnerReference? owner = trial.Controller();
        if (owner?.Uid == Uid)
        {
            (state.Object, state.Conflict) = (trial, null);
            return;
        }

        state.Object = null;
        state.Conflict = owner is null
            ? $"a HemTrial {trial.Metadata.Name} is there already, and no sweep owns it"
            : $"a HemTrial {trial.Metadata.Name} is there already; {owner.Kind} {owner.Name} owns it";
    }

    private void ObserveObject(TrialState state)
    {
        TrialObservation known = Known(state.Name);
        Observe(known with
        {
            Exists = state.Object is not null || state.Conflict is not null,
            Hash = state.Object?.Spec.Hash ?? known.Hash,
            Conflict = state.Conflict,
        });
        _touched.Add(state);
    }

    private void ObserveLive(TrialState state, AttemptView view)
    {
        Observe(Known(state.Name).With(TrialObserver.Observation(state.Live!, view)));
        _touched.Add(state);
    }

    private void Attach(LiveAttempt live, V1Job? job)
    {
        if (job is not null && live.Job is null) live.JobSince = Now;
        live.Job = job;
        if (job is null) return;
        if (IsPodless(live)) _podless.Add(live);
        live.WasLaunched = true;
        live.LaunchTrouble = null;
        live.StopReason ??= job.Annotation(HemLabels.Stop);
        services.Pods.Begin(live);
    }

    /// <summary>Something was refused to this trial: it is left alone for a while.</summary>
    private void Pause(TrialState state)
    {
        state.Pause(Now, services.Options.TroublePause);
        _paused.Add(state);
    }

    private void Resume(TrialState state)
    {
        state.Resume();
        _paused.Remove(state);
    }

    /// <summary>Looks again at trials whose pause is over.</summary>
    private void WakePaused()
    {
        foreach (TrialState state in _paused.Where(paused => paused.PausedUntil <= Now).ToArray())
        {
            _paused.Remove(state);
            Look(state);
        }
    }

    private DateTimeOffset? NextPaused() => _paused.Count == 0 ? null : _paused.Min(paused => paused.PausedUntil);

    private static DateTimeOffset? Earliest(params ReadOnlySpan<DateTimeOffset?> times)
    {
        DateTimeOffset? earliest = null;
        foreach (DateTimeOffset? time in times)
            if (time is not null && (earliest is null || time < earliest)) earliest = time;
        return earliest;
    }
}
