using Microsoft.Extensions.Logging;

namespace Operator.Tests.Sweeps;

/// <summary>What is logged goes to the output of the test that is running.</summary>
internal sealed class TestLog(ITestOutputHelper? output) : ILogger, ILoggerFactory
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            output?.WriteLine($"{DateTimeOffset.UtcNow:HH:mm:ss.fff} {logLevel}: {formatter(state, exception)} {exception}".TrimEnd());
        }
        catch (InvalidOperationException)
        {
            // The test is over.
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }
}
