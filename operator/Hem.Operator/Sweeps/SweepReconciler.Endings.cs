using System.Text.Json.Nodes;
using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Trials;
using Hem.Results;
using Outcome = Hem.Core.Planning.AttemptOutcome;

namespace Hem.Operator.Sweeps;

/// <summary>The ends of attempts: those that we ask for, and what follows from any of them.</summary>
internal sealed partial class SweepReconciler
{
    /// <summary>
    /// Deletes the Job in the foreground: its pods are asked to save and leave, and it stays, deleting, until they have. That we asked is
    /// written on it first, so that whoever sees the end knows.
    /// </summary>
    /// <returns>True where there is something new to judge.</returns>
    private async Task<bool> DeleteJobAsync(LiveAttempt live, CancellationToken cancel)
    {
        if (live.StopReason is null && await services.Client.GetAsync(Resources.Jobs, Namespace, live.JobName, cancel) is var seen)
        {
            bool isSame = seen is not null && seen.Metadata.Uid == live.Job!.Metadata.Uid;
            bool isSuspended = isSame && seen!.Spec?.Suspend == true;
            if (isSuspended) live.Disruption = null;
            live.Job = isSame ? seen : null;
            if (!isSame || isSuspended || seen!.Metadata.DeletionTimestamp is not null) return true;
        }

        V1Job job = live.Job!;
        if (live.StopReason is not null) await RecordStopAsync(live, cancel);
        try
        {
            if (live.StopReason is { } reason && job.Annotation(HemLabels.Stop) is null)
                job = await services.Client.MergePatchAsync(Resources.Jobs, Namespace, live.JobName, new JsonObject
                {
                    ["metadata"] = new JsonObject
                    {
                        ["uid"] = job.Metadata.Uid,
                        ["resourceVersion"] = job.Metadata.ResourceVersion,
                        ["annotations"] = new JsonObject { [HemLabels.Stop] = reason },
                    },
                }, cancel: cancel);
            await services.Client.DeleteAsync(Resources.Jobs, Namespace, live.JobName, new DeleteOptions
            {
                Uid = job.Metadata.Uid,
                PropagationPolicy = PropagationPolicy.Foreground,
            }, cancel);
            live.Job = job with { Metadata = job.Metadata with { DeletionTimestamp = Now } };
        }
        catch (KubernetesException e) when (e.IsNotFound)
        {
            live.Job = null;
        }
        catch (KubernetesException e) when (e.IsConflict)
        {
            V1Job? now = await services.Client.GetAsync(Resources.Jobs, Namespace, live.JobName, cancel);
            live.Job = now?.Metadata.Uid == job.Metadata.Uid ? now : null;
        }

        return true;
    }

    private Action? Stop(StopAttempt stop)
    {
        if (!_trials.TryGetValue(stop.Trial, out TrialState? state)
            || state.Live is not { } live || live.Number != stop.Number) return null;
        live.StopReason ??= Words(stop.Reason);
        // Both ways: the word travels faster than the signal, and the signal reaches those that are not connected.
        foreach (AttemptPod pod in live.Pods)
            if (!pod.IsSettled) services.Progress.Stop(live.IdentityOf(pod), live.StopReason);
        return () =>
        {
            AttemptView view = TrialObserver.Judge(live);
            ObserveLive(state, view with { Phase = AttemptPhase.Stopping });
            Look(state);
        };
    }

    private static string Words(StopReason reason) => reason switch
    {
        StopReason.Suspended => "the sweep is suspended",
        StopReason.BudgetExhausted => "the sweep's budget is used up",
        StopReason.Superseded => "the sweep no longer asks for this trial",
        StopReason.ParallelismReduced => "fewer trials may run at once",
        _ => "the trial is complete",
    };

    /// <summary>Nothing was seen of its pods: the API server is asked whether there are any, since a watch may be late.</summary>
    private async Task<bool> FindPodsAsync(LiveAttempt live, CancellationToken cancel)
    {
        KubernetesList<V1Pod> pods = await services.Client.ListAsync(Resources.Pods, Namespace, new ListOptions
        {
            LabelSelector = $"{HemLabels.SweepUid}={Uid},{HemLabels.Trial}={live.Trial},{HemLabels.Attempt}={live.Number}",
        }, cancel);
        foreach (V1Pod pod in pods.Items)
            if (PodLookup.IdentityOf(pod) is not null) live.See(pod);
        return live.Pods.Count > 0;
    }

