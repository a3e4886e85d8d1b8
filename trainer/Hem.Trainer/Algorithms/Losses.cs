using Hem.Trainer.Networks;

namespace Hem.Trainer.Algorithms;

/// <summary>
/// Losses as means over a batch, each with its gradient with respect to a network's outputs. A batch may come in parts: each call then
/// gives what its rows contribute. Sums run in the order of the rows.
/// </summary>
internal static class Losses
{
    private const float HalfLogTwoPi = 0.918938533f;
    private const float Tiny = 1e-12f;

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

    /// <summary>
    /// The same with a sigma for each component, which is learned too:
    /// <code>dl/d log sigma_k = 1 - (a_k - mu_k)^2 / sigma_k^2</code>
    /// </summary>
    /// <param name="means">mu, [rows, components].</param>
    /// <param name="actions">a, [rows, components].</param>
    /// <param name="logSigmas">log sigma, [components].</param>
    /// <param name="gradient">[rows, components], written.</param>
    /// <param name="sigmaGradient">[components], added to.</param>
    /// <param name="batch">Rows of the whole batch.</param>
    public static double GaussianNegativeLogLikelihood(
        ReadOnlySpan<float> means, ReadOnlySpan<float> actions, ReadOnlySpan<double> logSigmas, Span<float> gradient,
        Span<double> sigmaGradient, int batch)
    {
        double loss = 0;
        for (int i = 0; i < means.Length; i++)
        {
            int k = i % logSigmas.Length;
            double error = (double)means[i] - actions[i], precision = VectorMath.Exp((float)(-2 * logSigmas[k]));
            double square = error * error * precision;
            gradient[i] = (float)(error * precision / batch);
            sigmaGradient[k] += (1 - square) / batch;
            loss += square / 2 + logSigmas[k] + HalfLogTwoPi;
        }

        return loss / batch;
    }

    /// <summary>
    /// Policy gradients with discrete actions: the logarithms of a softmax policy's probabilities, weighted by advantages A.
    /// <code>l = -sum_i A_i log pi(a_i),    pi = softmax(phi),    dl/dphi_j = A (pi_j - 1[j = a])</code>
    /// The sum tells log(pi + 1e-12), which is finite.
    /// </summary>
    /// <param name="logits">phi, [rows, actions].</param>
    /// <param name="taken">a, [rows].</param>
    /// <param name="advantages">A, [rows], each already divided by what the loss is a mean over.</param>
    /// <param name="gradient">[rows, actions], written.</param>
    /// <param name="loss">Added to, row by row, so that parts add up as the whole.</param>
    public static void PolicyGradient(
        ReadOnlySpan<float> logits, ReadOnlySpan<int> taken, ReadOnlySpan<float> advantages, Span<float> gradient, ref double loss)
    {
        int actions = logits.Length / taken.Length;
        VectorMath.Softmax(logits, actions, gradient);
        for (int i = 0; i < taken.Length; i++)
        {
            Span<float> row = gradient.Slice(i * actions, actions);
            loss -= VectorMath.Log(row[taken[i]] + Tiny) * (double)advantages[i];
            row[taken[i]] -= 1;
            foreach (ref float j in row)
                j *= advantages[i];
        }
    }

    /// <summary>
    /// Policy gradients with continuous actions: as above, of a Gaussian with mean mu and a fixed sigma, less its constant.
    /// <code>l = sum_i A_i sum_k (a_k - mu_k)^2 / (2 sigma^2),    dl/dmu_k = A (mu_k - a_k) / sigma^2</code>
    /// </summary>
    /// <param name="means">mu, [rows, components].</param>
    /// <param name="actions">a, [rows, components].</param>
    /// <param name="components">Numbers in an action.</param>
    /// <param name="sigma">Above 0.</param>
    /// <param name="advantages">A, [rows], each already divided by what the loss is a mean over.</param>
    /// <param name="gradient">[rows, components], written.</param>
    /// <param name="loss">As above.</param>
    public static void GaussianPolicyGradient(
        ReadOnlySpan<float> means, ReadOnlySpan<float> actions, int components, double sigma, ReadOnlySpan<float> advantages,
        Span<float> gradient, ref double loss)
    {
        float variance = (float)(sigma * sigma);
        for (int i = 0; i < means.Length; i++)
        {
            float score = (means[i] - actions[i]) / variance, advantage = advantages[i / components];
            gradient[i] = score * advantage;
            loss += (double)score * score * variance / 2 * advantage;
        }
    }

