using System.Collections.Concurrent;
using RestStream.Connect.Config;
using RestStream.Connect.Connectors;
using RestStream.Connect.Model;
using RestStream.Connect.Plugins;
using RestStream.Connect.Tasks;

namespace RestStream.Connect.Tests.Herding;

/// <summary>Connectors of the classes <c>source</c> and <c>sink</c> and their tasks, under the test's control. A connector has as many tasks as its setting <c>tasks</c> says (default 1).</summary>
internal sealed class TestPlugins
{
    private readonly ConcurrentDictionary<TaskId, TestTask> _tasks = new();
    private readonly ConcurrentDictionary<string, int> _starts = new();

    /// <summary>What a connector does when it is started; default: nothing.</summary>
    public Func<IConnectorContext, CancellationToken, Task> OnStart { get; set; } = (_, _) => Task.CompletedTask;

    public Func<IConnectorContext, Task> OnDispose { get; set; } = _ => Task.CompletedTask;

    public Func<IConnectorContext, int, IReadOnlyList<IReadOnlyDictionary<string, string>>>? OnTaskConfigs { get; set; }

    /// <summary>Comes before references are replaced; an exception means that one of them cannot be read.</summary>
    public Action OnResolve { get; set; } = () => { };

    /// <summary>What comes before the check of a configuration.</summary>
    public Func<Task> OnValidate { get; set; } = () => Task.CompletedTask;

    /// <summary>What a task does first; an exception makes it FAILED.</summary>
    public Action<TaskDefinition> OnTaskStart { get; set; } = _ => { };

    /// <summary>What a task does while it is ended; the connector's other steps wait for it.</summary>
    public Func<TaskId, Task> OnTaskEnd { get; set; } = _ => Task.CompletedTask;

    /// <summary>Answers whether a task ends in time.</summary>
    public Func<TaskId, bool> OnTaskStop { get; set; } = _ => true;

    public Func<IReadOnlyList<(IReadOnlyDictionary<string, object?>? Partition, IReadOnlyDictionary<string, object?>? Offset)>, bool> OnAlterSource { get; set; } = _ => true;

    public Func<IReadOnlyDictionary<TopicPartition, long?>, bool> OnAlterSink { get; set; } = _ => true;

    /// <summary>Started connectors that were not disposed, by name.</summary>
    public ConcurrentDictionary<string, int> Open { get; } = new();

    /// <summary>Contexts of connectors that were started, the newest of each name.</summary>
    public ConcurrentDictionary<string, IConnectorContext> Contexts { get; } = new();

    /// <summary>How often a connector or task (<c>name-0</c>) was started.</summary>
    public int Starts(string name) => _starts.GetValueOrDefault(name);

    public TestTask TaskOf(string connector, int task) => _tasks[new TaskId(connector, task)];

    /// <summary>Tasks that run or are paused.</summary>
    public IEnumerable<TaskDefinition> Live => _tasks.Values.Where(t => t.IsLive).Select(t => t.Definition);

    public void ForgetRuns()
    {
        _tasks.Clear();
        Open.Clear();
    }

    public HerderParts Parts() => new()
    {
        Find = config => config.GetValueOrDefault("connector.class") switch
        {
            "source" => new PluginDescription("source", PluginKind.Source, "1.2", []),
            "sink" => new PluginDescription("sink", PluginKind.Sink, "3.4", []),
            var other => throw new PluginNotFoundException($"Failed to find any class that implements Connector and which name matches {other}, available connectors are: sink, source"),
        },
        Create = plugin => plugin.Kind == PluginKind.Source ? new TestSource(this) : new TestSink(this),
        ValidateAsync = async (config, _) =>
        {
            await OnValidate();
            return Validate(config);
        },
        SecretKeys = _ => new HashSet<string> { "password" },
        Resolve = (config, replacements) =>
        {
            OnResolve();
            return Resolve(config, replacements);
        },
        StartTask = Start,
    };

    private static Dictionary<string, string> Resolve(IReadOnlyDictionary<string, string> config, ICollection<string> replacements)
    {
        if (config.Values.Contains("${broken:}"))
            throw new ConnectException("Could not read properties from file /broken");
        if (config.Values.Contains("${secret:}"))
            replacements.Add("resolved-secret");
        return config.ToDictionary(e => e.Key, e => e.Value == "${secret:}" ? "resolved-secret" : e.Value);
    }

    /// <summary>What was asked about last.</summary>
    public IReadOnlyDictionary<string, string?> Validated { get; private set; } = new Dictionary<string, string?>();

