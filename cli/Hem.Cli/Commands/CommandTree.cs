using System.CommandLine;
using System.CommandLine.Help;

namespace Hem.Cli.Commands;

/// <summary>The commands, their options and their help.</summary>
internal static class CommandTree
{
    public static RootCommand Build()
    {
        var closing = new Dictionary<Command, string>();
        var root = new RootCommand("Ablation studies of goal-conditioned reinforcement learning: a sweep goes in, an answer comes out.");
        closing[root] = """
            Examples:
              hem run examples/quickstart.yaml        run a sweep on this machine, to its report
              hem plan sweep.yaml                     what is done, what would run, how long it takes
              hem validate sweep.yaml                 every fault of the file, with its line
              hem report flipbit-n                    curves, final scores, ranking: one HTML page
              hem list                                the sweeps of this store
              hem delete flipbit-n                    a sweep and its results, for good
              hem explain N                           what a parameter means, its range and default

            Environment:
              HEM_STORE     the store where --store is not given (default: ./hem-results)
              HEM_DEBUG=1   show where an error comes from
              NO_COLOR      no colours

            """;
        Add(RunCommand.Build(), RunCommand.Closing);
        Add(PlanCommand.Build(), PlanCommand.Closing);
        Add(ValidateCommand.Build(), ValidateCommand.Closing);
        Add(ReportCommand.Build(), ReportCommand.Closing);
        Add(ListCommand.Build(), ListCommand.Closing);
        Add(DeleteCommand.Build(), DeleteCommand.Closing);
        Add(ExplainCommand.Build(), ExplainCommand.Closing);

        HelpOption help = root.Options.OfType<HelpOption>().Single();
        var action = new HelpWithExamples((HelpAction)help.Action!, closing);
        help.Action = action;
        root.SetAction(parsed =>
        {
            action.Invoke(parsed);
            return ExitCodes.BadInput;
        });
        return root;

        void Add(Command command, string text)
        {
            root.Subcommands.Add(command);
            closing[command] = text;
        }
    }
}
