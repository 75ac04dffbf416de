namespace RestStream.Broker.Topics;

/// <summary>What a topic should be. <paramref name="Partitions"/> null = the default; config keys and values as Kafka writes them.</summary>
public sealed record TopicSpec(string Name, int? Partitions, IReadOnlyDictionary<string, string> Configs);

/// <summary>A change: partition count only up; a null config value means back to the default.</summary>
public sealed record TopicChange(int? Partitions, IReadOnlyDictionary<string, string?> Configs);

/// <summary>A topic as it is now. <paramref name="Configs"/> are the effective ones, <paramref name="OverriddenConfigs"/> those that were set.</summary>
public sealed record TopicDescription(
    string Name, Guid TopicId, DateTimeOffset Created, bool Internal,
    IReadOnlyDictionary<string, string> Configs, IReadOnlyDictionary<string, string> OverriddenConfigs, IReadOnlyList<PartitionDescription> Partitions)
{
    /// <summary>The id as Kafka writes it: base64url, 22 characters.</summary>
    public string TopicIdText => Convert.ToBase64String(TopicId.ToByteArray(bigEndian: true)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}

public sealed record PartitionDescription(int Partition, long LogStartOffset, long HighWatermark, long Bytes, int LeaderEpoch);
