namespace Hem.Core.Statistics;

/// <summary>What a run is worth in the end.</summary>
public static class FinalScore
{
    /// <summary>Evaluation points at the end of a curve whose mean is the final score.</summary>
    public const int Points = 5;

    /// <summary>
    /// Mean of the last <see cref="Points"/> evaluations; of all of them when there are fewer. A run that <c>stopAt</c> ended early
    /// keeps the value of its last evaluation: had it gone on, the last points would have been carried forward. NaN without points.
    /// </summary>
    /// <param name="successRates">In the order of iterations.</param>
    /// <param name="stoppedEarly">Ended by <c>stopAt</c>.</param>
    public static double Of(ReadOnlySpan<double> successRates, bool stoppedEarly) =>
        successRates.IsEmpty ? double.NaN
        : stoppedEarly ? successRates[^1]
        : Summary.Mean(successRates[Math.Max(0, successRates.Length - Points)..]);

    /// <summary>Evaluation episodes behind <see cref="Of"/>, given those of one evaluation.</summary>
    public static long Episodes(int points, bool stoppedEarly, long episodesPerEvaluation) =>
        episodesPerEvaluation * (stoppedEarly ? Math.Min(1, points) : Math.Min(Points, points));
}
