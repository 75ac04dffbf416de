using Microsoft.Extensions.Logging;
using RestStream.Connect.Configs;
using RestStream.Connect.Errors;
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
/// <remarks>
/// The loop calls the plugin's task, and it alone. It ends in one of three ways: it was stopped and did what was left to do; it failed; or it hangs in code of the plugin when its grace is over and is fenced: from then on
/// <see cref="Guard"/> and <see cref="WriteAsync"/> refuse, so that nothing it still does reaches the log or its successor.
/// </remarks>
internal abstract class RunningTask : IAsyncDisposable
{
    /// <summary>What ends by the cancellation alone does so at once: as long as that may take on a busy machine.</summary>
    private static readonly TimeSpan s_cancelled = TimeSpan.FromMilliseconds(500);

    private readonly Action<TaskReport> _report;
    private readonly PluginCancellation _stop;
    private readonly PluginCancellation _abort;
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _loop = Task.CompletedTask;
    private Task _writing = Task.CompletedTask;
    private bool _pauseWanted;
    private bool _fenced;

    private protected RunningTask(TaskDefinition definition, WorkerServices services, Action<TaskReport> report)
    {
        (Definition, Services, _report, _pauseWanted) = (definition, services, report, definition.StartPaused);
        Logger = Warning = new LastWarning(services.Loggers.CreateLogger("RestStream.Connect.Tasks"), services.Time);
        Metrics = new TaskMetrics(definition, services.Time);
        (_stop, _abort) = (new PluginCancellation(ThrewOnCancellation), new PluginCancellation(ThrewOnCancellation));
    }

    public TaskDefinition Definition { get; }

    /// <summary>Rates, lag, last progress, for status and metrics.</summary>
    public abstract TaskFigures Figures { get; }

    internal WorkerServices Services { get; }

    internal ILogger Logger { get; }

    /// <summary>The last one that was logged, of the task or about it.</summary>
    public LastWarning Warning { get; }

    internal TaskMetrics Metrics { get; }

    /// <summary>Takes the secrets of the configuration out of what plugins say.</summary>
    internal SecretScrubber Secrets { get; private set; } = SecretScrubber.None;

    /// <summary>Ends waits of the loop as soon as the task is to stop.</summary>
    protected CancellationToken StopToken => _stop.Worker;

    /// <summary>The same for the plugin: its start, and polls.</summary>
    protected CancellationToken PluginStopToken => _stop.Plugin;

    /// <summary>Ends waits of the loop when the grace is over.</summary>
    protected CancellationToken AbortToken => _abort.Worker;

    /// <summary>The same for the plugin: everything that it does to finish what is at hand.</summary>
    protected CancellationToken PluginAbortToken => _abort.Plugin;

    internal bool StopWanted => _stop.IsRequested;

    /// <summary>Somebody wants it to be paused.</summary>
    internal bool PauseWanted
    {
        get
        {
            lock (_gate)
                return _pauseWanted;
        }
    }

    /// <summary>Completes at the next pause, resume or stop. Taken before the flags are looked at, so that none is missed.</summary>
    protected Task Changed
    {
        get
        {
            lock (_gate)
                return _changed.Task;
        }
    }

    public static RunningTask Start(TaskDefinition definition, WorkerServices services, Action<TaskReport> report) =>
        Start(definition, services, report, static (d, s) => TaskPlugins.Create(d.Config, s));

    /// <param name="definition">What it runs.</param>
    /// <param name="services">Of the worker.</param>
    /// <param name="report">Told of each state.</param>
    /// <param name="plugins">Makes converters and transforms.</param>
    internal static RunningTask Start(TaskDefinition definition, WorkerServices services, Action<TaskReport> report, Func<TaskDefinition, WorkerServices, TaskPlugins> plugins)
    {
        RunningTask task = definition.Kind == Plugins.PluginKind.Source ? new SourceTaskLoop(definition, services, report) : new SinkTaskLoop(definition, services, report);
        task._loop = Task.Run(() => task.RunAsync(plugins));
        return task;
    }

    /// <summary>Stops polling, or putting, after the batch at hand; a sink commits. PAUSED is reported when that is done.</summary>
    public virtual void Pause() => SetPause(true);

    public virtual void Resume() => SetPause(false);

