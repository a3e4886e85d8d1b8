using System.Globalization;
using System.Text.RegularExpressions;
using Hem.Core.Planning;
using Hem.Kubernetes;

namespace Hem.Operator.Trials;

/// <summary>How a pod ended.</summary>
/// <param name="ExitCode">Of the trainer; null where nobody knows it.</param>
/// <param name="Overrun">It used more than it was given: a failure of its own, in words.</param>
/// <param name="Disruption">Somebody else ended it: in words.</param>
/// <param name="LastWords">The end of its log, or what it left as its message.</param>
internal sealed record PodEnd(int? ExitCode, string? Overrun, string? Disruption, string? LastWords);

/// <summary>A pod in the planner's terms.</summary>
/// <param name="Phase">Starting, Running, Stopping (it is being deleted), Exited, or Gone (deleted without a terminal phase).</param>
/// <param name="Waiting">While Starting: why, without the names of trials.</param>
/// <param name="StartedAt">Since when it holds a place on a node.</param>
/// <param name="End">With a terminal phase.</param>
internal sealed record PodView(AttemptPhase Phase, string? Waiting, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt, PodEnd? End);

/// <summary>Reads a pod's status. Pure.</summary>
internal static partial class PodObserver
{
    private const int LongestWords = 400;

    /// <summary>A pod as the API server has it.</summary>
    public static PodView Observe(V1Pod pod)
    {
        DateTimeOffset? started = StartOf(pod);
        if (pod.Status?.Phase is "Succeeded" or "Failed")
            return new PodView(AttemptPhase.Exited, null, started, EndTime(pod), End(pod));
        if (pod.Metadata.DeletionTimestamp is not null) return new PodView(AttemptPhase.Stopping, null, started, null, null);
        if (pod.Status?.Phase == "Running") return new PodView(AttemptPhase.Running, null, started, null, null);
        return new PodView(AttemptPhase.Starting, WaitsFor(pod), started, null, null);
    }

    /// <summary>A pod that is no more, as it was seen last. Its containers may have ended before it went.</summary>
    public static PodView ObserveGone(V1Pod last, DateTimeOffset now)
    {
        PodView view = Observe(last);
        if (view.Phase == AttemptPhase.Exited) return view;
        PodEnd end = End(last);
        return end.ExitCode is null && end.Overrun is null
            ? new PodView(AttemptPhase.Gone, null, view.StartedAt, now, end with
            {
                Disruption = end.Disruption ?? (last.Metadata.DeletionTimestamp is null ? "its pod vanished" : "its pod was deleted"),
            })
            : new PodView(AttemptPhase.Exited, null, view.StartedAt, EndTime(last) ?? now, end);
    }

    /// <summary>What the end of an attempt's pod means.</summary>
    /// <param name="end">How the pod ended; null where it was never seen, or its end was not.</param>
    /// <param name="finished">The trial's Finished is stored (read after the pod's end).</param>
    /// <param name="stopAsked">The operator had asked the attempt to leave.</param>
    /// <param name="reported">Reason of the trainer's own Failed report.</param>
    /// <param name="permanent">That report's `permanent`.</param>
    public static AttemptOutcome OutcomeOf(PodEnd? end, bool finished, bool stopAsked, string? reported, bool permanent)
    {
        if (finished)
            return end?.ExitCode is null or 0 ? AttemptOutcome.Completed
                : AttemptOutcome.Completed with { Reason = $"finished, then exit code {end.ExitCode}" };
        if (end?.Overrun is { } overrun) return AttemptOutcome.Failed(overrun);
        if (end?.ExitCode is not { } code)
        {
            if (stopAsked) return AttemptOutcome.Left;
            return reported is not null && end?.Disruption is null
                ? AttemptOutcome.Failed(reported, permanent)
                : AttemptOutcome.Disrupted(end?.Disruption ?? "its pod and Job were deleted");
        }

        if (code == 0)
            return stopAsked ? AttemptOutcome.Left
                : AttemptOutcome.Failed(With("exit code 0, but it never reported Finished", end.LastWords));
        // Whoever took its node away ended it, however it looked from inside; but a bad configuration is bad anywhere.
        if (end.Disruption is { } disruption && code != AttemptOutcome.BadConfigurationExitCode)
            return stopAsked ? AttemptOutcome.Left : AttemptOutcome.Disrupted(disruption);
        string words = code is > 128 and < 128 + 65 ? $"killed by signal {code - 128}"
            : code == AttemptOutcome.BadConfigurationExitCode ? "bad configuration (exit code 64)"
            : $"exit code {code.ToString(CultureInfo.InvariantCulture)}";
        return AttemptOutcome.FromExit(code, stopAsked, reported ?? With(words, LastLine(end.LastWords)), permanent);
    }

