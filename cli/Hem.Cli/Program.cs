using Hem.Cli;
using Hem.Cli.Commands;

return await Hosting.RunAsync(args, CommandTree.Build());
