using Hem.Core.Planning;
using Hem.Core.Sweeps;
using Hem.Kubernetes;
using Hem.Operator.Metrics;
using Hem.Operator.Trials;
using Hem.Progress;
using Hem.Results;

namespace Hem.Operator.Sweeps;

/// <summary>Seeing to attempts: what each needs next, from the claim on.</summary>
internal sealed partial class SweepReconciler
{
    private const string DeletedReason = "the sweep was deleted";

    private bool _isTrustSeen;

    /// <summary>Does what dirty trials need, until none is dirty.</summary>
    private async Task SettleAllAsync(CancellationToken cancel)
    {
        while (_dirty.Count > 0)
        {
            TrialState[] trials = [.. _dirty];
            _dirty.Clear();
            await ApplyAsync(trials.Select(trial => Guarded(trial, () => SettleAsync(trial, cancel), cancel)));
            Drain();
        }
    }

    /// <summary>Runs work on several trials at once, then takes in what came of it, one after the other.</summary>
    private static async Task<bool> ApplyAsync(IEnumerable<Task<Action?>> work)
    {
        bool acted = false;
        List<Exception> faults = [];
        foreach (Action? apply in await Task.WhenAll(work))
        {
            try
            {
                apply?.Invoke();
            }
            catch (Exception e)
            {
                // The others' news are not lost with this one's.
                faults.Add(e);
            }

            acted |= apply is not null;
        }

        return faults.Count == 0 ? acted : throw new AggregateException(faults);
    }

    /// <summary>
    /// Work on one trial: what the API server refuses or does not answer, what the store cannot take, and whatever else goes wrong with
    /// this trial is tried again after a pause, and is no other trial's trouble.
    /// </summary>
    private Task<Action?> Guarded(TrialState state, Func<Task<Action?>> work, CancellationToken cancel) =>
        services.LimitedAsync(Uid, () => GuardedAsync(state, work, cancel), cancel);

