namespace Hem.Trainer.MuJoCo;

/// <summary>Simulations of one model, lent to the threads that step episodes: as many are made as are ever wanted at once.</summary>
internal sealed class SimulationPool(Model model) : IDisposable
{
    private readonly Lock gate = new();
    private readonly Stack<Simulation> free = new();

    public Model Model => model;

    /// <summary>A simulation in any state; <see cref="Return"/> it.</summary>
    public Simulation Rent()
    {
        lock (gate)
        {
            if (free.TryPop(out Simulation? simulation))
                return simulation;
        }

        return new Simulation(model);
    }

    public void Return(Simulation simulation)
    {
        lock (gate)
            free.Push(simulation);
    }

    public void Dispose()
    {
        while (free.TryPop(out Simulation? simulation))
            simulation.Dispose();
        model.Dispose();
    }
}
