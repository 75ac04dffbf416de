using Microsoft.Extensions.Logging;

namespace RestStream.Connect.Tasks;

/// <summary>Passes on what a task logs and keeps its last warning or error, so that its status can show it. Safe on any thread.</summary>
internal sealed class LastWarning(ILogger logger, TimeProvider time) : ILogger
{
    private volatile TaskWarning? _last;

    public TaskWarning? Value => _last;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => logger.BeginScope(state);

    // What is not logged is shown all the same: somebody who asks for the status has not chosen the level.
    public bool IsEnabled(LogLevel logLevel) => logLevel is LogLevel.Warning or LogLevel.Error || logger.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel is LogLevel.Warning or LogLevel.Error)
            _last = new TaskWarning(time.GetUtcNow(), formatter(state, exception));
        logger.Log(logLevel, eventId, state, exception, formatter);
    }
}

/// <summary>When a task warned, and of what.</summary>
internal sealed record TaskWarning(DateTimeOffset At, string Message);
