using Hem.Kubernetes.Tests.Support;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

if (args is ["candidate", ..]) return await Candidate.RunAsync(args[1..]);
return args.Any(arg => arg is "-automated" or "@@")
    ? await ConsoleRunner.Run(args)
    : await TestPlatformTestFramework.RunAsync(args, Hem.Kubernetes.Tests.SelfRegisteredExtensions.AddSelfRegisteredExtensions);
