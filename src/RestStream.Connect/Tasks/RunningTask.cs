using RestStream.Connect.Model;

namespace RestStream.Connect.Tasks;

/// <summary>What a task is to run.</summary>
/// <param name="Id">Connector and number.</param>
/// <param name="Kind">Source or sink.</param>
/// <param name="ConnectorVersion">Of the plugin, for the status.</param>
/// <param name="TaskType">The class of the task.</param>
/// <param name="Config">Connector's and task's settings together, references as written: they are resolved at the start only.</param>
/// <param name="ConnectorDef">What the connector may be configured with.</param>
/// <param name="StartPaused">Whether it begins paused.</param>
internal sealed record TaskDefinition(
    TaskId Id, Plugins.PluginKind Kind, string? ConnectorVersion, Type TaskType, IReadOnlyDictionary<string, string> Config, Config.ConfigDef ConnectorDef, bool StartPaused);

/// <summary>
/// A task and its loop. It starts by itself; every change of state is reported in order, on any thread. A failure of the task ends the loop and is reported as FAILED; nothing else of the worker notices.
/// </summary>
internal abstract class RunningTask : IAsyncDisposable
{
    public static RunningTask Start(TaskDefinition definition, WorkerServices services, Action<TaskReport> report) => throw new NotImplementedException();

    public abstract TaskDefinition Definition { get; }

    /// <summary>Rates, lag, last progress, for status and metrics.</summary>
    public abstract TaskFigures Figures { get; }

    /// <summary>Stops polling, or putting, after the batch at hand; a sink commits. PAUSED is reported when that is done.</summary>
    public abstract void Pause();

    public abstract void Resume();

    /// <summary>
    /// Ends it: the batch at hand is finished, final offsets are committed, the task is disposed. After <paramref name="graceful"/> its token is cancelled and the wait ends: a task that hangs is left behind as a zombie,
    /// which can no longer write offsets or records.
    /// </summary>
    /// <returns>False: it is a zombie.</returns>
    public abstract Task<bool> StopAsync(TimeSpan graceful);

    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.Zero);
}

/// <summary>A task is in another state. <paramref name="Error"/> with <see cref="WorkState.Failed"/>.</summary>
internal sealed record TaskReport(TaskId Id, WorkState State, TaskFailure? Error = null);

/// <summary>Why a task, or connector, failed.</summary>
/// <param name="Error">The exception.</param>
/// <param name="Stage">Kafka's name of the stage; null outside of any.</param>
/// <param name="Record">The record in question, <c>topic-partition@offset</c>.</param>
/// <param name="Trace">As the status shows it: class names, messages, "Caused by:", ends with a newline. Secrets of the configuration are masked.</param>
internal sealed record TaskFailure(Exception Error, string? Stage, string? Record, string Trace);

/// <summary>What a task does, in numbers.</summary>
internal sealed record TaskFigures(double RecordsPerSecond, double BytesPerSecond, long? Lag, DateTimeOffset? LastProgress, bool Stalled);
