using System.Collections.Frozen;
using System.Globalization;

namespace RestStream.Broker.Topics;

/// <summary>All topic configs of Kafka 4.3 with its types, defaults and rules, and our own <see cref="Durability"/>.</summary>
public static class TopicConfigs
{
    /// <summary>Ours: when an acknowledged record is on disk.</summary>
    public const string Durability = "reststream.durability";
    public const string CleanupPolicy = "cleanup.policy";
    public const string CompressionType = "compression.type";
    public const string DeleteRetentionMs = "delete.retention.ms";
    public const string FileDeleteDelayMs = "file.delete.delay.ms";
    public const string FlushMessages = "flush.messages";
    public const string FlushMs = "flush.ms";
    public const string IndexIntervalBytes = "index.interval.bytes";
    public const string MaxCompactionLagMs = "max.compaction.lag.ms";
    public const string MaxMessageBytes = "max.message.bytes";
    public const string MessageTimestampAfterMaxMs = "message.timestamp.after.max.ms";
    public const string MessageTimestampBeforeMaxMs = "message.timestamp.before.max.ms";
    public const string MessageTimestampType = "message.timestamp.type";
    public const string MinCleanableDirtyRatio = "min.cleanable.dirty.ratio";
    public const string MinCompactionLagMs = "min.compaction.lag.ms";
    public const string RemoteStorageEnable = "remote.storage.enable";
    public const string RetentionBytes = "retention.bytes";
    public const string RetentionMs = "retention.ms";
    public const string SegmentBytes = "segment.bytes";
    public const string SegmentIndexBytes = "segment.index.bytes";
    public const string SegmentMs = "segment.ms";

    /// <summary>Longest an interval topic stays unflushed when <c>flush.ms</c> is not set: Kafka would wait for ever.</summary>
    internal const long IntervalFlushMs = 1000;

    private const string Never = "9223372036854775807";

