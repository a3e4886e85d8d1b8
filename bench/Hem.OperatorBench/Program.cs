using Hem.OperatorBench;

return args switch
{
    ["operator", .. var rest] => await OperatorBench.RunAsync(rest),
    ["latency", .. var rest] => await LatencyBench.RunAsync(rest),
    ["reports", .. var rest] => await ReportsBench.RunAsync(rest),
    ["scrape"] => await ScrapeBench.RunAsync(),
    [Operating.Verb, var kubeconfig, var ns, var store, var report] => await Operating.RunAsync(kubeconfig, ns, store, report),
    _ => Unknown(),
};

static int Unknown()
{
    Console.Error.WriteLine("usage: hem-operator-bench operator|latency|reports|scrape");
    return 64;
}
