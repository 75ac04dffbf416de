using RestStream.Connect.Config;
using RestStream.Connect.Errors;
using RestStream.Connect.Stores;

namespace RestStream.Connect.Tasks;

/// <summary>What every task may ask of the worker; refuses everything once the task was left behind.</summary>
internal abstract class TaskContext(RunningTask owner, ConfigValues config) : ITaskContext
{
    public string ConnectorName => owner.Definition.Id.Connector;
    public int TaskId => owner.Definition.Id.Task;
    public ConfigValues Config { get; } = config;
    public TimeProvider Time => owner.Services.Time;
    public FileRoots Files => owner.Services.Files;
    public OutboundPolicy Network => owner.Services.Network;

    protected RunningTask Owner => owner;

    public string? Written(string name) => owner.Definition.Config.GetValueOrDefault(name);

    public void Log(TaskLogLevel level, string message, Exception? error = null)
    {
        owner.Guard();
        var text = $"[{ConnectorName}|task-{TaskId}] {owner.Secrets.Scrub(message)}";

        // The exception goes along as text: a logger would print it with what the mask takes away.
        if (error is not null)
            text += ": " + owner.Secrets.Scrub(ErrorTrace.Of(error)).TrimEnd();
        switch (level)
        {
            case TaskLogLevel.Debug:
                owner.Logger.TaskDebug(null, text);
                break;
            case TaskLogLevel.Info:
                owner.Logger.TaskInfo(null, text);
                break;
            case TaskLogLevel.Warning:
                owner.Logger.TaskWarning(null, text);
                break;
            default:
                owner.Logger.TaskError(null, text);
                break;
        }
    }

    public void Metric(string name, double value)
    {
        owner.Guard();
        owner.Metrics.Custom(name, value);
    }
}

/// <summary>Of a source.</summary>
internal sealed class SourceTaskContext(RunningTask owner, ConfigValues config, OffsetStore offsets, HookRegistry hooks, TransactionBoundaries? transaction) : TaskContext(owner, config), ISourceTaskContext
{
    private static readonly HookResponse s_paused = new(503, """{"message":"The connector is paused. Send it again later."}""");

    private readonly List<IDisposable> _hooks = [];

    public ITransactionBoundaries? Transaction => transaction;

    public ValueTask<IReadOnlyDictionary<string, object?>?> LastOffsetAsync(IReadOnlyDictionary<string, object?> partition, CancellationToken cancellationToken)
    {
        Owner.Guard();
        return new(offsets.Find(ConnectorName, partition));
    }

    public ValueTask<IReadOnlyList<IReadOnlyDictionary<string, object?>?>> LastOffsetsAsync(IReadOnlyList<IReadOnlyDictionary<string, object?>> partitions, CancellationToken cancellationToken)
    {
        Owner.Guard();
        return new([.. partitions.Select(p => offsets.Find(ConnectorName, p))]);
    }

    public IDisposable OpenHook(string name, Func<HookRequest, CancellationToken, Task<HookResponse>> handler)
    {
        Owner.Guard();

        // Nobody takes what comes now: the sender hears of it at once instead of when its patience, or ours, is over.
        var hook = hooks.Open(name, (request, cancellationToken) => Owner.PauseWanted ? Task.FromResult(s_paused) : handler(request, cancellationToken));
        lock (_hooks)
            _hooks.Add(hook);
        return hook;
    }

    /// <summary>The task is over: its hooks are free for others.</summary>
    public void CloseHooks()
    {
        lock (_hooks)
        {
            foreach (var hook in _hooks)
                hook.Dispose();
            _hooks.Clear();
        }
    }
}
