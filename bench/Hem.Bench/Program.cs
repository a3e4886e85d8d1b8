using Hem.Bench;

return args switch
{
    ["ingest", .. var rest] => await IngestBench.RunAsync(rest),
    ["mstep", .. var rest] => MStepBench.Run(rest),
    ["planner", .. var rest] => PlannerBench.Run(rest),
    _ => Unknown(),
};

static int Unknown()
{
    Console.Error.WriteLine("usage: hem-bench ingest|mstep|planner");
    return 64;
}
