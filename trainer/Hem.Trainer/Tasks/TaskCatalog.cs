using Hem.Core.Sweeps;

namespace Hem.Trainer.Tasks;

/// <summary>From a trial's parameters to its task.</summary>
internal static class TaskCatalog
{
    /// <summary>Null where this program does not have it.</summary>
    /// <exception cref="Trials.BadConfigurationException">This machine lacks what the task needs.</exception>
    public static ITask? Create(ParameterSet parameters)
    {
        if (!TaskName.TryParse(parameters["task"].AsString(), out TaskName? task))
            return null;

        int? horizon = parameters.Find("horizon")?.AsInt();
        ITask? built = task.Family switch
        {
            TaskName.FlipBit => new FlipBit(task.Size, Is("start", "zeros"), horizon),
            TaskName.FourRooms => new FourRooms(Is("encoding", "raw") ? CellEncoding.Raw : CellEncoding.OneHot, horizon),
            TaskName.PointMass => new PointMass(Is("start", "uniform"), ScalesInputs(parameters)),
            TaskName.Reacher => new Reacher(ScalesInputs(parameters)),
            TaskName.SawyerReach => new SawyerReach(ScalesInputs(parameters)),
            _ => Fetch.Find(task.Family) is { } fetch ? new Fetch(fetch, ScalesInputs(parameters)) : null,
        };
        return built is IVisibleTask visible && Is("stateObservation", "image")
            ? new ImageTask(
                visible, parameters["imageSize"].AsInt(), Is("goalObservation", "image"), parameters.Find("frames")?.AsInt() ?? 1)
            : built;

        bool Is(string parameter, string value) => parameters.Find(parameter)?.AsString() == value;
    }

    /// <summary>
    /// Whether <see cref="ITask.Encode"/> scales by the task's constants: the critics keep running statistics of raw inputs instead.
    /// </summary>
    public static bool ScalesInputs(ParameterSet parameters) =>
        parameters["algorithm"].AsString() is not (AlgorithmName.Her or AlgorithmName.HerDense or AlgorithmName.HemHer)
        && parameters.Find("normalizeInputs")?.AsBool() == true;
}
