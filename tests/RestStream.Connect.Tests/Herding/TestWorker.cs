using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Connect.Configs;
using RestStream.Connect.Model;
using RestStream.Connect.Plugins;
using RestStream.Connect.Stores;
using RestStream.Connect.Tasks;
using RestStream.Storage.Files;

namespace RestStream.Connect.Tests.Herding;

/// <summary>A herder on a real broker in a folder of its own, with connectors and tasks that do what the test says (<see cref="TestPlugins"/>) and a clock that the test moves.</summary>
internal sealed class TestWorker : IAsyncDisposable
{
    private readonly TempFolder _folder = new("herder");
    private EmbeddedBroker? _broker;
    private Herder? _herder;

    private TestWorker()
    {
    }

    public ManualClock Clock { get; } = new();

    public TestPlugins Plugins { get; } = new();

    /// <summary>Steps that failed as no step may.</summary>
    public DefectLog Log { get; } = new();

    public ConnectOptions Options { get; } = new() { OffsetTopicPartitions = 2, WorkerId = "worker:1" };

    public EmbeddedBroker Broker => _broker ?? throw new InvalidOperationException("The broker is stopped.");

    public Herder Herder => _herder ?? throw new InvalidOperationException("The herder is stopped.");

    public StatusStore Statuses { get; private set; } = null!;

    public TempFolder Folder => _folder;

    public static async Task<TestWorker> StartAsync(Action<TestWorker>? before = null)
    {
        var worker = new TestWorker();
        before?.Invoke(worker);
        await worker.StartAgainAsync();
        return worker;
    }

    public async Task StartAgainAsync()
    {
        if (_broker is null)
        {
            var options = new BrokerOptions { MinFreeBytes = 0, JournalFileBytes = 256 * 1024, JournalMaxBytes = 8 * 1024 * 1024 };
            _broker = await EmbeddedBroker.OpenAsync(_folder["data"], options, new LinuxFileSystem(), Clock, NullLogger.Instance, new GroupOptions { OffsetsTopicPartitions = 2 });
        }

        Statuses = await StatusStore.OpenAsync(_broker, Options, Clock, default);
        var files = new FileRoots([_folder.Path]);
        var network = new OutboundPolicy([]);
        var catalog = PluginCatalog.Open([], NullLogger.Instance);
        var references = new ConfigReferences(Options);
        var services = new WorkerServices(_broker, catalog, Options, references, await OffsetStore.OpenAsync(_broker, Options, Clock, default), Statuses, new HookRegistry(), files, network, Clock, Log);
        var validation = new ConnectorValidation(catalog, Options, references, files, network, Clock);
        _herder = await Herder.StartAsync(services, validation, Plugins.Parts(), default);
        foreach (var connector in _herder.Connectors())
            await _herder.SettledAsync(connector);
    }

    /// <summary>A clean stop, and a start on what is on disk.</summary>
    public async Task RestartAsync()
    {
        await Herder.DisposeAsync();
        await Broker.DisposeAsync();
        _broker = null;
        Plugins.ForgetRuns();
        await StartAgainAsync();
    }

    /// <summary>The worker vanishes, whatever it was doing; another one starts on the same log.</summary>
    public async Task CrashAsync()
    {
        Plugins.ForgetRuns();
        await StartAgainAsync();
    }

    public async Task CreateAsync(string name, TargetState state = TargetState.Started, params (string Key, string Value)[] config)
    {
        await Herder.CreateAsync(name, Config(config), state, default);
        await Herder.SettledAsync(name);
    }

    public async Task PutAsync(string name, params (string Key, string Value)[] config)
    {
        await Herder.PutConfigAsync(name, Config(config), default);
        await Herder.SettledAsync(name);
    }

    public async Task SetAsync(string name, TargetState state)
    {
        await Herder.SetTargetStateAsync(name, state, default);
        await Herder.SettledAsync(name);
    }

    /// <summary>Connector and tasks in one line: <c>RUNNING [RUNNING, FAILED]</c>.</summary>
    public string States(string name)
    {
        var status = Herder.Status(name);
        return $"{status.Connector.State} [{string.Join(", ", status.Tasks.Select(t => t.State))}]";
    }

    public static Dictionary<string, string?> Config(params (string Key, string Value)[] config)
    {
        var all = new Dictionary<string, string?> { ["connector.class"] = "source", ["tasks.max"] = "4" };
        foreach (var (key, value) in config)
            all[key] = value;
        return all;
    }

    /// <summary>Everything in a topic of the worker, in order: key and value, null for a tombstone.</summary>
    public async Task<List<(string Key, string? Value)>> ReadAsync(string topic)
    {
        var records = new List<(string, string?)>();
        await StoreTopic.OpenAsync(Broker, topic, 1, Clock, (_, record) => records.Add((Encoding.UTF8.GetString(record.Key), record.ValueIsNull ? null : Encoding.UTF8.GetString(record.Value))), default);
        return records;
    }

    public async ValueTask DisposeAsync()
    {
        if (_herder is not null)
            await _herder.DisposeAsync();
        if (_broker is not null)
            await _broker.DisposeAsync();
        _folder.Dispose();
    }
}

/// <summary>Keeps what the herder says of its own defects.</summary>
internal sealed class DefectLog : ILoggerFactory, ILogger
{
    private const int ReconcileFailed = 4030;

    public System.Collections.Concurrent.ConcurrentQueue<string> Defects { get; } = new();

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (eventId.Id == ReconcileFailed)
            Defects.Enqueue($"{formatter(state, exception)}: {exception}");
    }

    public void Dispose()
    {
    }
}
