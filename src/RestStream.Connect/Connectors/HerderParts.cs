using Microsoft.Extensions.Logging;
using RestStream.Connect.Configs;
using RestStream.Connect.Model;
using RestStream.Connect.Plugins;
using RestStream.Connect.Stores;
using RestStream.Connect.Tasks;

namespace RestStream.Connect.Connectors;

/// <summary>How connectors and tasks come to life. A test that looks at the herder alone puts its own connectors and tasks in here.</summary>
internal sealed record HerderParts
{
    /// <summary>The plugin that <c>connector.class</c> and <c>connector.plugin.version</c> name.</summary>
    public required Func<IReadOnlyDictionary<string, string>, PluginDescription> Find { get; init; }

    public required Func<PluginDescription, Connector> Create { get; init; }

    public required Func<IReadOnlyDictionary<string, string?>, CancellationToken, Task<ConfigInfos>> ValidateAsync { get; init; }

    public required Func<IReadOnlyDictionary<string, string>, IReadOnlySet<string>> SecretKeys { get; init; }

    /// <summary>The configuration with its references replaced; what they were replaced by is added to the collection.</summary>
    public required Func<IReadOnlyDictionary<string, string>, ICollection<string>, IReadOnlyDictionary<string, string>> Resolve { get; init; }

    public required Func<TaskDefinition, WorkerServices, Action<TaskReport>, RunningTask> StartTask { get; init; }

    /// <summary>The real ones.</summary>
    public static HerderParts Of(WorkerServices worker, ConnectorValidation validation) => new()
    {
        Find = config => worker.Plugins.Find(
            config.GetValueOrDefault(ConnectorConfig.Class) ?? "", config.GetValueOrDefault(ConnectorConfig.PluginVersion), PluginKind.Source, PluginKind.Sink),
        Create = worker.Plugins.Create<Connector>,
        ValidateAsync = validation.ValidateAsync,
        SecretKeys = validation.SecretKeys,
        Resolve = worker.References.Resolve,
        StartTask = RunningTask.Start,
    };
}

/// <summary>What all connectors of a herder share.</summary>
internal sealed record HerderShared(WorkerServices Worker, HerderParts Parts, ConfigStore Configs, ILogger Log)
{
    public ConnectOptions Options => Worker.Options;

    public TimeProvider Time => Worker.Time;

    public StartCounts ConnectorStarts { get; } = new();

    public StartCounts TaskStarts { get; } = new();
}
