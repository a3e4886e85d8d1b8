using Hem.Core.Sweeps;
using Hem.Progress;
using Hem.Results;

namespace Hem.Cli.Engine;

/// <summary>How far one trial is, from its evaluation points.</summary>
internal sealed class TrialProgress(TrialSpec spec, TrialLabel label)
{
    private readonly List<double> _curve = [];
    private long _steps;
    private double _wallSeconds;

    public TrialSpec Spec => spec;

    public TrialLabel Label => label;

    /// <summary>Iterations that the trial will take, unless it stops early.</summary>
    public long Iterations { get; } = ParameterTable.Effective("iterations", spec.Parameters) is { IsInt: true } value ? value.AsInt() : 0;

    public long Iteration { get; private set; }

    public double? SuccessRate => _curve.Count > 0 ? _curve[^1] : null;

    public IReadOnlyList<double> Curve => _curve;

    /// <summary>Environment steps a second between the last two points; null before there are two.</summary>
    public double? StepsPerSecond { get; private set; }

    /// <summary>Time of the whole trial as it goes, s; null before the first point of training.</summary>
    public double? ExpectedSeconds => Iteration > 0 && _wallSeconds > 0 ? _wallSeconds / Iteration * Iterations : null;

    public double WallSeconds => _wallSeconds;

    public void Load(PointRecord point) => Take(point.Iteration, point.EnvSteps, point.SuccessRate, point.WallSeconds);

    public bool Take(Evaluated point) => Take((long)point.Iteration, (long)point.EnvSteps, point.SuccessRate, point.WallSeconds);

    // A repeat (a resumed attempt sends points that are stored already) is no news.
    private bool Take(long iteration, long steps, double successRate, double wallSeconds)
    {
        if (_curve.Count > 0 && iteration <= Iteration) return false;
        if (_curve.Count > 0 && wallSeconds > _wallSeconds) StepsPerSecond = (steps - _steps) / (wallSeconds - _wallSeconds);
        _curve.Add(successRate);
        (Iteration, _steps, _wallSeconds) = (iteration, steps, wallSeconds);
        return true;
    }
}
