using Hem.Bench;

return args switch
{
    ["ingest", .. var rest] => await IngestBench.RunAsync(rest),
    ["mstep", .. var rest] => MStepBench.Run(rest),
    ["planner", .. var rest] => PlannerBench.Run(rest),
    ["train-flipbit", .. var rest] => TrainFlipbitBench.Run(rest),
    ["overhead", .. var rest] => OverheadBench.Run(rest),
    ["reports", .. var rest] => await ReportsBench.RunAsync(rest),
    ["overhead-trial", var seconds] => OverheadBench.RunTrial(seconds),
    _ => Unknown(),
};

static int Unknown()
{
    Console.Error.WriteLine("usage: hem-bench ingest|mstep|planner|train-flipbit|overhead|reports");
    return 64;
}
