using RestStream.Storage.Records;

namespace RestStream.Storage;

/// <summary>When an acknowledged record is on disk (topic config <c>reststream.durability</c>).</summary>
public enum Durability : byte
{
    /// <summary>Answered after the flush: survives a power cut.</summary>
    Fsync = 0,

    /// <summary>Answered from the page cache, flushed after <c>flush.messages</c> records or <c>flush.ms</c>: survives a killed process.</summary>
    Interval = 1,

    /// <summary>Answered from the page cache, flushed when the operating system likes: survives a killed process.</summary>
    Os = 2,
}

/// <summary>The topic settings that the log itself obeys. Names and defaults are Kafka's topic configs unless the comment says otherwise.</summary>
public sealed record LogConfig
{
    public static LogConfig Default { get; } = new();

    /// <summary><c>segment.bytes</c>. Below 2 GiB because positions are int32. Kafka 4 refuses less than 1 MiB, we do not.</summary>
    public int SegmentBytes { get; init; } = 1024 * 1024 * 1024;

    /// <summary><c>segment.ms</c>.</summary>
    public long SegmentMs { get; init; } = 604_800_000;

    /// <summary><c>segment.index.bytes</c>.</summary>
    public int SegmentIndexBytes { get; init; } = 10 * 1024 * 1024;

    /// <summary><c>index.interval.bytes</c>.</summary>
    public int IndexIntervalBytes { get; init; } = 4096;

    /// <summary><c>retention.ms</c>; -1 keeps for ever.</summary>
    public long RetentionMs { get; init; } = 604_800_000;

    /// <summary><c>retention.bytes</c> per partition; -1 is no limit.</summary>
    public long RetentionBytes { get; init; } = -1;

    /// <summary>True when <c>cleanup.policy</c> names delete: retention applies.</summary>
    public bool CleanupDelete { get; init; } = true;

    /// <summary>True when <c>cleanup.policy</c> names compact: offsets may be missing between batches and segments without being damage.</summary>
    public bool CleanupCompact { get; init; }

    /// <summary><c>min.cleanable.dirty.ratio</c>: compaction begins when more than this part of the bytes is uncompacted.</summary>
    public double MinCleanableDirtyRatio { get; init; } = 0.5;

    /// <summary><c>delete.retention.ms</c>: how long compaction keeps a tombstone after it first came upon it.</summary>
    public long DeleteRetentionMs { get; init; } = 86_400_000;

    /// <summary><c>min.compaction.lag.ms</c>: a segment with a younger record is not compacted.</summary>
    public long MinCompactionLagMs { get; init; }

    /// <summary><c>max.compaction.lag.ms</c>: a segment that begins with an older record is compacted whatever the ratio.</summary>
    public long MaxCompactionLagMs { get; init; } = long.MaxValue;

    /// <summary><c>file.delete.delay.ms</c>.</summary>
    public long FileDeleteDelayMs { get; init; } = 60_000;

    /// <summary><c>message.timestamp.type</c>.</summary>
    public TimestampType TimestampType { get; init; } = TimestampType.CreateTime;

    /// <summary><c>reststream.durability</c>.</summary>
    public Durability Durability { get; init; } = Durability.Fsync;

    /// <summary><c>flush.messages</c>: records after which an interval topic is flushed.</summary>
    public long FlushMessages { get; init; } = long.MaxValue;

    /// <summary><c>flush.ms</c>: longest an interval topic stays unflushed. Kafka leaves it unset; 1 s is our default for interval topics.</summary>
    public long FlushMs { get; init; } = 1000;

    /// <summary>True for the broker's own small records: they may use the room below <see cref="LogDirectoryOptions.MinFreeBytes"/>, so that topics can be deleted on a full disk.</summary>
    public bool UsesReserve { get; init; }

    /// <summary>Age at which a segment is closed: a record that must be compacted in time must not wait in the active segment, which never is.</summary>
    internal long RollMs => CleanupCompact ? Math.Min(SegmentMs, MaxCompactionLagMs) : SegmentMs;
}
