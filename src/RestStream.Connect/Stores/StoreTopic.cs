using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Storage.Records;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Stores;

/// <summary>
/// A compacted topic in which the worker keeps state: read to its end once, at the start, and written ever after. Partitions are chosen by Kafka's murmur2 of the key, so a topic that was copied from a
/// Kafka Connect cluster goes on where it is.
/// </summary>
internal sealed class StoreTopic
{
    private const string CleanupPolicy = "cleanup.policy";
    private const string Compact = "compact";

    private readonly IBroker _broker;
    private readonly TimeProvider _time;
    private readonly int _partitions;

    private StoreTopic(IBroker broker, TopicDescription topic, TimeProvider time) => (_broker, Name, _partitions, _time) = (broker, topic.Name, topic.Partitions.Count, time);

    /// <summary>A record with a key, in the order of its partition.</summary>
    public delegate void RecordSeen(RecordPlace place, RawRecord record);

    public string Name { get; }

    public int Partitions => _partitions;

    /// <summary>Makes the topic when it is not there (with <paramref name="partitions"/>, flushed before an answer whatever the server's default is; one that is there keeps its own), and shows every record with a key.</summary>
    /// <returns>The topic, and what could not be read because it is damaged on disk.</returns>
    /// <exception cref="ConnectException">It is there and not compacted: what is kept in it would be lost.</exception>
    public static async Task<(StoreTopic Topic, IReadOnlyList<BrokerException> Damage)> OpenAsync(
        IBroker broker, string name, int partitions, TimeProvider time, RecordSeen seen, CancellationToken cancellationToken)
    {
        var description = await EnsureAsync(broker, name, partitions, cancellationToken);
        if (description.Configs.GetValueOrDefault(CleanupPolicy) is var policy && policy != Compact)
        {
            throw new ConnectException(
                $"Topic '{name}' has {CleanupPolicy}={policy}, so records that Connect needs would be deleted in time; it needs {CleanupPolicy}={Compact}. Set that (PATCH /topics/{name}), or name another topic in the settings "
                + $"({ConnectOptions.Section}), and start again.");
        }

        var damage = new List<BrokerException>();
        foreach (var partition in description.Partitions)
            await ReadAsync(broker, new FetchPosition(new LogPartition(name, partition.Partition), partition.LogStartOffset, description.TopicId), seen, damage, cancellationToken);
        return (new StoreTopic(broker, description, time), damage);
    }

    /// <summary>Writes records; durable when it returns. Those that fall into one partition become one batch: after a crash all of them are there, or none.</summary>
    /// <exception cref="BrokerException">Nothing, or with several partitions only a part, was written.</exception>
    public async Task WriteAsync(IReadOnlyCollection<(byte[] Key, byte[]? Value)> records)
    {
        foreach (var (partition, batch) in Batches(records))
            await _broker.ProduceAsync(partition, batch);
    }

    /// <summary>The records as batches, one for each partition that they fall into, in their order; to be appended by the caller, who owns them.</summary>
    public IEnumerable<(LogPartition Partition, BatchBuffer Batch)> Batches(IReadOnlyCollection<(byte[] Key, byte[]? Value)> records)
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var partition in records.GroupBy(r => PartitionOf(r.Key)))
        {
            using var builder = new RecordBatchBuilder();
            foreach (var (key, value) in partition)
                builder.Append(now, keyIsNull: false, key, valueIsNull: value is null, value);
            yield return (partition.Key, builder.Build());
        }
    }

    /// <summary>Where records of this key stand.</summary>
    public LogPartition PartitionOf(ReadOnlySpan<byte> key) => new(Name, Partitioner.ForKey(key, _partitions));

    private static async Task<TopicDescription> EnsureAsync(IBroker broker, string name, int partitions, CancellationToken cancellationToken)
    {
        try
        {
            if (!broker.TryGetIntake(name, out _))
                return await broker.CreateTopicAsync(new TopicSpec(name, partitions, new Dictionary<string, string> { [CleanupPolicy] = Compact, [TopicConfigs.Durability] = "fsync" }), cancellationToken);
        }
        catch (BrokerException e) when (e.Code == ErrorCode.TopicAlreadyExists)
        {
            // Somebody else was faster.
        }

        return broker.DescribeTopic(name);
    }

    private static async Task ReadAsync(IBroker broker, FetchPosition start, RecordSeen seen, List<BrokerException> damage, CancellationToken cancellationToken)
    {
        using var fetch = broker.OpenFetch([start]);
        var slices = new List<EncodedSlice>();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                if (fetch.Read(RawRecordEncoder.Shared, maxRecords: 10_000, maxBytes: 4 * 1024 * 1024, slices) == 0)
                    return;
            }
            catch (BrokerException e) when (e.Code == ErrorCode.CorruptMessage)
            {
                damage.Add(e);
                fetch.Seek(0, e.Earliest);
                continue;
            }

            foreach (var slice in slices)
            {
                for (var i = slice.First; i <= slice.Last; i++)
                {
                    var record = new RawRecord(slice.Batch.Record(i).Span);
                    if (!record.KeyIsNull)
                        seen(new RecordPlace(start.Partition, slice.Batch.Offsets[i], slice.Batch.Timestamps[i]), record);
                }
            }

            await Task.Yield();
        }
    }
}

/// <summary>Where a record of a store stands, and its time (epoch ms).</summary>
internal readonly record struct RecordPlace(LogPartition Partition, long Offset, long Timestamp);
