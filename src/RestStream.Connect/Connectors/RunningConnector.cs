using RestStream.Broker;
using RestStream.Connect.Config;
using RestStream.Connect.Configs;
using RestStream.Connect.Model;
using RestStream.Connect.Plugins;
using RestStream.Connect.Stores;

namespace RestStream.Connect.Connectors;

/// <summary>
/// A connector of this worker, with its tasks. What is wanted of it stands in the <see cref="ConfigStore"/>; everything here brings what runs to that, one step after the other in a queue of its own.
/// A change of what is wanted interrupts the step at hand (a connector that does not come back from its start), so that requests are never held up by what the connector does.
/// <para>
/// What the connector's code throws makes it FAILED, with its trace; what the log refuses (a full disk) does too. Code that does not come back is left behind after its time, says so in the status, and is not
/// called again by the restart policy until it has returned.
/// </para>
/// </summary>
internal sealed partial class RunningConnector(string name, HerderShared shared)
{
    private readonly SerialQueue _queue = new(e => shared.Log.ReconcileFailed(e, name));

    /// <summary>For what status and requests see, and the reports of tasks. Held for microseconds.</summary>
    private readonly Lock _lock = new();

    // Touched in the queue only.
    private Connector? _instance;
    private LoadedPlugin? _plugin;
    private IReadOnlyDictionary<string, string>? _config;
    private IReadOnlyDictionary<string, string>? _resolved;
    private bool _closed;

    // What the last step found (StoredConnector): steps see the newest only, and carry out what they missed in between. No creation: nothing of it is here.
    private long? _creation;
    private long _stops;

    private int _reconfiguring;

    // Written in the queue, under the lock.
    private ConnectorContext? _context;

    public string Name { get; } = name;

    /// <summary>Held while the stored configuration or target state is written: one change after the other. Taken before <see cref="Changed"/> is called, never for long.</summary>
    public SemaphoreSlim Changing { get; } = new(1, 1);

    /// <summary>It was deleted and nothing of it is left; whoever finds it takes a new one. Under <see cref="Changing"/>.</summary>
    public bool Retired { get; set; }

    /// <summary>Something else is wanted, or the worker has just started. What the connector's code is doing meanwhile is interrupted.</summary>
    /// <returns>Completes when it is so, as far as the connector's code lets it.</returns>
    public Task Changed()
    {
        Interrupt();
        return _queue.RunAsync(() => ReconcileAsync(restart: false));
    }

    /// <summary>The same is wanted as before: what is on its way goes on.</summary>
    public Task Again() => _queue.RunAsync(() => ReconcileAsync(restart: false));

    /// <summary>Everything that was asked before is done.</summary>
    public Task SettledAsync() => _queue.RunAsync(() => Task.CompletedTask);

    /// <summary>The worker stops: tasks commit and end, the connector is closed; statuses say UNASSIGNED.</summary>
    public Task CloseAsync()
    {
        Interrupt();
        return _queue.RunAsync(async () =>
        {
            _closed = true;
            CancelRestarts();
            await StopTasksAsync(_ => true);
            await CloseInstanceAsync();
            Unassign();
        });
    }

    private async Task ReconcileAsync(bool restart)
    {
        if (_closed)
            return;
        BeginStep();
        var wanted = shared.Configs.Find(Name);
        var known = _config;
        try
        {
            if (wanted is null)
                await RemoveAsync();
            else
                await ReconcileAsync(wanted, restart);
        }
        catch (OperationCanceledException) when (Interrupted)
        {
            // Something else is wanted by now; its step follows. A configuration that this step did not get done with is new to that one, too.
            await CloseInstanceAsync();
            if (!ReferenceEquals(_config, known))
                _config = null;
        }
        catch (BrokerException e)
        {
            Failed(e);
        }
    }

    private async Task ReconcileAsync(StoredConnector wanted, bool restart)
    {
        if (_creation is { } creation && creation != wanted.Creation)
            await RemoveAsync(isMadeAgain: true);
        var changed = _config is null || !Same(_config, wanted.Config);
        if (changed)
        {
            _plugin = null;
            lock (_lock)
                _broken = false;
            ResetRestarts();
        }

        _config = wanted.Config;
        var missedStop = _creation is not null && _stops != wanted.Stops;
        (_creation, _stops) = (wanted.Creation, wanted.Stops);
        ForgetOldStatuses(wanted.Tasks.Count);
        var anew = changed || restart;
        if (missedStop || wanted.Target == TargetState.Stopped)
            await StopAsync(anew);
        switch (wanted.Target)
        {
            case TargetState.Stopped:
                break;

            case TargetState.Paused:
                // First: whatever becomes of the connector, its tasks do nothing from now on.
                CancelRestarts();
                PauseTasks();
                if (anew || State != WorkState.Failed)
                {
                    await CloseInstanceAsync();

                    // What is known already is not read again: a secret that is gone by now does not matter to who does nothing.
                    if ((anew || _plugin is null) && !await LoadAsync(wanted, keep: false))
                        break;
                    Is(WorkState.Paused);
                }

                if (_plugin is not null)
                    StartTasks(wanted.Tasks, paused: true);
                break;

            default:
                if (anew || (_instance is null && State != WorkState.Failed))
                    await StartAsync(wanted);
                ResumeTasks();
                ScheduleRestarts();
                break;
        }
    }

