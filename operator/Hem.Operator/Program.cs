using System.CommandLine;
using Hem.Operator.Commands;

// Signals are for the command, which gives its lease away before it ends, however long that takes: its pod's grace is the limit.
return await CommandTree.Build().Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
