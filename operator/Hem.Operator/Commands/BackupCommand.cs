using System.CommandLine;
using Hem.Results;
using Hem.Results.Sqlite;

namespace Hem.Operator.Commands;

/// <summary>`hem-operator backup`: a copy of the results, on its output, while another process runs sweeps.</summary>
internal static class BackupCommand
{
    public static Command Build()
    {
        var store = new Option<string>("--store")
        {
            Description = "Folder of the results",
            HelpName = "DIR",
            DefaultValueFactory = _ => new OperatorOptions().Store,
        };
        var command = new Command("backup", "Write a copy of the results of this moment (a SQLite file) to standard output") { store };
        command.SetAction((parsed, cancel) => WriteAsync(parsed.GetRequiredValue(store), cancel));
        return command;
    }

    private static async Task<int> WriteAsync(string store, CancellationToken cancel)
    {
        if (!Console.IsOutputRedirected)
        {
            Console.Error.WriteLine("hem-operator: the copy is a binary file: `hem-operator backup > results.db`.");
            return 64;
        }

        DirectoryInfo folder = Directory.CreateTempSubdirectory("hem-backup-");
        try
        {
            string copy = Path.Combine(folder.FullName, "results.db");
            StoreBackup.Write(store, copy);
            await using FileStream data = File.OpenRead(copy);
            await using Stream output = Console.OpenStandardOutput();
            await data.CopyToAsync(output, cancel);
            return 0;
        }
        catch (Exception e) when (e is StoreException or IOException)
        {
            Console.Error.WriteLine($"hem-operator: {e.Message}");
            return 74;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
