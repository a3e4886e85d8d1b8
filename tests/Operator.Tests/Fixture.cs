using Hem.TestCluster;

[assembly: AssemblyFixture(typeof(ControlPlaneFixture))]
[assembly: AssemblyFixture(typeof(PostgresFixture))]
