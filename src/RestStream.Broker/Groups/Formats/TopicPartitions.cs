using RestStream.Storage;

namespace RestStream.Broker.Groups.Formats;

/// <summary>Partitions of one topic, the unit in which subscriptions and assignments list what is owned.</summary>
internal sealed record TopicPartitions(string Topic, IReadOnlyList<int> Partitions)
{
    /// <summary>A topic of no bytes without partitions: its two lengths.</summary>
    private const int LeastBytes = 6;

    /// <summary>By topic, in the order of topic (ordinal) and partition.</summary>
    public static IReadOnlyList<TopicPartitions> From(IEnumerable<TopicPartition> partitions) =>
        [.. partitions.GroupBy(p => p.Topic, p => p.Partition, (topic, numbers) => new TopicPartitions(topic, [.. numbers.Order()])).OrderBy(t => t.Topic, StringComparer.Ordinal)];

    /// <summary>One by one, in the order given.</summary>
    public static IReadOnlyList<TopicPartition> Flatten(IReadOnlyList<TopicPartitions> topics) => [.. topics.SelectMany(t => t.Partitions.Select(p => new TopicPartition(t.Topic, p)))];

    public static void Write(MessageWriter writer, IReadOnlyList<TopicPartitions> topics)
    {
        writer.Int32(topics.Count);
        foreach (var (topic, partitions) in topics)
        {
            writer.String(topic).Int32(partitions.Count);
            foreach (var partition in partitions)
                writer.Int32(partition);
        }
    }

    public static IReadOnlyList<TopicPartitions> Read(ref MessageReader reader, string field)
    {
        var topics = new TopicPartitions[reader.Count(LeastBytes, field)];
        for (var i = 0; i < topics.Length; i++)
        {
            var topic = reader.String("topic");
            var partitions = new int[reader.Count(sizeof(int), "partitions")];
            for (var j = 0; j < partitions.Length; j++)
                partitions[j] = reader.Int32("partition");
            topics[i] = new TopicPartitions(topic, partitions);
        }
        return topics;
    }
}
