using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using RestStream.Connect.Configs;
using RestStream.Connect.Connectors;
using RestStream.Connect.Model;
using RestStream.Connect.Plugins;
using RestStream.Connect.Stores;
using RestStream.Connect.Tasks;

namespace RestStream.Connect;

/// <summary>
/// The front door of Connect: every verb of its REST interface. Owns connectors and tasks, their configurations and target states (topic <c>connect-configs</c>, Kafka's keys and JSON).
/// Changes of one connector happen one after the other; connectors do not wait for each other. Refusals are <see cref="ConnectRequestException"/> with Kafka's texts. Safe on any thread.
/// <para>
/// A change is durable when its verb returns; what runs follows it in the background (see <see cref="RunningConnector"/>), and the status says how far it is. How long a request waits is up to who makes it (the token ends the wait, not the work).
/// </para>
/// </summary>
internal sealed partial class Herder : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, RunningConnector> _running = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Shown> _shown = new(StringComparer.Ordinal);
    private readonly HerderShared _shared;
    private readonly DeclaredConnectors? _declared;
    private readonly WorkerMetrics _metrics;
    private readonly Lazy<Task> _closing;

    private Herder(HerderShared shared, ConnectorValidation validation)
    {
        (_shared, Validation) = (shared, validation);
        _closing = new Lazy<Task>(CloseAsync);
        _metrics = new WorkerMetrics(View, shared.ConnectorStarts, shared.TaskStarts);
        if (shared.Options.ConnectorFolder is { } folder)
            _declared = new DeclaredConnectors(this, folder, shared.Log);
    }

    public PluginCatalog Plugins => _shared.Worker.Plugins;

    public ConnectorValidation Validation { get; }

    /// <summary>Files of the folder of declared connectors that are not applied, and why; for status and health. One is gone when its connector is created or changed by a request. Empty while the folder is still being looked at.</summary>
    public IReadOnlyList<DeclaredProblem> DeclaredProblems => _declared?.Problems ?? [];

    /// <summary>Completes when the folder of declared connectors was applied.</summary>
    public Task DeclaredApplied { get; private set; } = Task.CompletedTask;

    /// <summary>Reads the stores and starts everything that is to run; completes when connectors are on their way.</summary>
    public static Task<Herder> StartAsync(WorkerServices services, CancellationToken cancellationToken)
    {
        var validation = new ConnectorValidation(services.Plugins, services.Options, services.References, services.Files, services.Network, services.Time);
        return StartAsync(services, validation, HerderParts.Of(services, validation), cancellationToken);
    }

    /// <summary>With other connectors and tasks than the real ones.</summary>
    internal static async Task<Herder> StartAsync(WorkerServices services, ConnectorValidation validation, HerderParts parts, CancellationToken cancellationToken)
    {
        var log = services.Loggers.CreateLogger<Herder>();
        var seal = new SecretSeal(SecretSeal.OpenKey(services.Options.SecretKeyFile), parts.SecretKeys);
        var configs = await ConfigStore.OpenAsync(services.Broker, services.Options, services.Time, seal, log, cancellationToken);
        var herder = new Herder(new HerderShared(services, parts, configs, log), validation);
        foreach (var gone in services.Statuses.Connectors.Where(name => configs.Find(name) is null))
            herder.Forget(gone);
        foreach (var name in configs.Names)
        {
            var connector = herder.Running(name);
            connector.Unassign();
            _ = connector.Changed();
        }

        log.HerderStarted(configs.Names.Count, services.Options.ConfigTopic);
        if (herder._declared is { } declared)
            herder.DeclaredApplied = Task.Run(() => declared.ApplyAsync(herder._stopping.Token), CancellationToken.None);
        return herder;
    }

    /// <summary>Names, in ordinal order.</summary>
    public IReadOnlyList<string> Connectors() => _shared.Configs.Names;

    public ConnectorInfo Info(string connector) => Info(connector, Stored(connector));

    public ConnectorStatus Status(string connector) =>
        _shared.Configs.Find(connector) is { } stored && _running.GetValueOrDefault(connector)?.Status() is { } status
            ? new ConnectorStatus(connector, status.Connector, status.Tasks, Show(connector, stored).Type)
            : throw ConnectRequestException.NotFound($"No status found for connector {connector}");

    public TaskStateInfo TaskStatus(string connector, int task) =>
        _running.GetValueOrDefault(connector)?.TaskStatus(task) ?? throw ConnectRequestException.NotFound($"No status found for task {connector}-{task}");

    public IReadOnlyList<TaskInfo> Tasks(string connector)
    {
        var stored = Stored(connector);
        var secret = Show(connector, stored).SecretKeys;
        return [.. stored.Tasks.Select((config, i) => new TaskInfo(new TaskId(connector, i), Secrets.Mask(config, secret)))];
    }

    /// <summary>What runs is as was asked before this call, as far as the connector's code lets it be.</summary>
    internal Task SettledAsync(string connector) => _running.GetValueOrDefault(connector)?.SettledAsync() ?? Task.CompletedTask;

    /// <summary>Empty for an unknown connector.</summary>
    public IReadOnlyList<string> ActiveTopics(string connector)
    {
        CheckTopicTracking();
        return _shared.Configs.Find(connector) is null ? [] : _shared.Worker.Statuses.ActiveTopics(connector);
    }

    public void ResetActiveTopics(string connector)
    {
        CheckTopicTracking();
        if (!_shared.Options.TopicTrackingReset)
            throw new ConnectRequestException(403, "Topic tracking reset is disabled.");
        _shared.Worker.Statuses.ForgetTopics(connector);
    }

    /// <summary>Records through converters and transforms, each step shown; nothing is written.</summary>
    public Task<JsonObject> PreviewAsync(IReadOnlyDictionary<string, string> config, JsonObject request, CancellationToken cancellationToken) =>
        Preview.RunAsync(_shared.Worker, config, request, cancellationToken);

    /// <summary>Brings what stands in the connector's dead letter topic back to where it came from, of a source through its transforms (<see cref="Errors.DeadLetterReplay"/>).</summary>
    public async Task<JsonObject> ReplayDeadLettersAsync(string connector, JsonObject request, CancellationToken cancellationToken)
    {
        // As it is stored: transforms write what stands in it, and a mask is not what the task writes.
        var config = Stored(connector).Config;
        try
        {
            return await Errors.DeadLetterReplay.RunAsync(_shared.Worker, connector, config, request, cancellationToken);
        }
        catch (ConnectRequestException e)
        {
            throw new ConnectRequestException(e.Status, SecretScrubber.For(config, config, [], _shared.Parts.SecretKeys(config)).Scrub(e.Message));
        }
    }

    /// <summary>Stops all tasks (final offsets committed) and connectors, bounded by <see cref="ConnectOptions.TaskShutdownTimeout"/> for each step; all connectors at once.</summary>
    /// <remarks>Who calls it a second time waits, too.</remarks>
    public ValueTask DisposeAsync() => new(_closing.Value);

    private async Task CloseAsync()
    {
        await _stopping.CancelAsync();

        // However that ends: connectors are stopped, and their offsets committed.
        await DeclaredApplied.WaitAsync(_shared.Options.TaskShutdownTimeout, _shared.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!DeclaredApplied.IsCompleted)
            _shared.Log.DeclaredHangs();
        else if (DeclaredApplied.Exception is { InnerException: { } error })
            _shared.Log.DeclaredNotApplied(error);

        await Task.WhenAll(_running.Values.Select(connector => connector.CloseAsync()));
        try
        {
            await _shared.Worker.Statuses.FlushAsync();
        }
        catch (Broker.BrokerException e)
        {
            // The next start sets them anew.
            _shared.Log.StatusesNotWritten(e.Message);
        }

        _metrics.Dispose();
        _shared.Log.HerderStopped();
        _stopping.Dispose();
    }

    private List<ConnectorView> View()
    {
        var views = new List<ConnectorView>();
        foreach (var name in _shared.Configs.Names)
        {
            if (_shared.Configs.Find(name) is { } stored && _running.GetValueOrDefault(name)?.States() is { } states)
                views.Add(new ConnectorView(name, stored.Config.GetValueOrDefault(ConnectorConfig.Class) ?? "", Show(name, stored).Type, states.Version, states.Connector, states.Tasks));
        }

        return views;
    }

    private void CheckTopicTracking()
    {
        if (!_shared.Options.TopicTracking)
            throw new ConnectRequestException(403, "Topic tracking is disabled.");
    }

    private StoredConnector Stored(string connector) => _shared.Configs.Find(connector) ?? throw ConnectRequestException.NotFound($"Connector {connector} not found");

    private ConnectorInfo Info(string connector, StoredConnector stored)
    {
        var shown = Show(connector, stored);
        return new ConnectorInfo(connector, shown.Config, [.. Enumerable.Range(0, stored.Tasks.Count).Select(i => new TaskId(connector, i))], shown.Type);
    }

    /// <summary>What is shown of a configuration is found out once: it takes a look at the plugin.</summary>
    private Shown Show(string connector, StoredConnector stored)
    {
        if (_shown.TryGetValue(connector, out var shown) && ReferenceEquals(shown.Of, stored.Config))
            return shown;
        var secret = _shared.Parts.SecretKeys(stored.Config);
        shown = new Shown(stored.Config, Secrets.Mask(stored.Config, secret), secret, TypeOf(stored.Config));

        // A plugin that is not there yet may come.
        if (shown.Type != "unknown")
            _shown[connector] = shown;
        return shown;
    }

    private string TypeOf(IReadOnlyDictionary<string, string> config)
    {
        try
        {
            return _shared.Parts.Find(config).Kind == PluginKind.Sink ? "sink" : "source";
        }
        catch (PluginNotFoundException)
        {
            return "unknown";
        }
    }

    private void Forget(string gone)
    {
        var statuses = _shared.Worker.Statuses;
        foreach (var task in statuses.Tasks(gone).Keys)
            statuses.Put(gone, task, null);
        statuses.Put(gone, null);
        statuses.ForgetTopics(gone);
    }

    private RunningConnector Running(string connector) => _running.GetOrAdd(connector, static (name, shared) => new RunningConnector(name, shared), _shared);

    private sealed record Shown(IReadOnlyDictionary<string, string> Of, IReadOnlyDictionary<string, string> Config, IReadOnlySet<string> SecretKeys, string Type);
}
