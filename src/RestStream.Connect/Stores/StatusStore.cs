using System.Collections.Concurrent;
using RestStream.Broker;
using RestStream.Connect.Model;
using static RestStream.Connect.Stores.StatusRecords;

namespace RestStream.Connect.Stores;

/// <summary>A status as it is stored: Kafka's JSON <c>{"state","trace","worker_id","generation","version"}</c>.</summary>
internal sealed record StoredStatus(WorkState State, string? Trace, string WorkerId, int Generation, string? Version);

/// <summary>
/// Statuses and active topics in the compacted topic <c>connect-status</c> with Kafka's keys (<c>status-connector-N</c>, <c>status-task-N-i</c>, <c>status-topic-T:connector-N</c>). In memory as well. Safe on any thread.
/// Writes are queued and not waited for: a status is what the worker shows now, and a start sets it anew. What the log refuses (a full disk) stays in the queue and goes with the next write.
/// </summary>
internal sealed class StatusStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ConnectorStatuses> _connectors = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Connector, string Topic), byte> _usedTopics = new();
    private readonly TimeProvider _time;
    private StoreTopic? _topic;

    // Newest value per key; what is written before a newer one came need not be written.
    private Dictionary<string, byte[]?> _queue = [];
    private Task _writing = Task.CompletedTask;

    // Not the same as a task that is not completed: the writer that found the queue empty sees nothing that comes then.
    private bool _isWriting;
    private int _generation;

    private StatusStore(TimeProvider time) => _time = time;

    /// <summary>Counts the workers that wrote here, one after the other; Kafka counts the generations of the worker's group.</summary>
    public int Generation => _generation + 1;

    public static async Task<StatusStore> OpenAsync(IBroker broker, ConnectOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var store = new StatusStore(time);

        // Damaged records are passed over: every status is set anew by the start that follows, and topics show up again when they are used.
        (store._topic, _) = await StoreTopic.OpenAsync(broker, options.StatusTopic, options.StatusTopicPartitions, time, store.Apply, cancellationToken);
        return store;
    }

    /// <summary>All that something is known of.</summary>
    public IReadOnlyList<string> Connectors
    {
        get
        {
            lock (_lock)
                return [.. _connectors.Keys];
        }
    }

    public StoredStatus? Connector(string connector)
    {
        lock (_lock)
            return _connectors.GetValueOrDefault(connector)?.Connector;
    }

    public IReadOnlyDictionary<int, StoredStatus> Tasks(string connector)
    {
        lock (_lock)
            return _connectors.TryGetValue(connector, out var statuses) ? new Dictionary<int, StoredStatus>(statuses.Tasks) : new Dictionary<int, StoredStatus>();
    }

    public void Put(string connector, StoredStatus? status)
    {
        lock (_lock)
        {
            Of(connector).Connector = status;
            Enqueue(ConnectorKey(connector), status is null ? null : Value(status));
        }
    }

    public void Put(string connector, int task, StoredStatus? status)
    {
        lock (_lock)
        {
            if (status is null)
                Of(connector).Tasks.Remove(task);
            else
                Of(connector).Tasks[task] = status;
            Enqueue(TaskKey(connector, task), status is null ? null : Value(status));
        }
    }

    /// <summary>Topics that the connector wrote to or read from since the last reset.</summary>
    public IReadOnlyList<string> ActiveTopics(string connector)
    {
        lock (_lock)
            return _connectors.TryGetValue(connector, out var statuses) ? [.. statuses.Topics] : [];
    }

    /// <summary>A task used this topic. Cheap when it is known.</summary>
    public void TopicUsed(string connector, int task, string topic)
    {
        if (!_usedTopics.TryAdd((connector, topic), 0))
            return;
        lock (_lock)
        {
            // A reset that came in between has taken the mark away again: then the next record adds the topic.
            if (_usedTopics.ContainsKey((connector, topic)) && Of(connector).Topics.Add(topic))
                Enqueue(TopicKey(connector, topic), TopicValue(connector, task, topic, _time.GetUtcNow().ToUnixTimeMilliseconds()));
        }
    }

    public void ForgetTopics(string connector)
    {
        lock (_lock)
        {
            if (!_connectors.TryGetValue(connector, out var statuses))
                return;
            foreach (var topic in statuses.Topics)
            {
                _usedTopics.TryRemove((connector, topic), out _);
                Enqueue(TopicKey(connector, topic), null);
            }

            statuses.Topics.Clear();
        }
    }

    /// <summary>Everything that is queued is in the log.</summary>
    /// <exception cref="BrokerException">The log takes nothing.</exception>
    public async Task FlushAsync()
    {
        while (true)
        {
            Task writing;
            lock (_lock)
            {
                if (_queue.Count == 0 && !_isWriting)
                    return;
                Write();
                writing = _writing;
            }

            await writing;
        }
    }

    private ConnectorStatuses Of(string connector)
    {
        if (!_connectors.TryGetValue(connector, out var statuses))
            _connectors.Add(connector, statuses = new ConnectorStatuses());
        return statuses;
    }

    /// <summary>Under the lock.</summary>
    private void Enqueue(string key, byte[]? value)
    {
        _queue[key] = value;
        Write();
    }

    /// <summary>Under the lock.</summary>
    private void Write()
    {
        if (_isWriting)
            return;
        _isWriting = true;
        _writing = WriteAsync();
    }

    private async Task WriteAsync()
    {
        // Off the caller's thread, which holds the lock, and gathering what comes meanwhile.
        await Task.Yield();
        while (true)
        {
            Dictionary<string, byte[]?> batch;
            lock (_lock)
            {
                if (_queue.Count == 0)
                {
                    _isWriting = false;
                    return;
                }

                (batch, _queue) = (_queue, []);
            }

            try
            {
                await _topic!.WriteAsync([.. batch.Select(e => (KeyBytes(e.Key), e.Value))]);
            }
            catch
            {
                lock (_lock)
                {
                    foreach (var (key, value) in batch)
                        _queue.TryAdd(key, value);
                    _isWriting = false;
                }

                throw;
            }
        }
    }

    private void Apply(RecordPlace place, RawRecord record)
    {
        var value = record.CopyValue();
        switch (ReadKey(record.Key.ToArray()))
        {
            case { Kind: StatusKind.Connector } key:
                Of(key.Connector).Connector = Note(ReadStatus(value));
                break;
            case { Kind: StatusKind.Task } key when Note(ReadStatus(value)) is { } status:
                Of(key.Connector).Tasks[key.Task] = status;
                break;
            case { Kind: StatusKind.Task } key:
                Of(key.Connector).Tasks.Remove(key.Task);
                break;
            case { Kind: StatusKind.Topic } key when value is not null:
                Of(key.Connector).Topics.Add(key.Topic);
                _usedTopics[(key.Connector, key.Topic)] = 0;
                break;
            case { Kind: StatusKind.Topic } key:
                Of(key.Connector).Topics.Remove(key.Topic);
                _usedTopics.TryRemove((key.Connector, key.Topic), out _);
                break;
        }
    }

    private StoredStatus? Note(StoredStatus? status)
    {
        _generation = Math.Max(_generation, status?.Generation ?? 0);
        return status;
    }

    private sealed class ConnectorStatuses
    {
        public StoredStatus? Connector { get; set; }
        public Dictionary<int, StoredStatus> Tasks { get; } = [];
        public SortedSet<string> Topics { get; } = new(StringComparer.Ordinal);
    }
}
