using System.Data.Common;

namespace Hem.Results.Sqlite;

/// <summary>Copies of a store in a folder, made while another process writes to it.</summary>
public static class StoreBackup
{
    /// <summary>Writes what the store of this folder holds at one moment to a new file: a SQLite database without free pages.</summary>
    /// <exception cref="StoreException">There is no store in that folder, or the file cannot be written.</exception>
    public static void Write(string directory, string path)
    {
        using SqliteDatabase database = SqliteDatabase.ForReading(Path.GetFullPath(directory));
        try
        {
            using StoreConnection connection = database.OpenReader();
            connection.Execute("VACUUM INTO $1", path);
        }
        catch (DbException e)
        {
            throw new StoreException(StoreFault.Io, $"{database.Name}: cannot be copied to {path}: {e.Message}", e);
        }
    }
}