    private async Task StopAsync(bool anew)
    {
        CancelRestarts();
        await CloseInstanceAsync();
        await StopTasksAsync(_ => true);
        if (!_broken || anew)
            Is(WorkState.Stopped);
    }

    /// <summary>Makes the connector anew and starts it, then its tasks.</summary>
    private async Task StartAsync(StoredConnector wanted)
    {
        await CloseInstanceAsync();
        if (!await LoadAsync(wanted, keep: true))
        {
            shared.ConnectorStarts.Count(succeeded: false);
            return;
        }

        // The tasks of the last run do not wait for the connector: it may need a system that is not there, and they may not.
        StartTasks(wanted.Tasks, paused: false);
        try
        {
            var values = await CallAsync("a validator of its Config", _ => Task.FromResult(Parse()));
            var context = new ConnectorContext(Name, values, shared.Worker, Reconfigure, FailFrom);
            lock (_lock)
                _context = context;
            await CallAsync("StartAsync", token => _instance!.StartAsync(context, token));
            Is(WorkState.Running);
            await ReconfigureTasksAsync(wanted);
            shared.ConnectorStarts.Count(succeeded: true);
        }
        catch (Exception e) when (IsOfConnector(e))
        {
            shared.ConnectorStarts.Count(succeeded: false);
            await CloseInstanceAsync();
            Failed(e);
        }
    }

    /// <summary>Finds the plugin and asks it what its tasks are.</summary>
    /// <returns>False: it cannot be had, and the connector is FAILED.</returns>
    private async Task<bool> LoadAsync(StoredConnector wanted, bool keep)
    {
        try
        {
            // References first: what goes wrong later may quote what they stand for.
            var replacements = new List<string>();
            _resolved = shared.Parts.Resolve(wanted.Config, replacements);
            var description = shared.Parts.Find(wanted.Config);
            lock (_lock)
                _scrubber = SecretScrubber.For(wanted.Config, _resolved, replacements, shared.Parts.SecretKeys(wanted.Config));
            _instance = await CallAsync("its constructor", _ => Task.FromResult(shared.Parts.Create(description)));
            _plugin = await CallAsync("Config", _ => Task.FromResult(new LoadedPlugin(description, _instance.TaskType, _instance.Config)));
            if (!keep)
                await CloseInstanceAsync();
            return true;
        }
        catch (Exception e) when (IsOfConnector(e))
        {
            await CloseInstanceAsync();
            lock (_lock)
                _broken = true;
            Failed(e);
            return false;
        }
    }

    private ConfigValues Parse() => _plugin!.Definition.Parse(_resolved!.ToDictionary(e => e.Key, e => (string?)e.Value));

    private async Task RemoveAsync(bool isMadeAgain = false)
    {
        CancelRestarts();
        await StopTasksAsync(_ => true);
        await CloseInstanceAsync();
        (_config, _plugin, _creation) = (null, null, null);
        Gone(isMadeAgain);
    }

    private void Reconfigure(ConnectorContext asking)
    {
        // A connector that asks all the time is answered once for all that wait.
        if (Interlocked.Exchange(ref _reconfiguring, 1) == 0)
            _queue.RunAsync(() => ReconfigureAsync(asking));
    }

    private async Task ReconfigureAsync(ConnectorContext asking)
    {
        Volatile.Write(ref _reconfiguring, 0);
        BeginStep();
        if (_closed || _context != asking || _instance is null || shared.Configs.Find(Name) is not { Target: TargetState.Started } wanted
            || wanted.Creation != _creation || wanted.Stops != _stops || !Same(_config!, wanted.Config))
            return;
        try
        {
            await ReconfigureTasksAsync(wanted);
        }
        catch (OperationCanceledException) when (Interrupted)
        {
            // The step of what is wanted now follows; if that is what it was, it asks a new one for its tasks.
            await CloseInstanceAsync();
        }
        catch (Exception e) when (IsOfConnector(e) || e is BrokerException)
        {
            await CloseInstanceAsync();
            Failed(e);
        }
    }

    private void FailFrom(ConnectorContext failing, Exception error) => _queue.RunAsync(async () =>
    {
        if (_closed || _context != failing)
            return;
        await CloseInstanceAsync();
        Failed(error);
    });

    private static bool Same(IReadOnlyDictionary<string, string> one, IReadOnlyDictionary<string, string> other) =>
        ReferenceEquals(one, other) || (one.Count == other.Count && one.All(e => other.TryGetValue(e.Key, out var value) && value == e.Value));

    private sealed record LoadedPlugin(PluginDescription Description, Type TaskType, ConfigDef Definition);
}
