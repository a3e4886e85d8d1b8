using Hem.Trainer.Networks;

namespace Hem.Trainer.Algorithms;

/// <summary>
/// Losses as means over a batch, each with its gradient with respect to a network's outputs. A batch may come in parts: each call then
/// gives what its rows contribute. Sums run in the order of the rows.
/// </summary>
internal static class Losses
{
    private const float HalfLogTwoPi = 0.918938533f;

    /// <summary>
    /// -log of a Gaussian policy with mean mu and one fixed sigma for all components:
    /// <code>
    /// l = sum_k [(a_k - mu_k)^2 / (2 sigma^2) + log sigma + log(2 pi) / 2],    dl/dmu_k = (mu_k - a_k) / sigma^2
    /// </code>
    /// </summary>
    /// <param name="means">mu, [rows, components].</param>
    /// <param name="actions">a, [rows, components].</param>
    /// <param name="components">Numbers in an action.</param>
    /// <param name="sigma">Above 0.</param>
    /// <param name="gradient">[rows, components], written.</param>
    /// <param name="batch">Rows of the whole batch.</param>
    public static double GaussianNegativeLogLikelihood(
        ReadOnlySpan<float> means, ReadOnlySpan<float> actions, int components, double sigma, Span<float> gradient, int batch)
    {
        float scale = (float)(1 / (sigma * sigma * batch));
        double squares = 0;
        for (int i = 0; i < means.Length; i++)
        {
            float error = means[i] - actions[i];
            gradient[i] = error * scale;
            squares += (double)error * error;
        }

        double constant = (VectorMath.Log((float)sigma) + HalfLogTwoPi) * components * (means.Length / components);
        return (squares / (2 * sigma * sigma) + constant) / batch;
    }
}
