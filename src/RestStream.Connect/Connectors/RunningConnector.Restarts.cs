using RestStream.Connect.Configs;
using RestStream.Connect.Model;
using RestStream.Connect.Tasks;

namespace RestStream.Connect.Connectors;

/// <summary>Restarts: those that somebody asks for, and those of the policy <c>restart.policy</c>.</summary>
internal sealed partial class RunningConnector
{
    private readonly RestartBackoff _backoff = new(shared.Time);

    /// <summary>
    /// Restarts the connector, or some of its tasks, or both; what is chosen shows RESTARTING when this returns.
    /// </summary>
    /// <param name="connector">Whether the connector itself.</param>
    /// <param name="tasks">Which tasks, by their state.</param>
    /// <returns>Completes when it was done: with the connector's failure, if it is FAILED.</returns>
    public Task<TaskFailure?> RestartAsync(bool connector, Func<int, WorkState, bool> tasks)
    {
        RunningTaskSlot[] chosen;
        lock (_lock)
        {
            chosen = [.. _tasks.Values.Where(slot => tasks(slot.Id, slot.State))];
            if (connector)
            {
                _backoff.Reset();
                MoveTo(WorkState.Restarting, _failure);
            }

            foreach (var slot in chosen)
            {
                slot.Ended = true;
                slot.Backoff.Reset();
                slot.State = WorkState.Restarting;
                StoreStatus(slot);
            }
        }

        if (connector)
            Interrupt();
        return RunAsync();

        async Task<TaskFailure?> RunAsync()
        {
            await _queue.RunAsync(() => RestartNowAsync(connector, chosen));
            lock (_lock)
                return _state == WorkState.Failed ? _failure : null;
        }
    }

    private async Task RestartNowAsync(bool connector, RunningTaskSlot[] tasks)
    {
        if (_closed)
            return;
        if (connector)
            await ReconcileAsync(restart: true);
        await Task.WhenAll(tasks.Select(RestartTaskAsync));
    }

    private async Task RestartTaskAsync(RunningTaskSlot slot)
    {
        lock (_lock)
        {
            // A task that was made anew meanwhile, because its configuration changed, is not restarted once more.
            if (_closed || _tasks.GetValueOrDefault(slot.Id) != slot)
                return;
            slot.Ended = true;
        }

        await EndAsync(slot);
        var paused = shared.Configs.Find(Name) is not { Target: TargetState.Started };
        StartTask(new RunningTaskSlot(slot.Definition with { StartPaused = paused }, slot.Backoff, WorkState.Restarting, slot.Failure));
    }

    /// <summary>Under the lock.</summary>
    private void ScheduleRestart(RunningTaskSlot slot)
    {
        if (slot.Ended || !Restarts(slot.Config, slot.Failure))
            return;
        var delay = slot.Backoff.Schedule(RestartPauses.Of(slot.Definition.Config), () => _queue.RunAsync(async () =>
        {
            lock (_lock)
            {
                if (_closed || slot.Ended || slot.State != WorkState.Failed)
                    return;
                slot.Backoff.Due();
            }

            await RestartTaskAsync(slot);
        }));
        shared.Log.RestartScheduled($"Task {Name}-{slot.Id}", delay, slot.Backoff.Restarts + 1);
    }

    /// <summary>Under the lock.</summary>
    private void ScheduleRestart()
    {
        if (_config is null || !Restarts(_config, _failure))
            return;
        var delay = _backoff.Schedule(RestartPauses.Of(_config), () => _queue.RunAsync(async () =>
        {
            lock (_lock)
            {
                if (_closed || _state != WorkState.Failed)
                    return;
                _backoff.Due();
                if (Hangs)
                {
                    ScheduleRestart();
                    return;
                }
            }

            await ReconcileAsync(restart: true);
        }));
        shared.Log.RestartScheduled($"Connector {Name}", delay, _backoff.Restarts + 1);
    }

    /// <summary>Whatever is FAILED and waits for nothing: after a resume, say.</summary>
    private void ScheduleRestarts()
    {
        lock (_lock)
        {
            if (_state == WorkState.Failed && _backoff.Next is null)
                ScheduleRestart();
            foreach (var slot in _tasks.Values)
            {
                if (slot.State == WorkState.Failed && slot.Backoff.Next is null)
                    ScheduleRestart(slot);
            }
        }
    }

    private void CancelRestarts()
    {
        lock (_lock)
        {
            _backoff.Cancel();
            foreach (var slot in _tasks.Values)
                slot.Backoff.Cancel();
        }
    }

    private void ResetRestarts()
    {
        lock (_lock)
            _backoff.Reset();
    }

    private bool Restarts(IReadOnlyDictionary<string, string> config, TaskFailure? failure) =>
        !"never".Equals(config.GetValueOrDefault(ConnectorConfig.RestartPolicy)?.Trim(), StringComparison.OrdinalIgnoreCase)
        && !IsFatal(failure?.Error)
        && shared.Configs.Find(Name) is { Target: TargetState.Started };

    private static bool IsFatal(Exception? error)
    {
        for (; error is not null; error = error.InnerException)
        {
            if (error is FatalException)
                return true;
        }

        return false;
    }
}
