using Hem.Bench;

return args switch
{
    ["mstep", .. var rest] => MStepBench.Run(rest),
    ["planner", .. var rest] => PlannerBench.Run(rest),
    _ => Unknown(),
};

static int Unknown()
{
    Console.Error.WriteLine("usage: hem-bench mstep|planner");
    return 64;
}
