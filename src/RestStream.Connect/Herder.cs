using System.Text.Json.Nodes;
using RestStream.Connect.Configs;
using RestStream.Connect.Model;
using RestStream.Connect.Plugins;
using RestStream.Connect.Tasks;

namespace RestStream.Connect;

/// <summary>
/// The front door of Connect: every verb of its REST interface. Owns connectors and tasks, their configurations and target states (topic <c>connect-configs</c>, Kafka's keys and JSON).
/// Changes of one connector happen one after the other; connectors do not wait for each other. Refusals are <see cref="ConnectRequestException"/> with Kafka's texts. Safe on any thread.
/// </summary>
internal sealed class Herder : IAsyncDisposable
{
    /// <summary>Reads the stores and starts everything that is to run; completes when connectors are on their way.</summary>
    public static Task<Herder> StartAsync(WorkerServices services, CancellationToken cancellationToken) => throw new NotImplementedException();

    public PluginCatalog Plugins => throw new NotImplementedException();

    public ConnectorValidation Validation => throw new NotImplementedException();

    /// <summary>Names, in ordinal order.</summary>
    public IReadOnlyList<string> Connectors() => throw new NotImplementedException();

    public ConnectorInfo Info(string connector) => throw new NotImplementedException();

    /// <summary>POST: creates. 409 when it exists, 400 when the configuration is refused.</summary>
    public Task<ConnectorInfo> CreateAsync(string name, IReadOnlyDictionary<string, string?> config, TargetState initialState, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>PUT: creates or replaces.</summary>
    public Task<(ConnectorInfo Info, bool Created)> PutConfigAsync(string connector, IReadOnlyDictionary<string, string?> config, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>PATCH: merges; null removes a key.</summary>
    public Task<ConnectorInfo> PatchConfigAsync(string connector, IReadOnlyDictionary<string, string?> patch, CancellationToken cancellationToken) => throw new NotImplementedException();

    public Task DeleteAsync(string connector, CancellationToken cancellationToken) => throw new NotImplementedException();

    public ConnectorStatus Status(string connector) => throw new NotImplementedException();

    public TaskStateInfo TaskStatus(string connector, int task) => throw new NotImplementedException();

    public IReadOnlyList<TaskInfo> Tasks(string connector) => throw new NotImplementedException();

    /// <summary>POST restart: the status with the chosen ones RESTARTING when a flag is set, else null after the connector alone was restarted.</summary>
    public Task<ConnectorStatus?> RestartAsync(string connector, bool includeTasks, bool onlyFailed, CancellationToken cancellationToken) => throw new NotImplementedException();

    public Task RestartTaskAsync(string connector, int task, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>pause, resume, stop.</summary>
    public Task SetTargetStateAsync(string connector, TargetState state, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Empty for an unknown connector.</summary>
    public IReadOnlyList<string> ActiveTopics(string connector) => throw new NotImplementedException();

    public void ResetActiveTopics(string connector) => throw new NotImplementedException();

    public Task<IReadOnlyList<OffsetEntry>> OffsetsAsync(string connector, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Answers the message of success.</summary>
    public Task<string> AlterOffsetsAsync(string connector, IReadOnlyList<OffsetEntry?>? offsets, CancellationToken cancellationToken) => throw new NotImplementedException();

    public Task<string> ResetOffsetsAsync(string connector, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Records through converters and transforms, each step shown; nothing is written.</summary>
    public Task<JsonObject> PreviewAsync(IReadOnlyDictionary<string, string> config, JsonObject request, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Stops all tasks (final offsets committed) and connectors.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
