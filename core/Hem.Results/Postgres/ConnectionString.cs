using Npgsql;

namespace Hem.Results.Postgres;

/// <summary>How the database is reached, in the form of libpq or of Npgsql. Messages tell nothing of it: it holds a password.</summary>
internal static class ConnectionString
{
    private const string Form =
        "it is `postgresql://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full`, with what is special in a URI as %XX, or "
        + "`Host=...;Username=...;Password=...;Database=...` as Npgsql has it";

    private static readonly string[] Schemes = ["postgresql://", "postgres://"];

    // What libpq calls it, and what Npgsql does.
    private static readonly Dictionary<string, string> Keywords = new(StringComparer.OrdinalIgnoreCase)
    {
        ["application_name"] = "Application Name",
        ["connect_timeout"] = "Timeout",
        ["dbname"] = "Database",
        ["sslcert"] = "SSL Certificate",
        ["sslkey"] = "SSL Key",
        ["sslmode"] = "SSL Mode",
        ["sslpassword"] = "SSL Password",
        ["sslrootcert"] = "Root Certificate",
        ["target_session_attrs"] = "Target Session Attributes",
        ["user"] = "Username",
    };

    /// <summary>`postgresql://HOST:PORT/DATABASE`.</summary>
    public static string NameOf(NpgsqlConnectionStringBuilder connection)
    {
        var port = connection.Host!.Contains(',') || connection.Host.StartsWith('/') ? "" : $":{connection.Port}";
        return $"postgresql://{connection.Host}{port}/{connection.Database ?? connection.Username}";
    }

    /// <exception cref="StoreException">It cannot be read.</exception>
    public static NpgsqlConnectionStringBuilder Parse(string text)
    {
        text = text.Trim();
        NpgsqlConnectionStringBuilder connection;
        try
        {
            connection = Array.Find(Schemes, scheme => text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)) is { } scheme
                ? FromUri(text[scheme.Length..])
                : new NpgsqlConnectionStringBuilder(text);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException or KeyNotFoundException)
        {
            throw new StoreException(StoreFault.NotFound, $"The connection string of the results cannot be read: {Form}.");
        }

        if (connection.Host is null or "")
            throw new StoreException(StoreFault.NotFound, $"The connection string of the results names no host: {Form}.");
        // The store keeps its connections itself.
        (connection.Pooling, connection.Enlist) = (false, false);
        if (connection.Host.Contains(',') && connection.TargetSessionAttributes is null) connection.TargetSessionAttributes = "primary";
        // Whoever names an authority wants the server's certificate to be looked at, which is not the default.
        if ((connection.RootCertificate ?? Environment.GetEnvironmentVariable("PGSSLROOTCERT")) is { Length: > 0 })
            Default("SSL Mode", SslMode.VerifyFull);
        Default("Application Name", "hem");
        Default("Max Auto Prepare", 100);
        Default("Auto Prepare Min Usages", 2);
        Default("Tcp Keepalive", true);
        Default("GSS Encryption Mode", "Disable");
        return connection;

        void Default(string keyword, object value)
        {
            // ContainsKey is true of whatever keyword there is.
            if (!connection.ShouldSerialize(keyword)) connection[keyword] = value;
        }
    }

    // USER:PASSWORD@HOST:PORT,.../DATABASE?KEYWORD=VALUE&...
    private static NpgsqlConnectionStringBuilder FromUri(string text)
    {
        var connection = new NpgsqlConnectionStringBuilder();
        var (rest, query) = Split(text, text.IndexOf('?'));
        var (authority, database) = Split(rest, rest.IndexOf('/'));
        var at = authority.LastIndexOf('@');
        if (at >= 0)
        {
            var (user, password) = Split(authority[..at], authority.IndexOf(':') is var colon && colon < at ? colon : -1);
            connection.Username = Uri.UnescapeDataString(user);
            if (password.Length > 0) connection.Password = Uri.UnescapeDataString(password);
        }

        if (database.Length > 0) connection.Database = Uri.UnescapeDataString(database);
        SetHost(connection, authority[(at + 1)..]);
        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (keyword, value) = Split(pair, pair.IndexOf('='));
            keyword = Uri.UnescapeDataString(keyword);
            value = Uri.UnescapeDataString(value);
            // verify-full, read-write: words of libpq's, of which Npgsql writes the first kind in one.
            if (keyword == "sslmode") value = value.Replace("-", "");
            connection[Keywords.GetValueOrDefault(keyword, keyword)] = value;
        }

        return connection;
    }

    private static void SetHost(NpgsqlConnectionStringBuilder connection, string hosts)
    {
        hosts = Uri.UnescapeDataString(hosts);
        var colon = hosts.LastIndexOf(':');
        if (hosts.Length == 0) return;
        if (hosts.Contains(',') || colon < 0 || hosts.EndsWith(']'))
        {
            connection.Host = hosts.Contains(',') ? hosts : hosts.Trim('[', ']');
            return;
        }

        connection.Host = hosts[..colon].Trim('[', ']');
        connection.Port = int.Parse(hosts[(colon + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static (string Before, string After) Split(string text, int at) => at < 0 ? (text, "") : (text[..at], text[(at + 1)..]);
}
