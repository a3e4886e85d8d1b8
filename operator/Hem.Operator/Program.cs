using Hem.Operator.Commands;

return await CommandTree.Build().Parse(args).InvokeAsync();
