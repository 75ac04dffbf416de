using System.Collections.Frozen;
using System.Globalization;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Topics;

/// <summary>A topic's configs, parsed: what appends check, what the log obeys, and the texts as they are shown. Immutable.</summary>
internal sealed class TopicSettings
{
    private TopicSettings(FrozenDictionary<string, string> overridden, IReadOnlyDictionary<string, string> effective)
    {
        Overridden = overridden;
        Effective = effective;
        MaxMessageBytes = TopicConfigs.Int(effective, TopicConfigs.MaxMessageBytes);
        TimestampBeforeMaxMs = TopicConfigs.Long(effective, TopicConfigs.MessageTimestampBeforeMaxMs);
        TimestampAfterMaxMs = TopicConfigs.Long(effective, TopicConfigs.MessageTimestampAfterMaxMs);
        var policies = TopicConfigDefinition.Split(effective[TopicConfigs.CleanupPolicy]);
        Compacted = policies.Contains("compact");
        Codec = effective[TopicConfigs.CompressionType] switch
        {
            "uncompressed" => CompressionCodec.None,
            "gzip" => CompressionCodec.Gzip,
            "snappy" => CompressionCodec.Snappy,
            "lz4" => CompressionCodec.Lz4,
            "zstd" => CompressionCodec.Zstd,
            _ => null,
        };
        Log = new LogConfig
        {
            SegmentBytes = TopicConfigs.Int(effective, TopicConfigs.SegmentBytes),
            SegmentMs = TopicConfigs.Long(effective, TopicConfigs.SegmentMs),
            SegmentIndexBytes = TopicConfigs.Int(effective, TopicConfigs.SegmentIndexBytes),
            IndexIntervalBytes = TopicConfigs.Int(effective, TopicConfigs.IndexIntervalBytes),
            RetentionMs = TopicConfigs.Long(effective, TopicConfigs.RetentionMs),
            RetentionBytes = Math.Max(-1, TopicConfigs.Long(effective, TopicConfigs.RetentionBytes)),
            CleanupDelete = policies.Contains("delete"),
            CleanupCompact = Compacted,
            MinCleanableDirtyRatio = TopicConfigs.Double(effective, TopicConfigs.MinCleanableDirtyRatio),
            DeleteRetentionMs = TopicConfigs.Long(effective, TopicConfigs.DeleteRetentionMs),
            MinCompactionLagMs = TopicConfigs.Long(effective, TopicConfigs.MinCompactionLagMs),
            MaxCompactionLagMs = TopicConfigs.Long(effective, TopicConfigs.MaxCompactionLagMs),
            FileDeleteDelayMs = TopicConfigs.Long(effective, TopicConfigs.FileDeleteDelayMs),
            TimestampType = effective[TopicConfigs.MessageTimestampType] == "LogAppendTime" ? TimestampType.LogAppendTime : TimestampType.CreateTime,
            Durability = DurabilityOf(effective),
            FlushMessages = TopicConfigs.Long(effective, TopicConfigs.FlushMessages),
            FlushMs = TopicConfigs.Long(effective, TopicConfigs.FlushMs),
        };
        var stampsItself = Log.TimestampType == TimestampType.LogAppendTime;
        Intake = new TopicIntake(
            Partitions: 0, MaxMessageBytes, Compressed: Codec is not (null or CompressionCodec.None), KeyRequired: Compacted,
            stampsItself ? long.MaxValue : TimestampBeforeMaxMs, stampsItself ? long.MaxValue : TimestampAfterMaxMs);
    }

    /// <summary>Those that the topic itself sets.</summary>
    public FrozenDictionary<string, string> Overridden { get; }

    /// <summary>All of them.</summary>
    public IReadOnlyDictionary<string, string> Effective { get; }

    public LogConfig Log { get; }
    public int MaxMessageBytes { get; }
    public long TimestampBeforeMaxMs { get; }
    public long TimestampAfterMaxMs { get; }

    /// <summary><c>cleanup.policy</c> names compact: every record needs a key.</summary>
    public bool Compacted { get; }

    /// <summary>The same for producers; without the partition count, which is the topic's.</summary>
    public TopicIntake Intake { get; }

    /// <summary>What batches are re-encoded with; null keeps the producer's choice.</summary>
    public CompressionCodec? Codec { get; }

    /// <summary>Parses valid configs: the topic's own before the broker-wide defaults before Kafka's.</summary>
    public static TopicSettings Create(IReadOnlyDictionary<string, string> overridden, IReadOnlyDictionary<string, string> brokerDefaults)
    {
        var effective = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var definition in TopicConfigs.All)
        {
            effective[definition.Name] = overridden.TryGetValue(definition.Name, out var value) || brokerDefaults.TryGetValue(definition.Name, out value)
                ? value.Trim()
                : definition.Default;
        }

        // Kafka never flushes by time unless told to; a topic that asks for an interval means one.
        if (effective[TopicConfigs.Durability] == "interval" && !overridden.ContainsKey(TopicConfigs.FlushMs) && !brokerDefaults.ContainsKey(TopicConfigs.FlushMs))
            effective[TopicConfigs.FlushMs] = TopicConfigs.IntervalFlushMs.ToString(CultureInfo.InvariantCulture);
        return new TopicSettings(overridden.ToFrozenDictionary(c => c.Key, c => c.Value.Trim(), StringComparer.Ordinal), effective.AsReadOnly());
    }

    private static Durability DurabilityOf(IReadOnlyDictionary<string, string> effective) => effective[TopicConfigs.Durability] switch
    {
        // A flush after every record is what fsync means, and that way a group shares it.
        "interval" when TopicConfigs.Long(effective, TopicConfigs.FlushMessages) == 1 => Durability.Fsync,
        "interval" => Durability.Interval,
        "os" => Durability.Os,
        _ => Durability.Fsync,
    };
}
