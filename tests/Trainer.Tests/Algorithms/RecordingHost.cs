using Hem.Trainer.Algorithms;

namespace Trainer.Tests.Algorithms;

/// <summary>Keeps the curve; can be told to make the algorithm leave at a certain step or in the midst of one.</summary>
internal sealed class RecordingHost : ITrainingHost
{
    private long asked;

    public List<Evaluation> Curve { get; } = new(1024);

    public List<string> Notes { get; } = [];

    /// <summary>Steps (calls of <see cref="Continue"/>) after which to leave.</summary>
    public long LeaveAfter { get; init; } = long.MaxValue;

    /// <summary>Called with the number of the step before it is taken.</summary>
    public Action<long>? BetweenSteps { get; init; }

    /// <summary>Answers <see cref="LeaveNow"/>.</summary>
    public Func<bool> Interrupt { get; init; } = () => false;

    public bool LeaveNow => Interrupt();

    public bool Continue()
    {
        BetweenSteps?.Invoke(asked);
        return asked++ < LeaveAfter;
    }

    public void Evaluated(Evaluation point) => Curve.Add(point);

    public void Note(string line) => Notes.Add(line);
}
