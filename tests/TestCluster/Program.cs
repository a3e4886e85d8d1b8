using Hem.TestCluster;

// For a try by hand: a control plane until Enter is pressed.
await using var plane = await ControlPlane.StartAsync();
Console.WriteLine($"export KUBECONFIG={plane.Kubeconfig}");
Console.ReadLine();
