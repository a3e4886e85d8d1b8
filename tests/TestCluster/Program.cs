using Hem.TestCluster;

return args switch
{
    ["up"] => await DeveloperCluster.UpAsync(),
    ["import", .. var files] => await DeveloperCluster.ImportAsync(files),
    ["down"] => await DeveloperCluster.DownAsync(),
    ["serve"] => await DeveloperCluster.ServeAsync(),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("""
        test-cluster up               starts a Kubernetes of one node on this machine, if none runs; prints the line that sets KUBECONFIG
        test-cluster import FILE...   makes images known to it, from the files that make/image writes
        test-cluster down             ends it and removes all of it
        """);
    return 2;
}
