using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using RestStream.Broker;
using RestStream.Connect.Model;
using static RestStream.Connect.Stores.ConfigRecords;

namespace RestStream.Connect.Stores;

/// <summary>
/// Connectors, their configurations, tasks and target states in the compacted topic <c>connect-configs</c>, with Kafka's keys and JSON: <c>connector-N</c>, <c>task-N-i</c>, <c>commit-N</c>, <c>target-state-N</c>.
/// Secrets are sealed in the topic (<see cref="SecretSeal"/>). Everything is in memory as well. Every write is durable when it returns, and only then seen by readers. The caller writes one connector's changes one after the other. Safe on any thread.
/// <para>
/// Configurations of tasks count only from their <c>commit-N</c> on, as in Kafka; here they stand in the same batch. <c>restart-connector-N</c> and <c>logger-cluster-L</c> are requests to running workers: like
/// Kafka, the store passes over old ones at the start. Of a deleted connector nothing is left: its tasks get tombstones too, which Kafka forgets.
/// </para>
/// </summary>
internal sealed class ConfigStore
{
    private readonly ConcurrentDictionary<string, StoredConnector> _connectors = new(StringComparer.Ordinal);
    private readonly StoreTopic _topic;
    private readonly SecretSeal _seal;
    private ImmutableSortedSet<string> _names;
    private long _creations;

    private ConfigStore(StoreTopic topic, SecretSeal seal, ConfigReading read)
    {
        (_topic, _seal) = (topic, seal);
        foreach (var (name, connector) in read.Connectors())
            _connectors[name] = connector;
        _names = _connectors.Keys.ToImmutableSortedSet(StringComparer.Ordinal);
    }

    /// <summary>Names in ordinal order.</summary>
    public ImmutableSortedSet<string> Names => Volatile.Read(ref _names);

    /// <summary>Makes the topic when it is not there, or reads it. What is damaged or not understood is told to the log and left out.</summary>
    /// <exception cref="ConnectException">The topic is not compacted, or has several partitions: between those the order of changes is not known.</exception>
    public static async Task<ConfigStore> OpenAsync(IBroker broker, ConnectOptions options, TimeProvider time, SecretSeal seal, ILogger logger, CancellationToken cancellationToken)
    {
        var reading = new ConfigReading(seal, problem => logger.ConfigRecordIgnored(options.ConfigTopic, problem));
        var (topic, damage) = await StoreTopic.OpenAsync(broker, options.ConfigTopic, partitions: 1, time, reading.Apply, cancellationToken);
        if (topic.Partitions != 1)
        {
            throw new ConnectException(
                $"Topic '{options.ConfigTopic}' has {topic.Partitions} partitions; configurations of connectors need a topic with one, which keeps their order. Delete it if nothing in it is needed (it is made anew), or name another in "
                + $"{ConnectOptions.Section}:{nameof(ConnectOptions.ConfigTopic)}, and start again.");
        }

        foreach (var problem in damage)
            logger.ConfigsDamaged(options.ConfigTopic, problem.Message);
        foreach (var (name, settings) in reading.Lost)
            logger.SecretsLost(name, string.Join(", ", settings), options.SecretKeyFile);
        return new ConfigStore(topic, seal, reading);
    }

    public StoredConnector? Find(string connector) => _connectors.GetValueOrDefault(connector);

    /// <summary>A new connector, or another configuration for one that is there. <paramref name="target"/> null: it keeps its own.</summary>
    public async Task PutAsync(string connector, IReadOnlyDictionary<string, string> config, TargetState? target)
    {
        List<(byte[], byte[]?)> records = [];
        if (target is not null)
            records.Add((TargetStateKey(connector), TargetStateValue(target.Value)));
        records.Add((ConnectorKey(connector), PropertiesValue(_seal.Seal(connector, config))));
        await _topic.WriteAsync(records);
        Publish(connector, Find(connector) is { } known
            ? known with { Config = config, Target = target ?? known.Target }
            : new StoredConnector(config, target ?? TargetState.Started, [], KnownTasks: 0) { Creation = Interlocked.Increment(ref _creations) });
    }

    public async Task PutTargetAsync(string connector, TargetState target)
    {
        // A stopped connector has no tasks: one batch says both, so that no crash leaves one without the other.
        List<(byte[], byte[]?)> records = [];
        if (target == TargetState.Stopped)
            records.Add((CommitKey(connector), CommitValue(0)));
        records.Add((TargetStateKey(connector), TargetStateValue(target)));
        await _topic.WriteAsync(records);
        var known = _connectors[connector];
        Publish(connector, target == TargetState.Stopped ? known with { Target = target, Tasks = [], Stops = known.Stops + 1 } : known with { Target = target });
    }

    public async Task PutTasksAsync(string connector, IReadOnlyList<IReadOnlyDictionary<string, string>> tasks)
    {
        List<(byte[], byte[]?)> records = [.. tasks.Select((config, i) => (TaskKey(connector, i), (byte[]?)PropertiesValue(_seal.Seal(connector, config))))];
        records.Add((CommitKey(connector), CommitValue(tasks.Count)));
        await _topic.WriteAsync(records);
        var known = _connectors[connector];
        Publish(connector, known with { Tasks = tasks, KnownTasks = Math.Max(known.KnownTasks, tasks.Count) });
    }

    public async Task DeleteAsync(string connector)
    {
        var known = _connectors[connector];
        List<(byte[], byte[]?)> records = [(ConnectorKey(connector), null), (TargetStateKey(connector), null)];
        if (known.KnownTasks > 0)
            records.Add((CommitKey(connector), null));
        records.AddRange(Enumerable.Range(0, known.KnownTasks).Select(i => (TaskKey(connector, i), (byte[]?)null)));
        await _topic.WriteAsync(records);
        _connectors.TryRemove(connector, out _);
        ImmutableInterlocked.Update(ref _names, names => names.Remove(connector));
    }

    private void Publish(string connector, StoredConnector stored)
    {
        _connectors[connector] = stored;
        ImmutableInterlocked.Update(ref _names, names => names.Add(connector));
    }

    private static byte[] ConnectorKey(string connector) => Encoding.UTF8.GetBytes(ConnectorPrefix + connector);

    private static byte[] TargetStateKey(string connector) => Encoding.UTF8.GetBytes(TargetStatePrefix + connector);

    private static byte[] CommitKey(string connector) => Encoding.UTF8.GetBytes(CommitPrefix + connector);

    private static byte[] TaskKey(string connector, int task) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{TaskPrefix}{connector}-{task}"));
}
