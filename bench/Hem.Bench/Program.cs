using Hem.Bench;

return args switch
{
    ["planner", .. var rest] => PlannerBench.Run(rest),
    _ => Unknown(),
};

static int Unknown()
{
    Console.Error.WriteLine("usage: hem-bench planner");
    return 64;
}
