using System.Collections.Frozen;
using RestStream.Broker.Fetching;
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

    /// <summary>
    /// Reads all records of one partition, oldest first. Damaged batches are reported to <paramref name="damaged"/> (and by the log to health) and passed over;
    /// so is a record whose type is not known, silently.
    /// </summary>
    public static void Read(Partition partition, GroupRecordHandler handle, Action<string> damaged)
    {
        var log = partition.Log;
        using var buffer = BatchBuffer.Rent(1024 * 1024);
        var offset = log.LogStartOffset;
        while (offset < log.HighWatermark)
        {
            buffer.Length = 0;
            try
            {
                log.Read(offset, 1024 * 1024, buffer);
                if (buffer.Length == 0)
                    break;
                foreach (var batch in new BatchWalker(buffer.Span, offset))
                {
                    Read(batch, handle);
                    offset = batch.Next;
                }
            }
            catch (StorageException e) when (e.Error == StorageError.DamagedRange && e.Offset > offset)
            {
                damaged(e.Message);
                offset = e.Offset;
            }
            catch (DamagedBatchException e)
            {
                e.Report(log);
                damaged($"{partition.Id}: {e.Message}");
                offset = Math.Max(offset + 1, e.Range.To);
            }
        }
    }

    private static void Read(BatchAt batch, GroupRecordHandler handle)
    {
        if (!RecordBatch.IsCrcValid(batch.Bytes))
            throw new DamagedBatchException(batch.ToDamage("the checksum is wrong"));
        try
        {
            using var reader = new RecordReader(batch.Bytes);

            // Offsets that a transaction of Kafka's committed stand in batches of their own, with a marker behind; this broker writes none.
            if (reader.Header.IsControl)
                return;
            while (reader.MoveNext())
            {
                var record = reader.Current;
                if (record.Key.Length >= sizeof(short) && GroupRecordKey.TryParse(record.Key, out var key))
                    handle(key, record.ValueIsNull, record.Value);
            }
        }
        catch (Exception e) when (e is CorruptBatchException or CorruptGroupRecordException)
        {
            throw new DamagedBatchException(batch.ToDamage(e.Message), e);
        }
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

/// <summary>One record of the topic; a deleted one has a null value.</summary>
internal delegate void GroupRecordHandler(GroupRecordKey key, bool deleted, ReadOnlySpan<byte> value);