    /// <summary>
    /// Ends it: the batch at hand is finished, final offsets are committed, the task is disposed. After <paramref name="graceful"/> its token is cancelled and the wait ends: a task that hangs is left behind as a zombie,
    /// which can no longer write offsets or records. Neither waits for, nor fails by, what the plugin registered on its tokens.
    /// </summary>
    /// <returns>False: it is a zombie.</returns>
    public virtual async Task<bool> StopAsync(TimeSpan graceful)
    {
        StopAsked = true;
        _ = _stop.Cancel();
        Wake();
        try
        {
            await _loop.WaitAsync(graceful, Services.Time);
            return true;
        }
        catch (TimeoutException)
        {
            // It may be in a wait that only this token ends: then it is no zombie, and ends now.
        }

        Task writing;
        lock (_gate)
        {
            _fenced = true;
            writing = _writing;
        }

        _ = _abort.Cancel();
        await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await AbandonAsync();
        try
        {
            await _loop.WaitAsync(s_cancelled, Services.Time);
            return true;
        }
        catch (TimeoutException)
        {
            // It hangs in code of the plugin, or the plugin blocks what was to tell it.
        }

        Logger.TaskAbandoned(Definition.Id.Connector, Definition.Id.Task, graceful);
        return false;
    }

    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.Zero);

    /// <exception cref="ConnectException">The task was left behind: its time is over.</exception>
    internal void Guard()
    {
        lock (_gate)
        {
            if (_fenced)
                throw Fenced();
        }
    }

    /// <summary>Ends a wait of the loop, for what is asked of it on another thread.</summary>
    internal void Wake()
    {
        lock (_gate)
        {
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>
    /// Starts a write to the log unless the task is fenced; whoever fences it waits for the write, so that a successor finds its outcome. The write must not wait for the plugin.
    /// </summary>
    internal T WriteAsync<T>(Func<T> write)
        where T : Task
    {
        lock (_gate)
        {
            if (_fenced)
                throw Fenced();
            var started = write();
            _writing = _writing.IsCompleted ? started : Task.WhenAll(_writing, started);
            return started;
        }
    }

    protected void Report(WorkState state, TaskFailure? failure = null)
    {
        lock (_gate)
        {
            if (_fenced)
                return;
        }

        Metrics.State = state;
        Logger.TaskState(Definition.Id.Connector, Definition.Id.Task, state);
        _report(new TaskReport(Definition.Id, state, failure));
    }

    /// <summary>Makes and starts the plugin's task.</summary>
    protected abstract Task BeginAsync(TaskPlugins plugins);

    /// <summary>Works until it is to stop, and finishes what is at hand.</summary>
    protected abstract Task WorkAsync();

    /// <summary>Releases everything, the plugin's task first. Called once, whatever happened before.</summary>
    protected abstract ValueTask EndAsync();

    /// <summary>Takes the task's place away from it, while its loop still hangs.</summary>
    protected virtual Task AbandonAsync() => Task.CompletedTask;

    /// <summary>Somebody wants it to stop; the token alone may mean that it failed.</summary>
    private bool StopAsked { get; set; }

    private void SetPause(bool pause)
    {
        lock (_gate)
            _pauseWanted = pause;
        Wake();
    }

    private async Task RunAsync(Func<TaskDefinition, WorkerServices, TaskPlugins> createPlugins)
    {
        Exception? failure = null;
        var stopped = false;
        TaskPlugins? plugins = null;
        try
        {
            plugins = createPlugins(Definition, Services);
            Secrets = plugins.Secrets;
            Metrics.Show(Definition, plugins);
            await BeginAsync(plugins);
            if (!PauseWanted)
                Report(WorkState.Running);
            await WorkAsync();
        }
        catch (OperationCanceledException) when (StopWanted)
        {
        }
        catch (Exception e)
        {
            // The end of the task, whatever it was: the report is what becomes of it.
            (failure, stopped) = (e, StopWanted);
        }

        // Also after a failure something of the plugin may be waiting for this, a poll for example.
        _ = _stop.Cancel();
        var ending = failure is null ? EndAsync(plugins) : Task.Run(() => EndAsync(plugins));
        try
        {
            await (failure is null ? ending : ending.WaitAsync(Services.Options.TaskShutdownTimeout, Services.Time));
        }
        catch (TimeoutException) when (!ending.IsCompleted)
        {
            // It failed and hangs; its failure is told all the same.
        }
        catch (Exception e)
        {
            if (failure is null)
                (failure, stopped) = (e, StopAsked);
        }

        if (failure is not null)
            Tell(failure, stopped);
        if (!ending.IsCompleted)
        {
            lock (_gate)
                _fenced = true;
            _ = _abort.Cancel();
            await AbandonAsync();
        }
    }

    private async Task EndAsync(TaskPlugins? plugins)
    {
        try
        {
            await EndAsync();
        }
        finally
        {
            Metrics.Dispose();
            plugins?.Dispose();
        }
    }

    private void Tell(Exception failure, bool stopped)
    {
        var stage = failure as StageException;
        var told = new TaskFailure(stage?.InnerException ?? failure, stage?.Stage, stage?.Record, Secrets.Scrub(ErrorTrace.Of(stage is { TracesCauseOnly: true, InnerException: { } cause } ? cause : failure)));
        if (stopped)
        {
            Logger.FailedWhileStopping(Definition.Id.Connector, Definition.Id.Task, told.Trace);
            return;
        }

        Logger.TaskFailed(Definition.Id.Connector, Definition.Id.Task, told.Trace);
        Report(WorkState.Failed, told);
    }

    private void ThrewOnCancellation(Exception error) =>
        Logger.ThrewOnCancellation(Definition.Id.Connector, Definition.Id.Task, Secrets.Scrub(ErrorTrace.Of(error)));

    private ConnectException Fenced() =>
        new($"Task {Definition.Id.Task} of connector {Definition.Id.Connector} was stopped and did not end in time; another may run in its place. It can do nothing any more.");
}

/// <summary>A task is in another state. <paramref name="Error"/> with <see cref="WorkState.Failed"/>.</summary>
internal sealed record TaskReport(TaskId Id, WorkState State, TaskFailure? Error = null);

/// <summary>Why a task, or connector, failed.</summary>
/// <param name="Error">The exception of the plugin, without what the worker wrapped around it: whether the task may be started again depends on it.</param>
/// <param name="Stage">Kafka's name of the stage; null outside of any.</param>
/// <param name="Record">The record in question, <c>topic-partition@offset</c>.</param>
/// <param name="Trace">As the status shows it: class names, messages, "Caused by:", ends with a newline. Secrets of the configuration are masked.</param>
internal sealed record TaskFailure(Exception Error, string? Stage, string? Record, string Trace);

/// <summary>What a task does, in numbers.</summary>
internal sealed record TaskFigures(double RecordsPerSecond, double BytesPerSecond, long? Lag, DateTimeOffset? LastProgress, bool Stalled);
