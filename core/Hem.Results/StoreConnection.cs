using System.Data;
using System.Data.Common;

namespace Hem.Results;

/// <summary>One connection and the statements prepared on it, each made once and used again. For one thread at a time.</summary>
/// <param name="parameterName">What the database calls the parameter of a number (from 1); its statements call it $1, $2, ...</param>
internal sealed class StoreConnection(DbConnection connection, Func<int, string> parameterName) : IDisposable
{
    private readonly Dictionary<string, DbCommand> _commands = [];

    /// <summary>False once a server has gone away: then it is of no use any more.</summary>
    public bool IsOpen => connection.State == ConnectionState.Open;

    public int Execute(string sql, params ReadOnlySpan<object?> arguments) => Prepare(sql, arguments).ExecuteNonQuery();

    public object? Scalar(string sql, params ReadOnlySpan<object?> arguments) =>
        Prepare(sql, arguments).ExecuteScalar() is var value and not DBNull ? value : null;

    /// <summary>Rows; to be disposed before anything else is asked of this connection.</summary>
    public DbDataReader Query(string sql, params ReadOnlySpan<object?> arguments) => Prepare(sql, arguments).ExecuteReader();

    /// <summary>The statement with its parameters $1, $2, ... set.</summary>
    private DbCommand Prepare(string sql, ReadOnlySpan<object?> arguments)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            command = connection.CreateCommand();
            command.CommandText = sql;
            for (var i = 1; i <= arguments.Length; i++)
            {
                var parameter = command.CreateParameter();
                parameter.ParameterName = parameterName(i);
                command.Parameters.Add(parameter);
            }

            _commands.Add(sql, command);
        }

        for (var i = 0; i < arguments.Length; i++) command.Parameters[i].Value = Stored(arguments[i]);
        return command;
    }

    // Every whole number is stored with 64 bits. No text has a NUL, which PostgreSQL does not keep.
    private static object Stored(object? argument) => argument switch
    {
        null => DBNull.Value,
        int number => (long)number,
        string text when text.Contains('\0') => text.Replace('\0', '\ufffd'),
        _ => argument,
    };

    public void Dispose()
    {
        foreach (var command in _commands.Values) command.Dispose();
        connection.Dispose();
    }
}
