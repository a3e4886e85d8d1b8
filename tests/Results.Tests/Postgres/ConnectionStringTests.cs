using Hem.Results;
using Hem.Results.Postgres;

namespace Results.Tests.Postgres;

public sealed class ConnectionStringTests
{
    [Theory]
    [InlineData("postgresql://hem:p%40ss%3Aw%2Frd@db.example:5433/results", "db.example", 5433, "hem", "p@ss:w/rd", "results")]
    [InlineData(" postgres://hem@db/results\n", "db", 5432, "hem", null, "results")]
    [InlineData("postgresql://[::1]:5433/results?user=u&password=a%26b", "::1", 5433, "u", "a&b", "results")]
    [InlineData("postgresql://a:1,b:2/results", "a:1,b:2", 5432, null, null, "results")]
    [InlineData("postgresql:///results?host=/run/postgresql&port=5433", "/run/postgresql", 5433, null, null, "results")]
    [InlineData("Host=db;Username=hem;Password='a;b';Database=results", "db", 5432, "hem", "a;b", "results")]
    public void The_forms_of_libpq_and_of_Npgsql_are_understood(
        string text, string host, int port, string? user, string? password, string? database)
    {
        var parsed = ConnectionString.Parse(text);
        (parsed.Host, parsed.Port, parsed.Username, parsed.Password, parsed.Database).ShouldBe((host, port, user, password, database));
        parsed.Pooling.ShouldBeFalse();
    }

    [Fact]
    public void Whoever_names_an_authority_has_the_certificate_looked_at()
    {
        ConnectionString.Parse("postgresql://db/r?sslrootcert=/ca.crt").SslMode.ShouldBe(Npgsql.SslMode.VerifyFull);
        ConnectionString.Parse("postgresql://db/r?sslmode=require&sslrootcert=/ca.crt").SslMode.ShouldBe(Npgsql.SslMode.Require);
        ConnectionString.Parse("postgresql://db/r").SslMode.ShouldBe(Npgsql.SslMode.Prefer);
    }

    [Fact]
    public void What_libpq_calls_otherwise_is_translated_and_defaults_give_way()
    {
        var parsed = ConnectionString.Parse(
            "postgresql://db/r?sslmode=verify-full&sslrootcert=/ca.crt&application_name=mine&connect_timeout=3&Max%20Auto%20Prepare=0");
        var usual = ConnectionString.Parse("postgresql://db/r");
        (usual.ApplicationName, usual.MaxAutoPrepare, usual.AutoPrepareMinUsages, usual.TcpKeepAlive).ShouldBe(("hem", 100, 2, true));
        (parsed.SslMode, parsed.RootCertificate, parsed.ApplicationName, parsed.Timeout, parsed.MaxAutoPrepare)
            .ShouldBe((Npgsql.SslMode.VerifyFull, "/ca.crt", "mine", 3, 0));
        ConnectionString.Parse("postgresql://a,b/r").TargetSessionAttributes.ShouldBe("primary");
        ConnectionString.Parse("postgresql://a,b/r?target_session_attrs=read-write").TargetSessionAttributes.ShouldBe("read-write");
    }

    [Theory]
    [InlineData("postgresql://u:secret@db:port/r")]
    [InlineData("postgresql://u:secret@db/r?secret=1")]
    [InlineData("Host=db;Password=se;cret=1")]
    [InlineData("postgresql://u:secret@/r")]
    [InlineData("secret")]
    public void What_cannot_be_read_is_told_without_repeating_it(string text)
    {
        var e = Should.Throw<StoreException>(() => ConnectionString.Parse(text));
        e.Message.ShouldContain("postgresql://USER:PASSWORD@HOST:5432/DATABASE");
        e.ToString().ShouldNotContain("secret");
        e.ToString().ShouldNotContain("cret");
    }
}