    /// <summary>Every config, by name in ordinal order.</summary>
    public static IReadOnlyList<TopicConfigDefinition> All { get; } =
    [
        List(CleanupPolicy, "delete", "log.cleanup.policy", true, ["compact", "delete"], "a list of: compact, delete (empty keeps everything for ever)",
            "What happens to old segments: deleted by retention, compacted to the last record of each key, or both."),
        Number(TopicConfigType.Int, "compression.gzip.level", "-1", "compression.gzip.level", false, 1, 9, "Level of gzip; the fastest is used whatever is set.") with
        {
            Also = -1,
            Allowed = "a whole number from 1 to 9, or -1",
        },
        Number(TopicConfigType.Int, "compression.lz4.level", "9", "compression.lz4.level", false, 1, 17, "Level of lz4; the fastest is used whatever is set."),
        Choice(CompressionType, "producer", "compression.type", true, ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"],
            "Codec of the batches on disk; producer keeps what the producer chose."),
        Number(TopicConfigType.Int, "compression.zstd.level", "3", "compression.zstd.level", false, -131072, 22, "Level of zstd; the library's default is used whatever is set."),
        Number(TopicConfigType.Long, DeleteRetentionMs, "86400000", "log.cleaner.delete.retention.ms", true, 0, double.PositiveInfinity,
            "How long compaction keeps a tombstone after it first came upon it."),
        Number(TopicConfigType.Long, FileDeleteDelayMs, "60000", "log.segment.delete.delay.ms", true, 0, double.PositiveInfinity,
            "How long files wait between being taken out of the log and leaving the disk."),
        Number(TopicConfigType.Long, FlushMessages, Never, "log.flush.interval.messages", true, 1, double.PositiveInfinity,
            "With reststream.durability=interval: records after which the log is flushed; 1 is the same as fsync."),
        Number(TopicConfigType.Long, FlushMs, Never, "log.flush.interval.ms", true, 0, double.PositiveInfinity,
            "With reststream.durability=interval: longest time that records stay unflushed; 1000 there unless set."),
        List("follower.replication.throttled.replicas", "", null, false, [], "a list of replicas", "There are no replicas here."),
        Number(TopicConfigType.Int, IndexIntervalBytes, "4096", "log.index.interval.bytes", true, 0, double.PositiveInfinity,
            "Bytes of log between two entries of the offset index."),
        List("leader.replication.throttled.replicas", "", null, false, [], "a list of replicas", "There are no replicas here."),
        Number(TopicConfigType.Long, "local.retention.bytes", "-2", "log.local.retention.bytes", false, -2, double.PositiveInfinity, "Tiered storage only."),
        Number(TopicConfigType.Long, "local.retention.ms", "-2", "log.local.retention.ms", false, -2, double.PositiveInfinity, "Tiered storage only."),
        Number(TopicConfigType.Long, MaxCompactionLagMs, Never, "log.cleaner.max.compaction.lag.ms", true, 1, double.PositiveInfinity,
            "Longest a record stays uncompacted."),
        Number(TopicConfigType.Int, MaxMessageBytes, "1048588", "message.max.bytes", true, 0, double.PositiveInfinity,
            "Largest batch that is taken, as it is stored (compressed where it is)."),
        Number(TopicConfigType.Long, MessageTimestampAfterMaxMs, "3600000", "log.message.timestamp.after.max.ms", true, 0, double.PositiveInfinity,
            "How far a record's timestamp may lie ahead of the broker's clock."),
        Number(TopicConfigType.Long, MessageTimestampBeforeMaxMs, Never, "log.message.timestamp.before.max.ms", true, 0, double.PositiveInfinity,
            "How far a record's timestamp may lie behind the broker's clock."),
        Choice(MessageTimestampType, "CreateTime", "log.message.timestamp.type", true, ["CreateTime", "LogAppendTime"],
            "Whose clock timestamps come from: the producer's or the broker's."),
        Number(TopicConfigType.Double, MinCleanableDirtyRatio, "0.5", "log.cleaner.min.cleanable.ratio", true, 0, 1,
            "Part of the log that must be uncompacted before compaction starts."),
        Number(TopicConfigType.Long, MinCompactionLagMs, "0", "log.cleaner.min.compaction.lag.ms", true, 0, double.PositiveInfinity,
            "Shortest time that a record stays uncompacted."),
        Number(TopicConfigType.Int, "min.insync.replicas", "1", "min.insync.replicas", false, 1, double.PositiveInfinity,
            "There is one replica; durability is reststream.durability."),
        Flag("preallocate", "log.preallocate", false, "Blocks are reserved as the log grows, whatever is set."),
        Flag("remote.log.copy.disable", null, false, "Tiered storage only."),
        Flag("remote.log.delete.on.disable", null, false, "Tiered storage only."),
        Flag(RemoteStorageEnable, null, false, "There is no tiered storage, so only false is taken.") with { Allowed = "false: there is no tiered storage" },
        Choice(Durability, "fsync", null, true, ["fsync", "interval", "os"],
            "fsync: acknowledged records survive a power cut. interval: flushed every flush.ms or flush.messages. os: flushed when the system likes."),
        Number(TopicConfigType.Long, RetentionBytes, "-1", "log.retention.bytes", true, double.NegativeInfinity, double.PositiveInfinity,
            "Bytes that a partition keeps; below 0 is no limit.") with { Allowed = "a whole number (below 0: no limit)" },
        Number(TopicConfigType.Long, RetentionMs, "604800000", "log.retention.ms", true, -1, double.PositiveInfinity, "How long records are kept; -1 is for ever."),
        Number(TopicConfigType.Int, SegmentBytes, "1073741824", "log.segment.bytes", true, 1024, int.MaxValue,
            "Size at which a new segment is begun. Kafka 4 takes no less than 1048576: mind that for a topic that is to move there."),
        Number(TopicConfigType.Int, SegmentIndexBytes, "10485760", "log.index.size.max.bytes", true, 16, int.MaxValue, "Largest offset index of a segment."),
        Number(TopicConfigType.Long, "segment.jitter.ms", "0", "log.roll.jitter.ms", false, 0, double.PositiveInfinity,
            "Spreads the begin of new segments over time in Kafka."),
        Number(TopicConfigType.Long, SegmentMs, "604800000", "log.roll.ms", true, 1, double.PositiveInfinity, "Age at which a new segment is begun."),
        Flag("unclean.leader.election.enable", "unclean.leader.election.enable", false, "There are no elections here."),
    ];

    private static readonly FrozenDictionary<string, TopicConfigDefinition> ByName = All.ToFrozenDictionary(d => d.Name, StringComparer.Ordinal);

    /// <summary>Kafka's broker-wide names, with the number of milliseconds in their unit (1: the value is taken as it is).</summary>
    private static readonly FrozenDictionary<string, (string Name, long Unit)> ByServerName = All
        .Where(d => d.ServerName is not null && d.ServerName != d.Name)
        .Select(d => (Key: d.ServerName!, Value: (d.Name, Unit: 1L)))
        .Append(("log.retention.minutes", (RetentionMs, 60_000L)))
        .Append(("log.retention.hours", (RetentionMs, 3_600_000L)))
        .Append(("log.roll.hours", (SegmentMs, 3_600_000L)))
        .Append(("log.roll.jitter.hours", ("segment.jitter.ms", 3_600_000L)))
        .ToFrozenDictionary(p => p.Item1, p => p.Item2, StringComparer.Ordinal);

