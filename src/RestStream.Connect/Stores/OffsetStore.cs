using RestStream.Broker;
using RestStream.Storage.Records;
using LogPartition = RestStream.Storage.TopicPartition;
using PartitionAndOffset = (System.Collections.Generic.IReadOnlyDictionary<string, object?> Partition, System.Collections.Generic.IReadOnlyDictionary<string, object?>? Offset);

namespace RestStream.Connect.Stores;

/// <summary>
/// Source offsets in the compacted topic <c>connect-offsets</c>: key <c>["connector",{partition}]</c>, value <c>{offset}</c>, null = reset, partition by Kafka's murmur2 of the key. All of them are in memory. Safe on any thread.
/// <para>
/// What is in memory is durable: it moves only after the append. Partitions are the same whatever the order of their fields (<see cref="SourcePartitionComparer"/>); a key that is in the log already is written again
/// byte for byte, so that compaction sees one key.
/// </para>
/// </summary>
internal sealed class OffsetStore
{
    private readonly IBroker _broker;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, OrderedDictionary<IReadOnlyDictionary<string, object?>, Entry>> _connectors = new(StringComparer.Ordinal);

    private StoreTopic _topic = null!;

    private OffsetStore(IBroker broker, TimeProvider time) => (_broker, _time) = (broker, time);

    /// <summary>Makes the topic when it is not there and reads it to its end.</summary>
    /// <exception cref="BrokerException"><see cref="ErrorCode.CorruptMessage"/>: records are damaged. Places that are not known to be the last ones are not used.</exception>
    public static async Task<OffsetStore> OpenAsync(IBroker broker, ConnectOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var store = new OffsetStore(broker, time);
        var newest = new Dictionary<string, (Change Change, RecordPlace Place)>(StringComparer.Ordinal);
        (store._topic, var damage) = await StoreTopic.OpenAsync(broker, options.OffsetTopic, options.OffsetTopicPartitions, time, (place, record) =>
        {
            var key = record.Key.ToArray();
            newest[Convert.ToBase64String(key)] = (new Change(key, record.CopyValue()?.ToArray()), place);
        }, cancellationToken);
        if (damage.Count > 0)
            throw damage[0];

        // Order over the partitions of the topic is not known but by time.
        foreach (var (change, place) in newest.Values.OrderBy(n => n.Place.Timestamp))
        {
            if (OffsetJson.ReadKey(change.Key) is { } key)
                store.Apply(key.Connector, change, place.Offset, place.Timestamp);
        }

        return store;
    }

    /// <summary>The offset of one source partition; null when there is none. Integers are <see cref="long"/>.</summary>
    public IReadOnlyDictionary<string, object?>? Find(string connector, IReadOnlyDictionary<string, object?> partition)
    {
        lock (_lock)
            return _connectors.TryGetValue(connector, out var entries) && entries.TryGetValue(partition, out var entry) ? entry.Offset : null;
    }

    /// <summary>All of a connector, in the order in which they were first stored.</summary>
    public IReadOnlyList<(IReadOnlyDictionary<string, object?> Partition, IReadOnlyDictionary<string, object?> Offset)> All(string connector)
    {
        lock (_lock)
            return _connectors.TryGetValue(connector, out var entries) ? [.. entries.Values.Where(e => e.Offset is not null).Select(e => (e.Partition, e.Offset!))] : [];
    }

    /// <summary>Stores them alone; durable when it returns. A null offset: reset.</summary>
    public Task StoreAsync(string connector, IReadOnlyList<PartitionAndOffset> offsets, CancellationToken cancellationToken) => StoreWithAsync(connector, offsets, [], cancellationToken);

    /// <summary>Appends records and offsets as one unit: after any crash both are there, or neither. Takes ownership of the batches.</summary>
    public async Task StoreWithAsync(
        string connector, IReadOnlyList<PartitionAndOffset> offsets, IReadOnlyList<(LogPartition Partition, BatchBuffer Batch)> records, CancellationToken cancellationToken)
    {
        var parts = new List<(LogPartition Partition, BatchBuffer Batch)>(records.Count + offsets.Count);
        parts.AddRange(records);
        List<Change> changes;
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            changes = [.. offsets.Select(o => new Change(KeyOf(connector, o.Partition) ?? OffsetJson.WriteKey(connector, o.Partition), o.Offset is null ? null : OffsetJson.WriteValue(o.Offset)))];
            foreach (var batch in _topic.Batches([.. changes.Select(c => (c.Key, c.Value))]))
                parts.Add(batch);
        }
        catch
        {
            foreach (var (_, batch) in parts)
                batch.Dispose();
            throw;
        }

        if (parts.Count == 0)
            return;

        // Not cancelled from here on: what is on its way to the disk may be there, and then memory must say so.
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        var results = await _broker.ProduceAtomicAsync(parts);
        var next = Enumerable.Range(records.Count, parts.Count - records.Count).ToDictionary(i => parts[i].Partition, i => results[i].BaseOffset);
        lock (_lock)
        {
            foreach (var change in changes)
                Apply(connector, change, next[_topic.PartitionOf(change.Key)]++, now);
        }
    }

    private byte[]? KeyOf(string connector, IReadOnlyDictionary<string, object?> partition)
    {
        lock (_lock)
            return _connectors.TryGetValue(connector, out var entries) && entries.TryGetValue(partition, out var entry) ? entry.Key : null;
    }

    /// <summary>Values are parsed from their bytes, so that what a task is told does not depend on whether the worker was restarted since.</summary>
    private void Apply(string connector, Change change, long position, long timestamp)
    {
        if (!_connectors.TryGetValue(connector, out var entries))
            _connectors[connector] = entries = new(SourcePartitionComparer.Instance);
        var partition = OffsetJson.ReadKey(change.Key)!.Value.Partition;
        if (!entries.TryGetValue(partition, out var entry))
            entries[partition] = entry = new Entry(partition);
        else if (entry.Key.AsSpan().SequenceEqual(change.Key) ? position <= entry.Position : timestamp < entry.Timestamp)
            return;

        (entry.Key, entry.Position, entry.Timestamp) = (change.Key, position, timestamp);
        var offset = change.Value is null ? null : OffsetJson.ReadValue(change.Value);
        if (offset is not null && entry.Offset is null)
        {
            // Stored anew after a reset: its place is at the end.
            entries.Remove(partition);
            entries[partition] = entry;
        }

        entry.Offset = offset;
    }

    /// <summary>One record of the topic.</summary>
    private readonly record struct Change(byte[] Key, byte[]? Value);

    /// <summary>What is stored of one source partition; without offset after a reset.</summary>
    private sealed class Entry(IReadOnlyDictionary<string, object?> partition)
    {
        public IReadOnlyDictionary<string, object?> Partition { get; } = partition;
        public byte[] Key { get; set; } = [];
        public IReadOnlyDictionary<string, object?>? Offset { get; set; }
        public long Position { get; set; } = -1;
        public long Timestamp { get; set; } = long.MinValue;
    }
}
