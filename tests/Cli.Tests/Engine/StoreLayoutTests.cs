using Hem.Cli;
using Hem.Cli.Engine;

namespace Cli.Tests.Engine;

public sealed class StoreLayoutTests : IDisposable
{
    private const UnixFileMode ForAGroup = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute;

    private readonly string _folder = Directory.CreateTempSubdirectory("hem-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_store_that_a_group_shares_may_hold_the_socket()
    {
        File.SetUnixFileMode(_folder, ForAGroup);
        var layout = new StoreLayout(_folder);

        Should.NotThrow(() => layout.PrepareSocketFolder(layout.SocketPath(_ => null)));
    }

    [Fact]
    public void A_socket_folder_beside_the_store_that_others_may_write_to_is_refused()
    {
        File.SetUnixFileMode(_folder, ForAGroup);
        var layout = new StoreLayout("/somewhere/else");

        Should.Throw<HemException>(() => layout.PrepareSocketFolder(Path.Combine(_folder, "progress.sock")))
            .Message.ShouldContain(_folder);
    }
}
