using System.Globalization;
using RestStream.Connect.Configs;
using RestStream.Connect.Errors;
using RestStream.Connect.Model;
using RestStream.Connect.Stores;
using RestStream.Connect.Tasks;

namespace RestStream.Connect.Connectors;

/// <summary>The tasks: which there are, with which configuration, and that exactly those run.</summary>
internal sealed partial class RunningConnector
{
    private const string TaskClass = "task.class";

    // Under the lock; entries come and go in the queue only.
    private readonly SortedDictionary<int, RunningTaskSlot> _tasks = [];
    private readonly List<RunningTask> _zombies = [];

    /// <summary>Whether a task that did not end in time is still alive.</summary>
    public async Task<bool> HasZombiesAsync()
    {
        RunningTask[] zombies;
        lock (_lock)
            zombies = [.. _zombies];
        foreach (var zombie in zombies)
        {
            if (!await zombie.StopAsync(TimeSpan.Zero))
                return true;
            lock (_lock)
                _zombies.Remove(zombie);
        }

        return false;
    }

    /// <summary>Asks the connector how to split the work, stores that, and starts what is new or changed.</summary>
    private async Task ReconfigureTasksAsync(StoredConnector wanted)
    {
        var most = MaxTasks(_resolved!);
        var made = await CallAsync("TaskConfigs", _ => Task.FromResult(_instance!.TaskConfigs(most)));
        if (made.Count > most)
        {
            if (!IsFalse(wanted.Config.GetValueOrDefault(ConnectorConfig.TasksMaxEnforce)))
                throw new FatalException(TooManyTasks(made.Count, most));
            shared.Log.TooManyTasks(TooManyTasks(made.Count, most));
        }

        IReadOnlyList<IReadOnlyDictionary<string, string>> tasks = [.. made.Select(task => Complete(wanted.Config, task))];
        await StoreAsync(wanted, tasks);
        var restarted = await StopTasksAsync(slot => slot.Id >= tasks.Count || !Same(slot.Config, tasks[slot.Id]));
        StartTasks(tasks, paused: false);
        shared.Log.TasksConfigured(Name, tasks.Count, restarted);
    }

    /// <exception cref="OperationCanceledException">Something else is wanted by now.</exception>
    private async Task StoreAsync(StoredConnector wanted, IReadOnlyList<IReadOnlyDictionary<string, string>> tasks)
    {
        await Changing.WaitAsync();
        try
        {
            if (shared.Configs.Find(Name) is not { Target: TargetState.Started } now || !ReferenceEquals(now.Config, wanted.Config))
                throw new OperationCanceledException();
            if (now.Tasks.Count != tasks.Count || !now.Tasks.Zip(tasks).All(pair => Same(pair.First, pair.Second)))
                await shared.Configs.PutTasksAsync(Name, tasks);
        }
        finally
        {
            Changing.Release();
        }
    }

    /// <summary>A task's settings on top of the connector's. Where the connector's hold a reference it stays as it is written: a connector that hands on what it was given does not put a secret into the log.</summary>
    private Dictionary<string, string> Complete(IReadOnlyDictionary<string, string> connector, IReadOnlyDictionary<string, string> task)
    {
        var complete = new Dictionary<string, string>(connector);
        foreach (var (key, value) in task)
        {
            if (!connector.TryGetValue(key, out var written) || !written.Contains("${", StringComparison.Ordinal))
                complete[key] = value;
        }

        complete[TaskClass] = ErrorTrace.PluginName(_plugin!.TaskType);
        return complete;
    }

    /// <summary>A crash may have left statuses of tasks that there are no more.</summary>
    private void ForgetOldStatuses(int tasks)
    {
        var statuses = shared.Worker.Statuses;
        lock (_lock)
        {
            foreach (var id in statuses.Tasks(Name).Keys.Where(id => id >= tasks && !_tasks.ContainsKey(id)))
                statuses.Put(Name, id, null);
        }
    }

