using Hem.TestCluster;

return args switch
{
    ["up"] => await DeveloperCluster.UpAsync(),
    ["down"] => await DeveloperCluster.DownAsync(),
    ["serve"] => await DeveloperCluster.ServeAsync(),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("""
        test-cluster up      starts a Kubernetes of one node on this machine, prints the line that sets KUBECONFIG; nothing where it runs
        test-cluster down    ends it and removes all of it
        """);
    return 2;
}