    /// <summary>Why a Job has no pod yet; null where there is nothing to say.</summary>
    public static string? WaitsFor(V1Job job) =>
        job.Spec?.Suspend != true ? null
        : job.Label(HemLabels.KueueQueue) is { } queue ? $"wait in queue {queue}"
        : "wait: their Jobs are suspended";

    /// <summary>
    /// Why a Job could not create its pod, from its controller's event, without the pod's name and without what is used at the moment: so
    /// trials that wait for the same are counted together.
    /// </summary>
    public static string NotCreated(string message)
    {
        string why = BeforeReason().Replace(message, "", 1);
        return "not created: " + OneLine(UsedNow().Replace(why, ""));
    }

    private static DateTimeOffset? StartOf(V1Pod pod)
    {
        V1PodCondition? scheduled = Condition(pod, "PodScheduled");
        if (scheduled is { Status: "True" }) return scheduled.LastTransitionTime ?? pod.Status?.StartTime;
        return pod.Status?.StartTime ?? (pod.Status?.Phase is "Running" ? pod.Metadata.CreationTimestamp : null);
    }

    private static DateTimeOffset? EndTime(V1Pod pod) => Terminated(pod)?.FinishedAt;

    private static PodEnd End(V1Pod pod)
    {
        V1ContainerStateTerminated? terminated = Terminated(pod);
        return new PodEnd(terminated?.ExitCode, OverrunOf(pod, terminated), DisruptionOf(pod), Shorten(terminated?.Message));
    }

    private static string? OverrunOf(V1Pod pod, V1ContainerStateTerminated? terminated)
    {
        if (terminated?.Reason == "OOMKilled")
            return pod.Spec?.Containers?.FirstOrDefault()?.Resources?.Limits?.GetValueOrDefault("memory") is { } limit
                ? $"out of memory (limit {limit})"
                : "out of memory";
        // The kubelet ends a pod that fills its own storage by eviction as well; only the message tells that from a node in need.
        return pod.Status is { Reason: "Evicted", Message: { } message } && OwnStorage().IsMatch(message)
            ? $"out of ephemeral storage: {OneLine(message)}"
            : null;
    }

    private static string? DisruptionOf(V1Pod pod)
    {
        if (Condition(pod, "DisruptionTarget") is { Status: "True" } target)
            return (target.Reason switch
            {
                "PreemptionByScheduler" => "preempted",
                "DeletionByTaintManager" => "its node was tainted",
                "EvictionByEvictionAPI" => "evicted",
                "DeletionByPodGC" => "its node is lost",
                "TerminationByKubelet" => "ended by its node",
                _ => target.Reason ?? "disrupted",
            }) + (target.Message is { Length: > 0 } why ? $": {OneLine(why)}" : "");
        string? said = pod.Status?.Message is { Length: > 0 } message ? $": {OneLine(message)}" : "";
        return pod.Status?.Reason switch
        {
            "Evicted" => "evicted" + said,
            "Preempting" or "Preempted" => "preempted" + said,
            "NodeLost" => "its node is lost" + said,
            "Shutdown" or "NodeShutdown" or "Terminated" => "its node was shut down" + said,
            // What a kubelet answers that cannot take a pod which the scheduler gave it.
            "NodeAffinity" or "UnexpectedAdmissionError" => "refused by its node" + said,
            { } reason when reason.StartsWith("OutOf", StringComparison.Ordinal) => "refused by its node" + said,
            _ => null,
        };
    }