    /// <summary>
    /// A pod was deleted, and not by us, as far as is seen here. But sweeps, Jobs and pods are watched apart, and what ended it may not
    /// have been seen yet: before it is called a disruption, the API server is asked whether the sweep is deleted or the Job suspended.
    /// </summary>
    /// <returns>True where it is: there is something new to judge.</returns>
    private async Task<bool> WasMeantAsync(LiveAttempt live, CancellationToken cancel)
    {
        HemSweepResource? sweep = await services.Client.GetAsync(HemResources.Sweeps, Namespace, Name!, cancel);
        if (sweep?.Metadata.Uid != Uid || sweep.Metadata.DeletionTimestamp is not null)
        {
            live.StopReason = DeletedReason;
            Post(known => known._isDeleted = true);
            return true;
        }

        if (live.Job is not { Spec.Suspend: not true } job) return false;
        V1Job? now = await services.Client.GetAsync(Resources.Jobs, Namespace, live.JobName, cancel);
        if (now?.Metadata.Uid != job.Metadata.Uid || now is not { Spec.Suspend: true, Metadata.DeletionTimestamp: null }) return false;
        (live.Job, live.Disruption) = (now, null);
        return true;
    }

    /// <summary>
    /// The end of an attempt: first what it said last, then whether that was Finished, then the record, then everybody else.
    /// </summary>
    private async Task<Action?> EndAsync(TrialState state, LiveAttempt live, AttemptView view, CancellationToken cancel)
    {
        await SettlePodsAsync(live);
        TrialRecord? trial = services.Store.FindTrial(Uid, state.Name);
        AttemptRecord? record = services.Store.ReadAttempts(Uid, state.Name).FirstOrDefault(known => known.Id == live.Key);
        // A node's clock may be wrong, and what is used and how long is waited are counted by it.
        DateTimeOffset ended = view.EndedAt is { } at && at < Now ? at : Now;
        if (view.StartedAt is { } start && ended < start) ended = start < Now ? start : Now;
        Outcome outcome = OutcomeOf(live, view, trial?.Finished is not null, record);
        await services.Store.EndAttemptAsync(
            live.Key, outcome.Result.ToStore(), outcome.Reason, view.End?.ExitCode, outcome.Permanent, ended, cancel);
        return () => OnEnded(state, live, view, trial, outcome, ended);
    }

    private static Outcome OutcomeOf(LiveAttempt live, AttemptView view, bool finished, AttemptRecord? record)
    {
        if (!live.WasLaunched && !finished)
            return Outcome.NeverLaunched with { Reason = live.StopReason ?? Outcome.NeverLaunched.Reason };
        return PodObserver.OutcomeOf(
            view.End, finished, live.StopReason is not null, record?.FailedReason, record?.FailedPermanently == true);
    }

    private void OnEnded(
        TrialState state, LiveAttempt live, AttemptView view, TrialRecord? trial, Outcome outcome, DateTimeOffset ended)
    {
        services.Pods.End(live);
        (state.Live, state.ReportedAt, state.CheckpointedAt) = (null, null, null);
        services.Metrics.Sweeps.Ended(Namespace, outcome);
        TrialObservation known = Known(state.Name);
        Observe((known with { FinishedAt = trial?.Finished?.At ?? known.FinishedAt })
            .With(TrialObserver.Observation(live, view) with { Phase = AttemptPhase.Exited, Outcome = outcome, EndedAt = ended }));
        state.StartedAt ??= view.StartedAt;
        if (trial?.Finished is { } finished)
        {
            OnFinished(state, trial, finished);
            services.Metrics.Sweeps.Completed(Namespace, finished.WallSeconds);
        }

        _touched.Add(state);
        services.Aftermath.See(new EndedAttempt(
            Namespace, Name, state.Name, state.Object, live.Number, live.Job, live.Current?.Pod, outcome, view.End?.LastWords));
    }

    private void OnFinished(TrialState state, TrialRecord trial, FinishedRecord finished)
    {
        state.CompletedAt ??= finished.At;
        state.Iteration = finished.Iteration;
        IReadOnlyList<PointRecord> points = services.Store.ReadPoints(Uid, state.Name);
        if (points.Count > 0) state.SuccessRate = points[^1].SuccessRate;
        if (!trial.Superseded) _best.Finish(trial, points);
        try
        {
            services.Checkpoints?.Delete(Uid, state.Name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // They go with the sweep.
            OperatorLog.TrialTrouble(services.Logger, Namespace, Name, state.Name, e.Message);
        }
    }

    /// <summary>The record knows more about a trial than we do: look again.</summary>
    private void ReadAgain(TrialState state)
    {
        AttemptRecord[] attempts = [.. services.Store.ReadAttempts(Uid, state.Name)];
        if (services.Store.FindTrial(Uid, state.Name) is { } record) Load(record, attempts, ReadHeldTimes());
        Pause(state);
    }
}
