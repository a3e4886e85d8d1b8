using System.Text.Json;
using Hem.Core.Planning;
using Hem.Core.Sweeps;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Trials;
using Hem.Results;

namespace Hem.Operator.Sweeps;

/// <summary>Carrying out what the planner decided: the record first, then the API server, then the observation.</summary>
internal sealed partial class SweepReconciler
{
    /// <returns>True where something was done, so that it is worth planning again.</returns>
    private async Task<bool> CarryOutAsync(IReadOnlyList<PlanAction> actions, CancellationToken cancel)
    {
        if (actions.Count == 0) return false;
        // What was refused lately waits; the planner, which knows nothing of that, says the same again until then.
        var work = actions.Select(action => (Action: action, State: StateOf(action.Trial)))
            .Where(pair => pair.Action is StopAttempt || pair.State.PausedUntil <= Now).ToArray();
        bool acted = await RecordAsync(work, cancel);
        foreach ((PlanAction action, TrialState _) in work)
            if (action is StopAttempt stop && Stop(stop) is { } stopped)
            {
                stopped();
                acted = true;
            }

        return acted | await ApplyAsync(work.Select(pair => pair.Action switch
        {
            CreateTrial create => Guarded(pair.State, () => CreateAsync(pair.State, create, cancel), cancel),
            DeleteTrial => Guarded(pair.State, () => DeleteAsync(pair.State, cancel), cancel),
            StartAttempt start => Guarded(pair.State, () => StartAsync(pair.State, start.Number, cancel), cancel),
            _ => Task.FromResult<Action?>(null),
        }));
    }

    /// <summary>What goes into the record for many trials at once.</summary>
    private async Task<bool> RecordAsync((PlanAction Action, TrialState State)[] work, CancellationToken cancel)
    {
        NewTrial[] creations =
        [
            .. work.Where(pair => pair.Action is CreateTrial).Select(pair => _model?.Find(pair.State.Name)).OfType<TrialSpec>()
                .Select(_model!.Record),
        ];
        if (creations.Length > 0) await services.Store.AddTrialsAsync(Uid, creations, cancel);
        TrialState[] marks = [.. work.Where(pair => pair.Action is MarkSuperseded).Select(pair => pair.State)];
        TrialState[] clears = [.. work.Where(pair => pair.Action is ClearSuperseded).Select(pair => pair.State)];
        return creations.Length + marks.Length + clears.Length > 0
            && await MarkAsync(marks, superseded: true, cancel) | await MarkAsync(clears, superseded: false, cancel);
    }

    private async Task<bool> MarkAsync(TrialState[] states, bool superseded, CancellationToken cancel)
    {
        if (states.Length == 0) return false;
        await services.Store.MarkSupersededAsync(Uid, states.Select(state => state.Name), superseded, cancel);
        foreach (TrialState state in states)
        {
            Observe(Known(state.Name) with { Superseded = superseded });
            _touched.Add(state);
            if (superseded) _best.Forget(state.Name);
            else if (services.Store.FindTrial(Uid, state.Name) is { Finished: not null } trial)
                _best.Finish(trial, services.Store.ReadPoints(Uid, state.Name));
        }

        return true;
    }

    private async Task<Action?> CreateAsync(TrialState state, CreateTrial create, CancellationToken cancel)
    {
        if (_resource is not { } owner || _model?.Find(create.Trial) is not { } spec) return null;
        HemTrialResource trial = NewTrialObject(owner, spec);
        try
        {
            trial = await services.Client.CreateAsync(HemResources.Trials, trial, cancel: cancel);
        }
        catch (KubernetesException e) when (e.IsAlreadyExists)
        {
            HemTrialResource? existing = await services.Client.GetAsync(HemResources.Trials, Namespace, create.Trial, cancel);
            if (existing is null || IsLeftOver(existing)) return () => Pause(state);
            trial = existing;
        }

        return () =>
        {
            Own(state, SweepController.Slim(trial));
            Resume(state);
            ObserveObject(state);
        };
    }

    /// <summary>Of a sweep of this name that was deleted: the garbage collector is about to take it away.</summary>
    private bool IsLeftOver(HemTrialResource trial) =>
        trial.Metadata.DeletionTimestamp is not null
        || trial.Controller() is { Kind: HemResources.SweepKind } owner && owner.Name == Name && owner.Uid != Uid;

    private HemTrialResource NewTrialObject(HemSweepResource owner, TrialSpec spec)
    {
        using JsonDocument parameters = JsonDocument.Parse(ParameterTable.Resolve(spec.Parameters).ToJson());
        return new HemTrialResource
        {
            Metadata = new V1ObjectMeta
            {
                Name = spec.Name,
                Namespace = Namespace,
                Labels = new() { [HemLabels.Sweep] = Name!, [HemLabels.SweepUid] = Uid },
                OwnerReferences = [owner.AsController(HemResources.Sweeps)],
            },
            Spec = new HemTrialSpec
            {
                Sweep = Name!,
                SweepUid = Uid,
                Hash = spec.Hash,
                Seed = spec.Seed,
                Configuration = spec.ConfigurationId,
                Parameters = parameters.RootElement.Clone(),
            },
        };
    }

    private async Task<Action?> DeleteAsync(TrialState state, CancellationToken cancel)
    {
        try
        {
            await services.Store.DeleteTrialsAsync(Uid, [state.Name], cancel);
        }
        catch (StoreException e) when (e.Fault == StoreFault.Conflict)
        {
            return () => ReadAgain(state);
        }

        if (state.Object is { } trial)
            await services.Client.DeleteAsync(
                HemResources.Trials, Namespace, state.Name, new DeleteOptions { Uid = trial.Metadata.Uid }, cancel);
        return () =>
        {
            state.Object = null;
            ObserveObject(state);
        };
    }

    /// <summary>The sweep was deleted: its trainers are let go, and the record knows it when they have.</summary>
    private async Task<DateTimeOffset?> LeaveAsync(CancellationToken cancel)
    {
        if (!_isMarkedDeleted && !_trials.Values.Any(state => state.Live is not null))
        {
            await services.Store.MarkSweepDeletedAsync(Uid, cancel);
            SweepEngine.DeleteCheckpoints(services.Checkpoints, Uid, services.Logger);
            _isMarkedDeleted = true;
            services.Statuses.Forget(Uid);
        }

        return NextPaused();
    }

    /// <summary>Deletes a sweep whose time after its end is over.</summary>
    /// <returns>When that will be; null where there is nothing to wait for.</returns>
    private async Task<DateTimeOffset?> CollectAsync(SweepStatus status, CancellationToken cancel)
    {
        if (_model?.Sweep.Spec.TtlSecondsAfterFinished is not { } seconds || _resource is not { } sweep) return null;
        if (status.State is not (SweepState.Complete or SweepState.CompleteWithFailures)) return null;
        DateTimeOffset due = (_published?.CompletionTime ?? sweep.Status?.CompletionTime ?? Now).AddSeconds(seconds);
        if (due > Now) return due;
        try
        {
            await services.Client.DeleteAsync(HemResources.Sweeps, Namespace, Name!, new DeleteOptions
            {
                Uid = Uid,
                PropagationPolicy = PropagationPolicy.Background,
            }, cancel);
        }
        catch (Exception e) when (IsTrouble(e) && !cancel.IsCancellationRequested)
        {
            HadTrouble = true;
            OperatorLog.SweepTrouble(services.Logger, Namespace, Name, e.Message);
            return Now + services.Options.TroublePause;
        }

        return null;
    }
}
