using System.Globalization;
using RestStream.Connect.Config;
using RestStream.Connect.Configs;
using RestStream.Connect.Errors;
using RestStream.Connect.Model;
using RestStream.Connect.Plugins;
using RestStream.Connect.Stores;
using RestStream.Connect.Tasks;

namespace RestStream.Connect.Connectors;

/// <summary>What the connector and its tasks do, as status shows it and the status topic keeps it.</summary>
internal sealed partial class RunningConnector
{
    // Under the lock.
    private WorkState? _state;
    private TaskFailure? _failure;
    private bool _broken;
    private string? _version;
    private SecretScrubber _scrubber = SecretScrubber.None;

    private WorkState? State
    {
        get
        {
            lock (_lock)
                return _state;
        }
    }

    /// <summary>Null while there is nothing to tell: it is about to be made, or gone.</summary>
    public (StateInfo Connector, IReadOnlyList<TaskStateInfo> Tasks)? Status()
    {
        lock (_lock)
        {
            if (_state is not { } state)
                return null;
            var connector = new StateInfo(
                StatusRecords.Text(state), shared.Options.WorkerId, _version, _failure?.Trace,
                _failure is null && _backoff.Restarts == 0 ? null : Details(_failure, _backoff, figures: null, warning: null));
            return (connector, [.. _tasks.Values.Select(ToInfo)]);
        }
    }

    /// <summary>States alone, for the metrics. Null as in <see cref="Status"/>.</summary>
    public (WorkState Connector, string? Version, WorkState[] Tasks)? States()
    {
        lock (_lock)
            return _state is { } state ? (state, _version, [.. _tasks.Values.Select(slot => slot.State)]) : null;
    }

    public TaskStateInfo? TaskStatus(int task)
    {
        lock (_lock)
            return _tasks.TryGetValue(task, out var slot) ? ToInfo(slot) : null;
    }

    private TaskStateInfo ToInfo(RunningTaskSlot slot) => new(
        slot.Id, StatusRecords.Text(slot.State), shared.Options.WorkerId, slot.Version, slot.Failure?.Trace, Details(slot.Failure, slot.Backoff, slot.Run?.Figures, slot.Run?.Warning.Value));

    private StatusDetails Details(TaskFailure? failure, RestartBackoff backoff, TaskFigures? figures, TaskWarning? warning) => new()
    {
        Error = failure is null ? null : new StatusError(CodeOf(failure.Error), failure.Stage, _scrubber.Scrub(failure.Error.Message), HintFor(failure.Error), failure.Record),
        NextRestart = backoff.Next is { } next ? Iso(next) : null,
        RestartCount = backoff.Restarts,
        RecordsPerSecond = figures?.RecordsPerSecond,
        BytesPerSecond = figures?.BytesPerSecond,
        Lag = figures?.Lag,
        LastProgress = figures?.LastProgress is { } progress ? Iso(progress) : null,
        Stalled = figures?.Stalled,
        LastWarning = warning is null ? null : new StatusWarning(Iso(warning.At), warning.Message),
    };

    private static string CodeOf(Exception error) => error switch
    {
        FatalException => "FATAL",
        RecordException => "RECORD",
        RetriableException => "RETRIABLE",
        ConfigException => "CONFIG",
        PluginNotFoundException => "PLUGIN_NOT_FOUND",
        ConnectorHangsException => "HANGS",
        Broker.BrokerException => "LOG",
        _ => "ERROR",
    };

    private static string? HintFor(Exception error) => error switch
    {
        FatalException => "It is not started again by itself: change the configuration, or what the message names, and restart it.",
        RecordException => "One record is at fault. With errors.tolerance=all it is passed over, and with a dead letter queue kept.",
        ConfigException => "Correct the configuration (PUT /connectors/{name}/config).",
        PluginNotFoundException => "Install the plugin, then POST /connector-plugins/rescan.",
        ConnectorHangsException => "Look at what the connector waits for; it is not called again before it has returned.",
        Broker.BrokerException => "The log of this server does not take or give records; see GET /health.",
        _ => null,
    };

    private static string Iso(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private void Is(WorkState state)
    {
        var version = _plugin is not null ? _plugin.Description.Version : VersionOf(_config!);
        lock (_lock)
        {
            _version = version;
            if (state == WorkState.Running)
                _backoff.Running();
            MoveTo(state, failure: null);
        }

        shared.Log.ConnectorIs(Name, StatusRecords.Text(state));
    }

    /// <summary>Of the plugin that it names, which nobody has loaded: it is stopped. Null when there is none.</summary>
    private string? VersionOf(IReadOnlyDictionary<string, string> config)
    {
        try
        {
            return shared.Parts.Find(config).Version;
        }
        catch (PluginNotFoundException)
        {
            return null;
        }
    }

    private void Failed(Exception error)
    {
        string trace;
        lock (_lock)
        {
            trace = _scrubber.Scrub(ErrorTrace.Of(error));
            _version = _plugin?.Description.Version;
            MoveTo(WorkState.Failed, new TaskFailure(error, Stage: null, Record: null, trace));
            ScheduleRestart();
        }

        shared.Log.ConnectorFailed(Name, trace);
    }

    private void Gone(bool isMadeAgain)
    {
        lock (_lock)
        {
            (_state, _failure, _version) = (null, null, null);
            shared.Worker.Statuses.Put(Name, null);
            shared.Worker.Statuses.ForgetTopics(Name);
            if (isMadeAgain)
                Unassign();
        }
    }

    /// <summary>It is on its way: made just now, or the worker starts.</summary>
    public void Unassign()
    {
        lock (_lock)
        {
            if (_state is null or WorkState.Running or WorkState.Paused or WorkState.Restarting)
                MoveTo(WorkState.Unassigned, failure: null);
        }
    }

    /// <summary>Under the lock.</summary>
    private void MoveTo(WorkState state, TaskFailure? failure)
    {
        (_state, _failure) = (state, failure);
        var statuses = shared.Worker.Statuses;
        statuses.Put(Name, new StoredStatus(state, failure?.Trace, shared.Options.WorkerId, statuses.Generation, _version));
    }

    /// <summary>Under the lock.</summary>
    private void StoreStatus(RunningTaskSlot slot)
    {
        var statuses = shared.Worker.Statuses;
        statuses.Put(Name, slot.Id, new StoredStatus(slot.State, slot.Failure?.Trace, shared.Options.WorkerId, statuses.Generation, slot.Version));
    }
}