    private ConfigInfos Validate(IReadOnlyDictionary<string, string?> config)
    {
        Validated = config;
        var errors = config.Where(e => e.Value == "wrong").Select(e => new ConfigInfo(null, new ConfigValueInfo(e.Key, e.Value, [], [$"{e.Key} is wrong"], true))).ToList();
        return new ConfigInfos(config.GetValueOrDefault("connector.class") ?? "", errors.Count, [], errors, []);
    }

    private RunningTask Start(TaskDefinition definition, WorkerServices services, Action<TaskReport> report)
    {
        _starts.AddOrUpdate($"{definition.Id.Connector}-{definition.Id.Task}", 1, (_, n) => n + 1);
        var task = new TestTask(definition, services, report, async () =>
        {
            await OnTaskEnd(definition.Id);
            return OnTaskStop(definition.Id);
        });
        _tasks[definition.Id] = task;
        task.Begin(OnTaskStart);
        return task;
    }

    private Task StartedAsync(IConnectorContext context, CancellationToken cancellationToken)
    {
        _starts.AddOrUpdate(context.Name, 1, (_, n) => n + 1);
        Open.AddOrUpdate(context.Name, 1, (_, n) => n + 1);
        Contexts[context.Name] = context;
        return OnStart(context, cancellationToken);
    }

    private IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(IConnectorContext context, int maxTasks) => OnTaskConfigs?.Invoke(context, maxTasks)
        ?? [.. Enumerable.Range(0, int.Parse(context.Config.Originals.GetValueOrDefault("tasks", "1"))).Select(i => new Dictionary<string, string> { ["part"] = $"{i}" })];

    private async ValueTask DisposedAsync(IConnectorContext? context)
    {
        if (context is null)
            return;
        Open.AddOrUpdate(context.Name, 0, (_, n) => n - 1);
        await OnDispose(context);
    }

    private sealed class TestSource(TestPlugins plugins) : SourceConnector
    {
        private IConnectorContext? _context;

        public override ConfigDef Config { get; } = new();

        public override Type TaskType => typeof(TestSource);

        public override Task StartAsync(IConnectorContext context, CancellationToken cancellationToken) => plugins.StartedAsync(_context = context, cancellationToken);

        public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) => plugins.TaskConfigs(_context!, maxTasks);

        public override ValueTask<bool> AlterOffsetsAsync(
            IReadOnlyDictionary<string, string> config, IReadOnlyList<(IReadOnlyDictionary<string, object?>? Partition, IReadOnlyDictionary<string, object?>? Offset)> offsets, CancellationToken cancellationToken) =>
            new(plugins.OnAlterSource(offsets));

        public override ValueTask DisposeAsync() => plugins.DisposedAsync(_context);
    }

    private sealed class TestSink(TestPlugins plugins) : SinkConnector
    {
        private IConnectorContext? _context;

        public override ConfigDef Config { get; } = new();

        public override Type TaskType => typeof(TestSink);

        public override Task StartAsync(IConnectorContext context, CancellationToken cancellationToken) => plugins.StartedAsync(_context = context, cancellationToken);

        public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) => plugins.TaskConfigs(_context!, maxTasks);

        public override ValueTask<bool> AlterOffsetsAsync(IReadOnlyDictionary<string, string> config, IReadOnlyDictionary<TopicPartition, long?> offsets, CancellationToken cancellationToken) =>
            new(plugins.OnAlterSink(offsets));

        public override ValueTask DisposeAsync() => plugins.DisposedAsync(_context);
    }
}

/// <summary>A task that reports what the test wants it to.</summary>
internal sealed class TestTask(TaskDefinition definition, WorkerServices services, Action<TaskReport> report, Func<Task<bool>> endsInTime) : RunningTask(definition, services, report)
{
    public override TaskFigures Figures => new(0, 0, null, null, false);

    public bool IsLive { get; private set; }

    public void Begin(Action<TaskDefinition> onStart)
    {
        try
        {
            onStart(Definition);
        }
        catch (ConnectException e)
        {
            Fail(e);
            return;
        }

        IsLive = true;
        Report(Definition.StartPaused ? WorkState.Paused : WorkState.Running);
    }

    public void Fail(Exception error)
    {
        IsLive = false;
        Report(WorkState.Failed, new TaskFailure(error, null, null, $"{error.GetType().Name}: {error.Message}\n"));
    }

    public override void Pause() => Report(WorkState.Paused);

    public override void Resume() => Report(WorkState.Running);

    public override Task<bool> StopAsync(TimeSpan graceful)
    {
        IsLive = false;
        Metrics.Dispose();
        return endsInTime();
    }

    protected override Task BeginAsync(TaskPlugins plugins) => Task.CompletedTask;

    protected override Task WorkAsync() => Task.CompletedTask;

    protected override ValueTask EndAsync() => ValueTask.CompletedTask;
}
