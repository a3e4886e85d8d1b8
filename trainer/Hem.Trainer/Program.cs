using Hem.Trainer.Trials;

return TrainerProgram.Execute(args, Environment.GetEnvironmentVariable, Console.Out, Console.Error);