    public static TopicConfigDefinition? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>What is wrong with these configs, one sentence each with its key; empty when nothing is.</summary>
    public static IReadOnlyList<(string Key, string Problem)> FindProblems(IReadOnlyDictionary<string, string> configs)
    {
        var problems = new List<(string, string)>();
        foreach (var (key, value) in configs.OrderBy(c => c.Key, StringComparer.Ordinal))
        {
            if (!ByName.TryGetValue(key, out var definition))
                problems.Add((key, UnknownKey(key)));
            else if (value is null || definition.FindProblem(value) is not null)
                problems.Add((key, $"Config '{key}' must be {definition.Allowed}."));
            else if (key == RemoteStorageEnable && value.Trim().Equals("true", StringComparison.OrdinalIgnoreCase))
                problems.Add((key, $"Config '{key}' must be {definition.Allowed}."));
        }

        if (problems.Count == 0 && Long(configs, MinCompactionLagMs) > Long(configs, MaxCompactionLagMs))
            problems.Add((MinCompactionLagMs, $"Config '{MinCompactionLagMs}' must not be larger than '{MaxCompactionLagMs}'."));
        return problems;
    }

    /// <exception cref="BrokerException"><see cref="ErrorCode.InvalidConfig"/>, naming every key that is wrong.</exception>
    internal static void Validate(IReadOnlyDictionary<string, string> configs)
    {
        var problems = FindProblems(configs);
        if (problems.Count > 0)
            throw new BrokerException(ErrorCode.InvalidConfig, string.Join(' ', problems.Select(p => p.Problem))) { Subject = problems[0].Key };
    }

    /// <summary>
    /// Broker-wide defaults by topic names. A key may be a topic's (<c>retention.ms</c>) or Kafka's broker-wide one (<c>log.retention.hours</c>), as it stands in a
    /// server.properties; of <c>ms</c>, <c>minutes</c> and <c>hours</c> the finest one set wins, as in Kafka.
    /// </summary>
    internal static Dictionary<string, string> FromServerNames(IEnumerable<KeyValuePair<string, string>> settings)
    {
        var byTopicName = new Dictionary<string, (string Value, long Unit)>(StringComparer.Ordinal);
        foreach (var (key, value) in settings)
        {
            var (name, unit) = ByServerName.GetValueOrDefault(key, (key, 1L));
            var text = unit > 1 && TopicConfigDefinition.TryLong(value.Trim(), out var number)
                ? (number < 0 ? -1 : Saturated(number, unit)).ToString(CultureInfo.InvariantCulture)
                : value.Trim();
            if (!byTopicName.TryGetValue(name, out var other) || unit < other.Unit)
                byTopicName[name] = (text, unit);
        }

        return byTopicName.ToDictionary(p => p.Key, p => p.Value.Value, StringComparer.Ordinal);
    }

    internal static long Long(IReadOnlyDictionary<string, string> configs, string name) =>
        long.Parse(Text(configs, name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    internal static int Int(IReadOnlyDictionary<string, string> configs, string name) =>
        int.Parse(Text(configs, name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    internal static double Double(IReadOnlyDictionary<string, string> configs, string name) =>
        double.Parse(Text(configs, name), NumberStyles.Float, CultureInfo.InvariantCulture);

    internal static string Text(IReadOnlyDictionary<string, string> configs, string name) =>
        (configs.TryGetValue(name, out var value) ? value : ByName[name].Default).Trim();

    private static long Saturated(long number, long unit) => number > long.MaxValue / unit ? long.MaxValue : number * unit;

    private static string UnknownKey(string key)
    {
        var shown = key.Length <= 60 && key.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-') ? $"'{key}'" : "with odd characters in its name";
        return ByServerName.TryGetValue(key, out var topicName)
            ? $"There is no topic config {shown}; a topic's name for it is '{topicName.Name}'."
            : $"There is no topic config {shown}. The configs are Kafka's, for example retention.ms, and {Durability}.";
    }

    private static TopicConfigDefinition Number(
        TopicConfigType type, string name, string value, string? serverName, bool effective, double min, double max, string description)
    {
        var kind = type == TopicConfigType.Double ? "a number" : "a whole number";
        var range = (min, max) switch
        {
            (_, double.PositiveInfinity) => string.Create(CultureInfo.InvariantCulture, $"{kind} of at least {min}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{kind} from {min} to {max}"),
        };
        if (type == TopicConfigType.Int && max == double.PositiveInfinity)
            range += " and at most 2147483647";
        return new(name, type, value, range, serverName, effective, description) { Min = min, Max = max };
    }

    private static TopicConfigDefinition Choice(string name, string value, string? serverName, bool effective, string[] values, string description) =>
        new(name, TopicConfigType.String, value, $"one of: {string.Join(", ", values)}", serverName, effective, description) { Values = values };

    private static TopicConfigDefinition List(
        string name, string value, string? serverName, bool effective, string[] values, string allowed, string description) =>
        new(name, TopicConfigType.List, value, allowed, serverName, effective, description) { Values = values };

    private static TopicConfigDefinition Flag(string name, string? serverName, bool effective, string description) =>
        new(name, TopicConfigType.Boolean, "false", "true or false", serverName, effective, description);
}
