using System.Collections.Frozen;
using RestStream.Broker.Groups.Formats;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Groups;

/// <summary>
/// The internal topic <see cref="TopicNames.ConsumerOffsets"/>, in Kafka's format: every group's generations and committed offsets, compacted.
/// Made when the first group needs it; written by the coordinator only.
/// </summary>
internal sealed class OffsetsTopic(EmbeddedBroker broker, LogDirectory directory, GroupOptions options)
{
    private readonly Lock _lock = new();
    private Task<Topic>? _opening;

    /// <summary>Kafka's configs of the topic. Small segments, because only closed ones are compacted and a start reads all of them.</summary>
    public static FrozenDictionary<string, string> Configs { get; } = new Dictionary<string, string>
    {
        [TopicConfigs.CleanupPolicy] = "compact",
        [TopicConfigs.CompressionType] = "producer",
        [TopicConfigs.SegmentBytes] = "104857600",
        [TopicConfigs.Durability] = "fsync",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The topic, made if it is not there.</summary>
    /// <exception cref="BrokerException">It cannot be made: no room, no partitions left.</exception>
    public ValueTask<Topic> OpenAsync()
    {
        var opening = Volatile.Read(ref _opening);
        return opening is { IsCompletedSuccessfully: true } ? new(opening.Result) : new(StartOpening());
    }

    /// <summary>Which partition keeps the group.</summary>
    public static Partition PartitionOf(Topic topic, string group) => topic.Partitions[GroupPartition.Of(group, topic.Partitions.Length)];

    /// <summary>
    /// Queues a batch; the order of calls is the order in the log. Takes the builder's records.
    /// </summary>
    public ValueTask<AppendResult> AppendAsync(Partition partition, RecordBatchBuilder records)
    {
        var count = records.Count;
        var batch = records.Build();
        partition.Counters.In(count, batch.Length);
        return directory.AppendAsync(partition.Log, batch);
    }

    private Task<Topic> StartOpening()
    {
        lock (_lock)
        {
            if (_opening is null or { IsFaulted: true } or { IsCanceled: true })
                Volatile.Write(ref _opening, broker.OpenOffsetsTopicAsync(options.OffsetsTopicPartitions));
            return _opening!;
        }
    }
}