    private static string? WaitsFor(V1Pod pod)
    {
        if (Condition(pod, "PodScheduled") is { Status: "False" } unscheduled)
            return $"unschedulable: {Scheduling(unscheduled.Message ?? unscheduled.Reason ?? "no node yet")}";
        if (Status(pod)?.State?.Waiting is not { Reason: { } reason } waiting) return null;
        string? image = pod.Spec?.Containers?.FirstOrDefault()?.Image;
        return reason switch
        {
            "ContainerCreating" or "PodInitializing" => null,
            // The two take turns, with messages that differ.
            "ErrImagePull" or "ImagePullBackOff" or "RegistryUnavailable" => $"cannot pull {image}",
            "ErrImageNeverPull" => $"cannot find {image} on the node",
            "InvalidImageName" => $"cannot pull {image}: that is no image's name",
            _ => $"cannot start: {OneLine(waiting.Message ?? reason)}",
        };
    }

    /// <summary>The scheduler's message, and where one resource is all that lacks, in fewer words.</summary>
    private static string Scheduling(string message)
    {
        Match lack = Insufficient().Match(message);
        if (lack.Success && lack.Groups["nodes"].Value == lack.Groups["lacking"].Value)
            return $"0/{lack.Groups["nodes"].Value} nodes have {lack.Groups["what"].Value}";
        int preemption = message.IndexOf(" preemption:", StringComparison.Ordinal);
        return OneLine(preemption < 0 ? message : message[..preemption]).TrimEnd('.');
    }

    private static V1PodCondition? Condition(V1Pod pod, string type) =>
        pod.Status?.Conditions?.FirstOrDefault(condition => condition.Type == type);

    private static V1ContainerStatus? Status(V1Pod pod) =>
        pod.Status?.ContainerStatuses?.FirstOrDefault(status => status.Name == JobBuilder.Container)
        ?? pod.Status?.ContainerStatuses?.FirstOrDefault();

    private static V1ContainerStateTerminated? Terminated(V1Pod pod) => Status(pod)?.State?.Terminated;

    private static string With(string what, string? words) => string.IsNullOrEmpty(words) ? what : $"{what}: {words}";

    private static string? LastLine(string? words) => words?
        .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault();

    /// <summary>The end of it: what a program says last is why it failed.</summary>
    private static string? Shorten(string? words)
    {
        if (string.IsNullOrWhiteSpace(words)) return null;
        string clean = string.Concat(TrainerLog.Messages(words).Trim().Where(c => c == '\n' || !char.IsControl(c)));
        return clean.Length <= LongestWords ? clean : "..." + clean[^LongestWords..];
    }

    private static string OneLine(string text)
    {
        string line = string.Join(' ', text.Split((char[])['\n', '\r', '\t', ' '], StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= LongestWords ? line : line[..LongestWords] + "...";
    }

    [GeneratedRegex(@"^0/(?<nodes>\d+) nodes are available: (?<lacking>\d+) Insufficient (?<what>[^,\s]+?)\.(\s|$)")]
    private static partial Regex Insufficient();

    [GeneratedRegex("^Error creating: (pods \"[^\"]*\" is forbidden: )?")]
    private static partial Regex BeforeReason();

    [GeneratedRegex(", used: .*?(?=, limited: )")]
    private static partial Regex UsedNow();

    [GeneratedRegex(
        "^(Usage of EmptyDir volume|Pod ephemeral local storage usage exceeds|Container .+ exceeded its local ephemeral storage)")]
    private static partial Regex OwnStorage();
}
