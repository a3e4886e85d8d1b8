using Hem.TestCluster;

[assembly: AssemblyFixture(typeof(ControlPlaneFixture))]
[assembly: AssemblyFixture(typeof(PostgresFixture))]
// They wait more than they work.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]

namespace Operator.Tests;

/// <summary>Tests that measure the whole process: nothing else runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
