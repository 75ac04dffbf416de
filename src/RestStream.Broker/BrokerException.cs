using RestStream.Broker.Topics;
using RestStream.Storage;

namespace RestStream.Broker;

/// <summary>The one exception with which the broker refuses. The message tells the caller what to do next.</summary>
public sealed class BrokerException(ErrorCode code, string message, Exception? inner = null) : Exception(message, inner)
{
    public ErrorCode Code { get; } = code;

    /// <summary>What the refusal is about, where there is one: the topic, config key or field.</summary>
    public string? Subject { get; init; }

    /// <summary>The partition that an error of a read or append is about, where there is one.</summary>
    public TopicPartition? Partition { get; init; }

    /// <summary>For offset errors: the first offset that can be read; -1 else. For <see cref="ErrorCode.CorruptMessage"/> the first good one after the damage.</summary>
    public long Earliest { get; init; } = -1;

    /// <summary>For offset errors: the end (next offset to be written); -1 else.</summary>
    public long Latest { get; init; } = -1;

    /// <summary>For errors of an idempotent producer: its epoch in the partition; -1 else.</summary>
    public short ProducerEpoch { get; init; } = -1;

    /// <summary>For <see cref="ErrorCode.OutOfOrderSequenceNumber"/>: the sequence that would have been right; -1 else.</summary>
    public int ExpectedSequence { get; init; } = -1;

    public static BrokerException UnknownTopic(string topic) =>
        TopicNames.FindProblem(topic) is { } problem
            ? new(ErrorCode.InvalidTopic, problem) { Subject = "topic" }
            : new(ErrorCode.UnknownTopicOrPartition, $"No topic '{topic}'. Create it with PUT /topics/{topic}.") { Subject = topic };

    public static BrokerException UnknownPartition(TopicPartition partition, int partitions) =>
        new(ErrorCode.UnknownTopicOrPartition, $"Topic '{partition.Topic}' has partitions 0 to {partitions - 1}, there is no partition {partition.Partition}.")
        {
            Subject = "partition",
            Partition = partition,
        };

    internal static BrokerException OffsetOutOfRange(TopicPartition partition, long offset, long earliest, long latest) =>
        new(
            ErrorCode.OffsetOutOfRange,
            offset < earliest
                ? $"Offset {offset} of {partition} is gone: the first one kept is {earliest}. Go on from there."
                : $"Offset {offset} of {partition} is beyond its end {latest}.")
        {
            Subject = "offset",
            Partition = partition,
            Earliest = earliest,
            Latest = latest,
        };

    /// <summary>What the log's refusal means to a client of the broker.</summary>
    internal static BrokerException From(StorageException error, TopicPartition partition, PartitionLog log) => error.Error switch
    {
        StorageError.DiskFull => new(ErrorCode.DiskFull, "The disk is full: nothing was written. Free space or delete old data; reading goes on.", error) { Partition = partition },
        StorageError.Overloaded => new(ErrorCode.ThrottlingQuotaExceeded, error.Message, error) { Partition = partition },
        StorageError.WritesStopped or StorageError.Unavailable => new(ErrorCode.KafkaStorageError, error.Message, error) { Partition = partition },
        StorageError.OffsetOutOfRange => OffsetOutOfRange(partition, error.Offset, log.LogStartOffset, log.HighWatermark),
        StorageError.DamagedRange => Damaged(partition, error.Offset, error.Message, error),
        StorageError.OffsetMismatch => new(ErrorCode.OffsetMismatch, $"The next offset of {partition} is {error.Offset}, not the one the request demands.", error)
        {
            Subject = "offset",
            Partition = partition,
            Earliest = log.LogStartOffset,
            Latest = error.Offset,
        },
        StorageError.OutOfOrderSequence => new(ErrorCode.OutOfOrderSequenceNumber, $"{error.Message} Send what is missing first, or begin again under a new epoch (POST /producers).", error)
        {
            Partition = partition,
            ProducerEpoch = error.ProducerEpoch,
            ExpectedSequence = error.ExpectedSequence,
        },
        StorageError.StaleProducerEpoch => new(ErrorCode.InvalidProducerEpoch, $"{error.Message} Stop, or get a producer id of your own (POST /producers).", error)
        {
            Partition = partition,
            ProducerEpoch = error.ProducerEpoch,
        },
        StorageError.PartitionDeleted => UnknownTopic(partition.Topic),
        _ => new(ErrorCode.UnknownServerError, error.Message, error) { Partition = partition },
    };

    internal static BrokerException Damaged(TopicPartition partition, long firstGoodOffset, string reason, Exception error) =>
        new(ErrorCode.CorruptMessage, $"Records of {partition} are damaged on disk ({reason}). The next good offset is {firstGoodOffset}.", error)
        {
            Partition = partition,
            Earliest = firstGoodOffset,
        };
}
