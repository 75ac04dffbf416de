using RestStream.Broker;
using RestStream.Storage;

namespace RestStream.Connect.Stores;

/// <summary>
/// Source offsets in the compacted topic <c>connect-offsets</c>: key <c>["connector",{partition}]</c>, value <c>{offset}</c>, null = reset, partition by Kafka's murmur2 of the key. All of them are in memory. Safe on any thread.
/// </summary>
internal sealed class OffsetStore
{
    /// <summary>Makes the topic when it is not there and reads it to its end.</summary>
    public static Task<OffsetStore> OpenAsync(IBroker broker, ConnectOptions options, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>The offset of one source partition; null when there is none. Integers are <see cref="long"/>.</summary>
    public IReadOnlyDictionary<string, object?>? Find(string connector, IReadOnlyDictionary<string, object?> partition) => throw new NotImplementedException();

    /// <summary>All of a connector, in the order in which they were first stored.</summary>
    public IReadOnlyList<(IReadOnlyDictionary<string, object?> Partition, IReadOnlyDictionary<string, object?> Offset)> All(string connector) => throw new NotImplementedException();

    /// <summary>Stores them alone; durable when it returns. A null offset: reset.</summary>
    public Task StoreAsync(string connector, IReadOnlyList<(IReadOnlyDictionary<string, object?> Partition, IReadOnlyDictionary<string, object?>? Offset)> offsets, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Appends records and offsets as one unit: after any crash both are there, or neither. Takes ownership of the batches.</summary>
    public Task StoreWithAsync(
        string connector, IReadOnlyList<(IReadOnlyDictionary<string, object?> Partition, IReadOnlyDictionary<string, object?>? Offset)> offsets,
        IReadOnlyList<(RestStream.Storage.TopicPartition Partition, RestStream.Storage.Records.BatchBuffer Batch)> records, CancellationToken cancellationToken) => throw new NotImplementedException();
}
