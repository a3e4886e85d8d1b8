using Hem.Bench;
using Hem.Trainer.Trials;

ProcessorLevel.Raise();
return args switch
{
    ["conv", .. var rest] => ConvBench.Run(rest),
    ["her-update", .. var rest] => HerUpdateBench.Run(rest),
    ["ingest", .. var rest] => await IngestBench.RunAsync(rest),
    ["mstep", .. var rest] => MStepBench.Run(rest),
    ["physics", .. var rest] => PhysicsBench.Run(rest),
    ["planner", .. var rest] => PlannerBench.Run(rest),
    ["render", .. var rest] => RenderBench.Run(rest),
    ["train-fetch-reach", .. var rest] => TrainFetchReachBench.Run(rest),
    ["train-flipbit", .. var rest] => TrainFlipbitBench.Run(rest),
    ["overhead", .. var rest] => OverheadBench.Run(rest),
    ["overhead-bare", var seconds] => OverheadBench.RunBare(seconds),
    ["overhead-trial", var seconds] => OverheadBench.RunTrial(seconds),
    _ => Unknown(),
};

static int Unknown()
{
    Console.Error.WriteLine(
        "usage: hem-bench conv|her-update|ingest|mstep|overhead|physics|planner|render|train-fetch-reach|train-flipbit");
    return 64;
}
