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

public sealed record PartitionDescription(int Partition, long LogStartOffset, long HighWatermark, long Bytes, int LeaderEpoch)
{
    /// <summary>Set where offsets may be missing.</summary>
    internal Func<long>? Counter { get; init; }

    /// <summary>Records that can be read. Counted when asked, where compaction left gaps: that reads headers the first time.</summary>
    public long CountRecords() => Counter?.Invoke() ?? HighWatermark - LogStartOffset;
}

/// <summary>
/// What a topic asks of records, so that a producer can refuse a single bad one before it spoils its batch.
/// </summary>
/// <param name="Partitions">Number of partitions.</param>
/// <param name="MaxMessageBytes"><c>max.message.bytes</c>: largest batch, after compression.</param>
/// <param name="Compressed">Batches are compressed by the broker, so a batch larger than <paramref name="MaxMessageBytes"/> may still fit.</param>
/// <param name="KeyRequired">The topic is compacted.</param>
/// <param name="TimestampBeforeMaxMs">How far behind the broker's clock a timestamp may lie; <see cref="long.MaxValue"/> = any.</param>
/// <param name="TimestampAfterMaxMs">How far before the broker's clock a timestamp may lie.</param>
public readonly record struct TopicIntake(
    int Partitions, int MaxMessageBytes, bool Compressed, bool KeyRequired, long TimestampBeforeMaxMs, long TimestampAfterMaxMs)
{
    /// <summary>Numbers of partitions that the topic had before, as far as it grew since the server was started: keys belonged to other partitions then.</summary>
    public IReadOnlyList<int> EarlierPartitions
    {
        get => field ?? [];
        init;
    }
}
