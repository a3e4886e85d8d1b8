namespace Trainer.Tests;

public class PlaceholderTests
{
    [Fact]
    public void The_runner_runs() => true.ShouldBeTrue();
}