    private async Task<Action?> GuardedAsync(TrialState state, Func<Task<Action?>> work, CancellationToken cancel)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            if (!WaitingReason.IsQuota(e.Message)) HadTrouble = true;
            bool isExpected = IsTrouble(e) || e is StoreException or IOException or OperationCanceledException;
            if (_trouble.IsNews(LastingTrouble.KindOf(e)))
                OperatorLog.TrialWaits(services.Logger, Namespace, Name, state.Name, isExpected ? e.Message : e.ToString());
            return () =>
            {
                Pause(state);
                if (state.Live is { } live) ObserveLive(state, TrialObserver.Judge(live));
            };
        }
    }

    private static bool IsTrouble(Exception e) => e is KubernetesException or HttpRequestException or WriteRefusedException;

    private async Task<Action?> SettleAsync(TrialState state, CancellationToken cancel)
    {
        if (state.OldJobs.Count > 0) await SeeToOldJobsAsync(state, cancel);
        if (state.Live is not { } live) return null;
        if (_isDeleted) live.StopReason ??= DeletedReason;
        await SettlePodsAsync(live);
        bool mayAct = state.PausedUntil <= Now;
        while (true)
        {
            AttemptView view = TrialObserver.Judge(live);
            if (view.StartedAt is { } start && live.RecordedStart is null) await RecordStartAsync(live, start, cancel);
            switch (view.Step)
            {
                case AttemptStep.Suspend:
                    await TakeAwayAsync(live, cancel);
                    continue;
                case AttemptStep.Launch when mayAct && await LaunchAsync(state, live, cancel):
                    continue;
                case AttemptStep.DeleteJob when mayAct && !_isDeleted && await DeleteJobAsync(live, cancel):
                    continue;
                case AttemptStep.End when live.Pods.Count == 0 && live.WasLaunched && await FindPodsAsync(live, cancel):
                case AttemptStep.End when live is { StopReason: null, WasTakenAway: true } && await WasMeantAsync(live, cancel):
                    continue;
                case AttemptStep.End:
                    return await EndAsync(state, live, view, cancel);
                default:
                    return () =>
                    {
                        if (state.Live == live) ObserveLive(state, view);
                        if (!mayAct) return;
                        if (live.LaunchTrouble is null) Resume(state);
                        else Pause(state);
                    };
            }
        }
    }

    /// <summary>
    /// Jobs of attempts that are not live: of one that the record says has ended, it is deleted. One that the record knows nothing of (it
    /// was lost, or is older than the cluster) is adopted if its number is still free: the last of them, which alone may live.
    /// </summary>
    private async Task SeeToOldJobsAsync(TrialState state, CancellationToken cancel)
    {
        foreach ((int number, V1Job job) in state.OldJobs.OrderByDescending(pair => pair.Key).ToArray())
        {
            TrialObservation known = Known(state.Name);
            bool isAdoptable = state.Live is null && number > state.LastNumber && known.FinishedAt is null && !_isDeleted
                && IsOwned(state, job);
            if (!isAdoptable || !await ClaimAsync(state, number, cancel))
            {
                if (job.Metadata.DeletionTimestamp is null && state.Live?.Number != number)
                    services.Aftermath.DeleteJob(job);
                if (state.Live?.Number != number) state.OldJobs.Remove(number);
            }
        }
    }

    private async Task<bool> ClaimAsync(TrialState state, int number, CancellationToken cancel)
    {
        var live = new LiveAttempt(Namespace, Uid, state.Name, number) { GpusHeld = GpusOf(state.Name) };
        try
        {
            await services.Store.AddAttemptAsync(new NewAttempt(Uid, state.Name, number, live.Key), cancel);
        }
        catch (StoreException e) when (e.Fault == StoreFault.Conflict)
        {
            return false;
        }

        state.LastNumber = number;
        state.Live = live;
        Absorb(state);
        services.Pods.Begin(live);
        return true;
    }

    /// <summary>What a pod that is over had to say is in the store before anything is concluded from its end.</summary>
    private async Task SettlePodsAsync(LiveAttempt live)
    {
        foreach (AttemptPod pod in live.Pods)
        {
            if (pod.IsSettled || pod.View is not { Phase: AttemptPhase.Exited or AttemptPhase.Gone }) continue;
            await services.Progress.EndAsync(live.IdentityOf(pod));
            pod.IsSettled = true;
        }
    }

    private async Task RecordStartAsync(LiveAttempt live, DateTimeOffset start, CancellationToken cancel)
    {
        await services.Store.SetProcessAsync(
            live.Key, live.IsStopRecorded ? Records.AskedMark : Records.PodMark, start.ToUnixTimeMilliseconds(), cancel);
        live.RecordedStart = start;
    }

    /// <summary>Its Job may be gone with all that is written on it when somebody looks again.</summary>
    private async Task RecordStopAsync(LiveAttempt live, CancellationToken cancel)
    {
        if (live.IsStopRecorded) return;
        await services.Store.SetProcessAsync(live.Key, Records.AskedMark, live.RecordedStart?.ToUnixTimeMilliseconds() ?? 0, cancel);
        live.IsStopRecorded = true;
    }

    /// <summary>
    /// A queue took the pod away: the attempt keeps the time that it held, in the record too, and waits for another pod. Of a pod that came
    /// and went while nobody looked, the record knows the beginning, and its Job or an event the end.
    /// </summary>
    private async Task TakeAwayAsync(LiveAttempt live, CancellationToken cancel)
    {
        DateTimeOffset? resumed = TrialObserver.ResumedUnseen(live);
        AttemptPod? pod = resumed is null ? live.Current : null;
        if ((pod is null ? live.RecordedStart : pod.View.StartedAt) is { } from)
        {
            DateTimeOffset to = pod?.View.EndedAt ?? TrialObserver.SuspendedAt(live.Job)
                ?? (resumed is { } until ? await SuspendedBeforeAsync(live.Job!, from, until, cancel) : Now);
            if (to < from) to = from;
            string name = pod?.Uid ?? $"from {from.ToUnixTimeMilliseconds()}";
            await services.Store.AddHeldTimeAsync(new HeldTimeRecord(live.Key, name, from, to), cancel);
            live.Earlier.Add(new HeldTime(from, to));
            live.Taken.Add(name);
        }

        if (pod is not null) pod.IsSuspended = true;
        live.RecordedStart = null;
    }

    /// <summary>
    /// A Job that goes on again does not say since when it was suspended: an event does, for the hour that events are kept. Without one
    /// the place counts as held until the Job went on.
    /// </summary>
    private async Task<DateTimeOffset> SuspendedBeforeAsync(
        V1Job job, DateTimeOffset from, DateTimeOffset resumed, CancellationToken cancel)
    {
        KubernetesList<CoreV1Event> events = await services.Client.ListAsync(Resources.Events, Namespace, new ListOptions
        {
            FieldSelector = $"involvedObject.kind=Job,involvedObject.uid={job.Metadata.Uid},reason=Suspended",
        }, cancel);
        return events.Items.Select(one => one.LastTimestamp ?? one.FirstTimestamp).Where(at => at >= from && at <= resumed).Max()
            ?? resumed;
    }

    private async Task<Action?> StartAsync(TrialState state, int number, CancellationToken cancel)
    {
        if (!await ClaimAsync(state, number, cancel)) return () => ReadAgain(state);
        // From here on it is a live attempt, whatever becomes of the rest: settling it goes on where this ends.
        await LaunchAsync(state, state.Live!, cancel);
        return () => Look(state);
    }

    /// <returns>True where it has a Job now, or the reason to look again.</returns>
    private async Task<bool> LaunchAsync(TrialState state, LiveAttempt live, CancellationToken cancel)
    {
        TrialSpec? spec = _model?.Find(state.Name);
        if (state.Object is not { } owner || spec is null || _isDeleted)
        {
            live.StopReason ??= "never launched: its HemTrial was deleted";
            return true;
        }

        V1Job job = JobBuilder.Build(
            new AttemptJob(
                Namespace, Uid, _model!.Sweep, spec, live.Number, OwnerReference(owner),
                _model.ConfigurationOf(spec.ConfigurationId)?.Label),
            services.Options);
        try
        {
            await services.Trust.EnsurePublishedAsync(Namespace, verify: !_isTrustSeen, cancel);
            _isTrustSeen = true;
            Attach(live, await services.Client.CreateAsync(Resources.Jobs, job, cancel: cancel));
            return true;
        }
        catch (KubernetesException e) when (e.IsAlreadyExists)
        {
            return await AdoptJobAsync(live, owner.Metadata.Uid!, cancel);
        }
        catch (KubernetesException e)
        {
            live.LaunchTrouble = $"cannot be started: {Reason(e)}";
            if (!WaitingReason.IsQuota(e.Message)) HadTrouble = true;
            if (_trouble.IsNews(LastingTrouble.KindOf(e)))
                OperatorLog.TrialWaits(services.Logger, Namespace, Name, state.Name, e.Message);
            return false;
        }
    }

    private async Task<bool> AdoptJobAsync(LiveAttempt live, string owner, CancellationToken cancel)
    {
        V1Job? job = await services.Client.GetAsync(Resources.Jobs, Namespace, live.JobName, cancel);
        if (job is not null && job.Controller()?.Uid == owner && job.Label(HemLabels.SweepUid) == Uid)
        {
            Attach(live, job);
            return true;
        }

        // Of a sweep of this name that was deleted, and on its way out; or somebody's own.
        live.LaunchTrouble = "wait for another Job of the same name to be deleted";
        return false;
    }

    /// <summary>The fault without the object's name, so that trials which wait for the same are counted together.</summary>
    private static string Reason(KubernetesException e)
    {
        string message = e.Status.Message ?? e.Message;
        int at = message.IndexOf("\" is invalid: ", StringComparison.Ordinal);
        if (at < 0) at = message.IndexOf("\" is forbidden: ", StringComparison.Ordinal);
        string reason = at < 0 ? message : message[(message.IndexOf(": ", at, StringComparison.Ordinal) + 2)..];
        return reason.Length <= 200 ? reason : reason[..200] + "...";
    }

    private static V1OwnerReference OwnerReference(Api.HemTrialResource owner) => owner.AsController(Api.HemResources.Trials);
}
