namespace Hem.Progress;

/// <summary>Who a bearer token speaks for: one attempt of one trial of one sweep.</summary>
/// <param name="SweepUid">Identity of the sweep object; a sweep deleted and created again has another.</param>
/// <param name="Trial">Name of the trial, unique within its sweep.</param>
/// <param name="AttemptId">Opaque identity of the attempt (HEM_ATTEMPT), unique among all attempts there ever are.</param>
/// <param name="AttemptNumber">The attempt's number within its trial, from 1.</param>
public sealed record AttemptIdentity(string SweepUid, string Trial, string AttemptId, int AttemptNumber);
