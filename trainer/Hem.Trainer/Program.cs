using Hem.Trainer.Trials;

ProcessorLevel.Raise();
return TrainerProgram.Execute(args, Environment.GetEnvironmentVariable, Console.Out, Console.Error);
