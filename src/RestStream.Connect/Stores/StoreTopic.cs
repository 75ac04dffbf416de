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
    private readonly IBroker _broker;
    private readonly TimeProvider _time;
    private readonly int _partitions;

    private StoreTopic(IBroker broker, string name, int partitions, TimeProvider time) => (_broker, Name, _partitions, _time) = (broker, name, partitions, time);

    /// <summary>A record of the topic, in the order of its partition; a null <paramref name="value"/> is a tombstone.</summary>
    public delegate void RecordSeen(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte>? value);

    public string Name { get; }

    /// <summary>Makes the topic when it is not there (with <paramref name="partitions"/>; one that is there keeps its own), and shows every record with a key.</summary>
    /// <returns>The topic, and what could not be read because it is damaged on disk.</returns>
    public static async Task<(StoreTopic Topic, IReadOnlyList<string> Damage)> OpenAsync(
        IBroker broker, string name, int partitions, TimeProvider time, RecordSeen seen, CancellationToken cancellationToken)
    {
        var description = await StoredTopic.EnsureAsync(broker, name, partitions, new Dictionary<string, string> { ["cleanup.policy"] = "compact" }, cancellationToken);
        var damage = new List<string>();
        foreach (var partition in description.Partitions)
            await ReadAsync(broker, new FetchPosition(new LogPartition(name, partition.Partition), partition.LogStartOffset), seen, damage, cancellationToken);
        return (new StoreTopic(broker, name, description.Partitions.Count, time), damage);
    }

    /// <summary>Writes records; durable when it returns. Those that fall into one partition become one batch: after a crash all of them are there, or none.</summary>
    /// <exception cref="BrokerException">Nothing, or with several partitions only a part, was written.</exception>
    public async Task WriteAsync(IReadOnlyCollection<(byte[] Key, byte[]? Value)> records)
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var partition in records.GroupBy(r => Partitioner.ForKey(r.Key, _partitions)))
        {
            using var builder = new RecordBatchBuilder();
            foreach (var (key, value) in partition)
                builder.Append(now, keyIsNull: false, key, valueIsNull: value is null, value);
            await _broker.ProduceAsync(new LogPartition(Name, partition.Key), builder.Build());
        }
    }

    private static async Task ReadAsync(IBroker broker, FetchPosition start, RecordSeen seen, List<string> damage, CancellationToken cancellationToken)
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
                damage.Add(e.Message);
                fetch.Seek(0, e.Earliest);
                continue;
            }

            foreach (var slice in slices)
            {
                for (var i = slice.First; i <= slice.Last; i++)
                {
                    var record = new RawRecord(slice.Batch.Record(i).Span);
                    if (!record.KeyIsNull)
                        seen(record.Key.ToArray(), record.ValueIsNull ? (ReadOnlyMemory<byte>?)null : record.Value.ToArray());
                }
            }

            await Task.Yield();
        }
    }
}
