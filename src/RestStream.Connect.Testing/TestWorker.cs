using System.Collections.Concurrent;
using System.Net;
using RestStream.Connect.Config;

namespace RestStream.Connect.Testing;

/// <summary>A line that a task wrote for the log of the worker.</summary>
public sealed record LogLine(TaskLogLevel Level, string Message, Exception? Error);

/// <summary>
/// What a worker offers to connectors and tasks, in memory: clock, folders, network, hooks, log lines, figures. One is shared by what runs before a crash and after it. Safe on any thread.
/// </summary>
public sealed class TestWorker
{
    private readonly ConcurrentDictionary<string, Func<HookRequest, CancellationToken, Task<HookResponse>>> _hooks = [];
    private readonly ConcurrentQueue<LogLine> _log = [];
    private readonly ConcurrentDictionary<string, double> _metrics = [];

    /// <summary>The clock; a <see cref="TestClock"/> to say when time passes. Default: the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where files may lie. Default: below the folder of temporary files.</summary>
    public FileRoots Files { get; init; } = new([Path.TrimEndingDirectorySeparator(Path.GetTempPath())]);

    /// <summary>What may be reached. Default: public addresses and this machine, where the servers of tests are.</summary>
    public OutboundPolicy Network { get; init; } = new([IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("::1/128")]);

    /// <summary>The name of the connector.</summary>
    public string ConnectorName { get; init; } = "test";

    /// <summary>What was logged so far.</summary>
    public IReadOnlyList<LogLine> Log => [.. _log];

    /// <summary>The last value of each figure.</summary>
    public IReadOnlyDictionary<string, double> Metrics => _metrics;

    /// <summary>How often <see cref="IConnectorContext.RequestTaskReconfiguration"/> was called.</summary>
    public int ReconfigurationRequests { get; private set; }

    /// <summary>What <see cref="IConnectorContext.Fail"/> was called with last.</summary>
    public Exception? ConnectorFailure { get; private set; }

    /// <summary>Sends a request to a hook that a task opened, as <c>POST /hooks/{name}</c> does.</summary>
    /// <exception cref="InvalidOperationException">No task has that name open.</exception>
    public Task<HookResponse> CallHookAsync(string name, HookRequest request, CancellationToken cancellationToken = default) =>
        _hooks.TryGetValue(name, out var handler) ? handler(request, cancellationToken) : throw new InvalidOperationException($"No task opened the hook '{name}'.");

    /// <summary>What a connector gets.</summary>
    public IConnectorContext ConnectorContext(ConfigValues config) => new ConnectorSide(this, config);

    internal void AddLog(LogLine line) => _log.Enqueue(line);

    internal void SetMetric(string name, double value) => _metrics[name] = value;

    internal IDisposable OpenHook(string name, Func<HookRequest, CancellationToken, Task<HookResponse>> handler) =>
        _hooks.TryAdd(name, handler) ? new OpenedHook(this, name, handler) : throw new ConnectException($"The hook '{name}' is open already.");

    /// <summary>A crash closes what the process had open.</summary>
    internal void CloseHooks() => _hooks.Clear();

    private sealed class OpenedHook(TestWorker worker, string name, Func<HookRequest, CancellationToken, Task<HookResponse>> handler) : IDisposable
    {
        public void Dispose() => worker._hooks.TryRemove(KeyValuePair.Create(name, handler));
    }

    private sealed class ConnectorSide(TestWorker worker, ConfigValues config) : IConnectorContext
    {
        public string Name => worker.ConnectorName;

        public ConfigValues Config => config;

        public TimeProvider Time => worker.Time;

        public FileRoots Files => worker.Files;

        public OutboundPolicy Network => worker.Network;

        public void RequestTaskReconfiguration() => worker.ReconfigurationRequests++;

        public void Fail(Exception error) => worker.ConnectorFailure = error;
    }
}

/// <summary>What the contexts of both kinds of tasks have.</summary>
internal abstract class TaskSide(TestWorker worker, int taskId, ConfigValues config) : ITaskContext
{
    public string ConnectorName => worker.ConnectorName;

    public int TaskId => taskId;

    public ConfigValues Config => config;

    public TimeProvider Time => worker.Time;

    public FileRoots Files => worker.Files;

    public OutboundPolicy Network => worker.Network;

    protected TestWorker Worker => worker;

    public string? Written(string name) => config.Originals.GetValueOrDefault(name);

    public void Log(TaskLogLevel level, string message, Exception? error = null) => worker.AddLog(new LogLine(level, message, error));

    public void Metric(string name, double value) => worker.SetMetric(name, value);
}