    /// <summary>Starts those that are not there.</summary>
    private void StartTasks(IReadOnlyList<IReadOnlyDictionary<string, string>> tasks, bool paused)
    {
        for (var id = 0; id < tasks.Count; id++)
        {
            lock (_lock)
            {
                if (_tasks.ContainsKey(id))
                    continue;
            }

            var plugin = _plugin!;
            var definition = new TaskDefinition(new TaskId(Name, id), plugin.Description.Kind, plugin.Description.Version, plugin.TaskType, tasks[id], plugin.Definition, paused);
            StartTask(new RunningTaskSlot(definition, new RestartBackoff(shared.Time), WorkState.Unassigned, failure: null));
        }
    }

    private void StartTask(RunningTaskSlot slot)
    {
        lock (_lock)
        {
            _tasks[slot.Id] = slot;
            StoreStatus(slot);
        }

        var run = shared.Parts.StartTask(slot.Definition, shared.Worker, report => Reported(slot, report));
        lock (_lock)
            slot.Run = run;
    }

    private void Reported(RunningTaskSlot slot, TaskReport report)
    {
        lock (_lock)
        {
            if (slot.Ended)
                return;
            if (!slot.Started && report.State is (WorkState.Running or WorkState.Paused or WorkState.Failed))
            {
                shared.TaskStarts.Count(report.State != WorkState.Failed);
                slot.Started = report.State != WorkState.Failed;
            }

            slot.State = report.State;
            slot.Failure = report.State == WorkState.Failed ? report.Error : null;
            if (report.State == WorkState.Running)
                slot.Backoff.Running();
            StoreStatus(slot);
            if (report.State == WorkState.Failed)
                ScheduleRestart(slot);
        }
    }

    /// <summary>Ends those chosen, all at once; bounded by the time for a graceful end. Their statuses are gone when they are not started again.</summary>
    /// <returns>How many.</returns>
    private async Task<int> StopTasksAsync(Func<RunningTaskSlot, bool> chosen)
    {
        RunningTaskSlot[] ending;
        lock (_lock)
        {
            ending = [.. _tasks.Values.Where(chosen)];
            foreach (var slot in ending)
            {
                slot.Ended = true;
                slot.Backoff.Dispose();
            }
        }

        await Task.WhenAll(ending.Select(EndAsync));
        lock (_lock)
        {
            foreach (var slot in ending)
            {
                _tasks.Remove(slot.Id);
                slot.State = WorkState.Unassigned;
                if (_closed)
                    StoreStatus(slot);
                else
                    shared.Worker.Statuses.Put(Name, slot.Id, null);
            }
        }

        return ending.Length;
    }

    private async Task EndAsync(RunningTaskSlot slot)
    {
        if (slot.Run is not { } run || await run.StopAsync(shared.Options.TaskShutdownTimeout))
            return;
        lock (_lock)
            _zombies.Add(run);
    }

    private void PauseTasks()
    {
        foreach (var run in Runs())
            run.Pause();
    }

    private void ResumeTasks()
    {
        foreach (var run in Runs())
            run.Resume();
    }

    private RunningTask[] Runs()
    {
        lock (_lock)
            return [.. _tasks.Values.Where(slot => !slot.Ended && slot.State != WorkState.Failed && slot.Run is not null).Select(slot => slot.Run!)];
    }

    private static int MaxTasks(IReadOnlyDictionary<string, string> config) =>
        int.TryParse(config.GetValueOrDefault(ConnectorConfig.TasksMax)?.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var most) ? most : 1;

    private static bool IsFalse(string? value) => value is not null && value.Trim().Equals("false", StringComparison.OrdinalIgnoreCase);

    // Kafka's words.
    private string TooManyTasks(int made, int most) =>
        $"The connector {Name} has generated {made} tasks, which is greater than {most}, the maximum number of tasks it is configured to create. This behaviour should be considered a bug and is disallowed. "
        + $"If necessary, it can be permitted by reconfiguring the connector with '{ConnectorConfig.TasksMaxEnforce}' set to false; however, this option will be removed in a future release of Kafka Connect.";
}
