using RestStream.Connect.Config;

namespace RestStream.Connect;

/// <summary>
/// The control side of a connector: what may be configured, and how the work is split into tasks. Has a public constructor without parameters, which does nothing: it is made for listing and validation too.
/// The worker calls the methods of one instance one at a time. Derive from <see cref="SourceConnector"/> or <see cref="SinkConnector"/>.
/// </summary>
public abstract class Connector : IAsyncDisposable
{
    private protected Connector()
    {
    }

    /// <summary>What may be configured. The same for every instance; asked before <see cref="StartAsync"/>.</summary>
    public abstract ConfigDef Config { get; }

    /// <summary>The type of its tasks: a <see cref="SourceTask"/> or <see cref="SinkTask"/> with a public constructor without parameters.</summary>
    public abstract Type TaskType { get; }

    /// <summary>
    /// Checks that a key alone cannot tell: keys against each other, and (a probe) the system outside: is it there, may we read and write. Add what is wrong to <paramref name="validation"/> by key.
    /// Runs on an instance that is not started; bounded in time by the worker (<paramref name="cancellationToken"/>). Not called while single keys are wrong.
    /// </summary>
    public virtual Task ValidateAsync(ConfigValidation validation, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Called once, before <see cref="TaskConfigs"/>. May start watching the system outside and ask for other tasks by <see cref="IConnectorContext.RequestTaskReconfiguration"/>. Throw to fail the connector.</summary>
    public virtual Task StartAsync(IConnectorContext context, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// The configuration of each task, at most <paramref name="maxTasks"/>. Called after the start, and again after <see cref="IConnectorContext.RequestTaskReconfiguration"/>.
    /// </summary>
    public abstract IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks);

    /// <summary>Releases what <see cref="StartAsync"/> opened. Called exactly once, also after a failed start and for instances that were only asked.</summary>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Brings data from a system outside into topics.</summary>
public abstract class SourceConnector : Connector
{
    /// <summary>
    /// Whether the task resumes exactly behind its last offset and so delivers each record once, as <c>exactly.once.support=required</c> demands. Null: not known. Default: null, as in Kafka.
    /// </summary>
    public virtual bool? SupportsExactlyOnce(IReadOnlyDictionary<string, string> config) => null;

    /// <summary>Whether tasks say where transactions begin and end (<c>transaction.boundary=connector</c>), by <see cref="ISourceTaskContext.Transaction"/>.</summary>
    public virtual bool DefinesTransactionBoundaries(IReadOnlyDictionary<string, string> config) => false;

    /// <summary>
    /// Somebody changes stored offsets of a stopped connector. Check them, and change what is kept outside if anything is. Partition to new offset; a null offset: from the beginning.
    /// </summary>
    /// <returns>True: the change is complete, the user need not do anything outside. False: it could not be checked.</returns>
    /// <exception cref="ConnectException">They make no sense for this connector; the message goes to the user (400).</exception>
    public virtual ValueTask<bool> AlterOffsetsAsync(
        IReadOnlyDictionary<string, string> config, IReadOnlyList<(IReadOnlyDictionary<string, object?>? Partition, IReadOnlyDictionary<string, object?>? Offset)> offsets, CancellationToken cancellationToken) => new(false);
}

/// <summary>Takes data from topics to a system outside.</summary>
public abstract class SinkConnector : Connector
{
    /// <summary>As for sources, per partition of a topic; a null offset: forget it.</summary>
    public virtual ValueTask<bool> AlterOffsetsAsync(IReadOnlyDictionary<string, string> config, IReadOnlyDictionary<TopicPartition, long?> offsets, CancellationToken cancellationToken) => new(false);
}

/// <summary>What a connector may ask of the worker. Safe on any thread.</summary>
public interface IConnectorContext
{
    /// <summary>The connector's name.</summary>
    string Name { get; }

    /// <summary>Its configuration, references resolved, parsed by <see cref="Connector.Config"/>.</summary>
    ConfigValues Config { get; }

    /// <summary>The clock. Never use another.</summary>
    TimeProvider Time { get; }

    /// <summary>Where files may lie.</summary>
    FileRoots Files { get; }

    /// <summary>What may be reached over the network.</summary>
    OutboundPolicy Network { get; }

    /// <summary>The work has to be split anew (a table came, a folder went): <see cref="Connector.TaskConfigs"/> is called again soon, and tasks whose configuration changed are restarted.</summary>
    void RequestTaskReconfiguration();

    /// <summary>The connector cannot go on: it becomes FAILED with this error. Its tasks go on.</summary>
    void Fail(Exception error);
}

/// <summary>Says under which name a plugin class is listed and configured. Without it that is its full type name. The simple name (behind the last dot, with or without "Connector") works as well.</summary>
/// <param name="name">Its name: for a class that understands the configurations of a Java class, the name of that one (<c>org.apache.kafka.connect.file.FileStreamSourceConnector</c>).</param>
/// <param name="aliases">Other names that are accepted.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class PluginAttribute(string name, params string[] aliases) : Attribute
{
    /// <summary>Its name in lists, statuses and errors.</summary>
    public string Name { get; } = name;

    /// <summary>Other names that are accepted.</summary>
    public IReadOnlyList<string> Aliases { get; } = aliases;
}
