namespace Hem.Core.Statistics;

/// <summary>What a run is worth in the end.</summary>
public static class FinalScore
{
    /// <summary>Evaluation points at the end of a curve whose mean is the final score.</summary>
    public const int Points = 5;

    /// <summary>
    /// Mean of the last <see cref="Evaluations"/> evaluations. A run that <c>stopAt</c> ended early keeps the value of its last one: had
    /// it gone on, the last points would have been carried forward. NaN without points.
    /// </summary>
    /// <param name="successRates">The whole curve, in the order of iterations.</param>
    /// <param name="stoppedEarly">Ended by <c>stopAt</c>.</param>
    /// <param name="untrainedFirst">The first evaluation is that of iteration 0, before any training.</param>
    public static double Of(ReadOnlySpan<double> successRates, bool stoppedEarly, bool untrainedFirst) =>
        Summary.Mean(successRates[^Evaluations(successRates.Length, stoppedEarly, untrainedFirst)..]);

    /// <summary>
    /// How many evaluations the final score is the mean of: the last <see cref="Points"/>, or as many as there are; the one before any
    /// training only where there is no other.
    /// </summary>
    public static int Evaluations(int points, bool stoppedEarly, bool untrainedFirst) =>
        Math.Min(stoppedEarly ? 1 : Points, untrainedFirst && points > 1 ? points - 1 : points);
}
