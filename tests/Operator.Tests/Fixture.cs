using Hem.TestCluster;

[assembly: AssemblyFixture(typeof(ControlPlaneFixture))]
