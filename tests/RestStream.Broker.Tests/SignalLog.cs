using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using RestStream.TestKit;

namespace RestStream.Broker.Tests;

/// <summary>Tells a test when a message was logged, by its id.</summary>
internal sealed class SignalLog : ILogger
{
    private readonly ConcurrentDictionary<int, TaskCompletionSource> _awaited = new();

    public Task NextAsync(int id) => (_awaited[id] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Until the background loops have gone on from their last message to their next timers; bounded, and each round gives way to them.</summary>
    public async Task ArmedAsync(ManualClock clock, int timers)
    {
        for (var i = 0; clock.ArmedTimers < timers && i < 1_000_000; i++)
            await Task.Delay(1);
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (_awaited.TryRemove(eventId.Id, out var awaited))
            awaited.SetResult();
    }
}
