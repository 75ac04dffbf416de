using RestStream.Storage;

namespace RestStream.Broker;

/// <summary>The one exception with which the broker refuses. The message tells the caller what to do next.</summary>
public sealed class BrokerException(ErrorCode code, string message, Exception? inner = null) : Exception(message, inner)
{
    public ErrorCode Code { get; } = code;

    /// <summary>What the refusal is about, where there is one: the topic, config key or field.</summary>
    public string? Subject { get; init; }

    /// <summary>For offset errors: the first offset that can be read; -1 else. For <see cref="ErrorCode.CorruptMessage"/> the first good one after the damage.</summary>
    public long Earliest { get; init; } = -1;

    /// <summary>For offset errors: the end (next offset to be written); -1 else.</summary>
    public long Latest { get; init; } = -1;

    public static BrokerException UnknownTopic(string topic) =>
        new(ErrorCode.UnknownTopicOrPartition, $"No topic '{topic}'. Create it with PUT /topics/{topic}.") { Subject = topic };

    public static BrokerException UnknownPartition(TopicPartition partition, int partitions) =>
        new(ErrorCode.UnknownTopicOrPartition, $"Topic '{partition.Topic}' has partitions 0 to {partitions - 1}, there is no partition {partition.Partition}.")
        {
            Subject = "partition",
        };
}