    /// <summary>
    /// y = clip(r + gamma Q', low, high): what the value of the action taken should be. Where the episode ended there, y = clip(r, low,
    /// high).
    /// </summary>
    /// <param name="rewards">r, [rows].</param>
    /// <param name="nextValues">Q' of the next state, [rows].</param>
    /// <param name="terminal">Whether nothing came after, [rows] or more.</param>
    /// <param name="discount">gamma.</param>
    /// <param name="low">Lowest target.</param>
    /// <param name="high">Highest target.</param>
    /// <param name="targets">y, [rows] or more, written.</param>
    public static void Targets(
        ReadOnlySpan<float> rewards, ReadOnlySpan<float> nextValues, ReadOnlySpan<bool> terminal,
        double discount, double low, double high, Span<float> targets)
    {
        for (int i = 0; i < rewards.Length; i++)
        {
            float after = terminal[i] ? 0 : (float)discount * nextValues[i];
            targets[i] = Math.Clamp(rewards[i] + after, (float)low, (float)high);
        }
    }

    /// <summary>The error of a critic: <code>l = (y - Q)^2,    dl/dQ = 2 (Q - y)</code></summary>
    /// <param name="values">Q, [rows].</param>
    /// <param name="targets">y, [rows] or more.</param>
    /// <param name="gradient">[rows], written.</param>
    /// <param name="batch">Rows of the whole batch.</param>
    public static double SquaredError(ReadOnlySpan<float> values, ReadOnlySpan<float> targets, Span<float> gradient, int batch)
    {
        double squares = 0;
        for (int i = 0; i < values.Length; i++)
        {
            float error = values[i] - targets[i];
            gradient[i] = 2 * error / batch;
            squares += (double)error * error;
        }

        return squares / batch;
    }

    /// <summary>
    /// The error of a critic with a value for each of K actions, of which one was taken:
    /// <code>l = (y - Q_a)^2,    dl/dQ_j = 2 (Q_a - y) 1[j = a]</code>
    /// </summary>
    /// <param name="values">Q, [rows, K].</param>
    /// <param name="taken">a, [rows].</param>
    /// <param name="targets">y, [rows] or more.</param>
    /// <param name="gradient">[rows, K], written.</param>
    /// <param name="batch">Rows of the whole batch.</param>
    public static double SquaredErrorOfTaken(
        ReadOnlySpan<float> values, ReadOnlySpan<int> taken, ReadOnlySpan<float> targets, Span<float> gradient, int batch)
    {
        int actions = values.Length / taken.Length;
        double squares = 0;
        gradient.Clear();
        for (int i = 0; i < taken.Length; i++)
        {
            float error = values[i * actions + taken[i]] - targets[i];
            gradient[i * actions + taken[i]] = 2 * error / batch;
            squares += (double)error * error;
        }

        return squares / batch;
    }

    /// <summary>
    /// Adds to a gradient with respect to the actions what their penalty contributes, where K is the number of components:
    /// <code>l = weight / K sum_k a_k^2,    dl/da_k = 2 weight a_k / K</code>
    /// </summary>
    /// <param name="actions">a, [rows, K].</param>
    /// <param name="components">K.</param>
    /// <param name="weight">Of the penalty.</param>
    /// <param name="gradient">[rows, K].</param>
    /// <param name="batch">Rows of the whole batch.</param>
    public static void PenalizeActions(
        ReadOnlySpan<float> actions, int components, double weight, Span<float> gradient, int batch)
    {
        float scale = (float)(2 * weight / ((double)batch * components));
        for (int i = 0; i < actions.Length; i++)
            gradient[i] += scale * actions[i];
    }

    /// <summary>From a gradient with respect to a = tanh z to that with respect to z: times 1 - a^2.</summary>
    public static void ThroughTanh(ReadOnlySpan<float> actions, Span<float> gradient)
    {
        for (int i = 0; i < actions.Length; i++)
            gradient[i] *= 1 - actions[i] * actions[i];
    }
}
