using RestStream.Storage.Records;

namespace RestStream.Storage;

/// <summary>
/// One partition on disk: segments with their indexes, in Kafka's files. Reads may run on any thread at any time.
/// Appends go through <see cref="LogDirectory"/>, whose committer thread is the only writer.
/// Readers see records below <see cref="HighWatermark"/> only, and those are as durable as the topic's policy says.
/// </summary>
public sealed partial class PartitionLog
{
    public TopicPartition Id => throw new NotImplementedException();
    public Guid TopicId => throw new NotImplementedException();

    /// <summary>Takes effect with the next append, roll or retention pass.</summary>
    public LogConfig Config { get => throw new NotImplementedException(); set => throw new NotImplementedException(); }

    public long LogStartOffset => throw new NotImplementedException();

    /// <summary>Next offset to be written, and the end of what readers see.</summary>
    public long HighWatermark => throw new NotImplementedException();

    public int LeaderEpoch => throw new NotImplementedException();

    /// <summary>Bytes of all segments.</summary>
    public long SizeBytes => throw new NotImplementedException();

    public IReadOnlyList<SegmentInfo> Segments => throw new NotImplementedException();

    /// <summary>Offset ranges that fail their checksum; empty on a healthy partition.</summary>
    public IReadOnlyList<DamagedRange> Damage => throw new NotImplementedException();

    /// <summary>
    /// Appends whole batches to <paramref name="destination"/>, from the one that holds <paramref name="fromOffset"/> up to the high watermark,
    /// until another would exceed <paramref name="maxBytes"/>; always at least one when there is any. The first batch may begin below <paramref name="fromOffset"/>.
    /// Returns the number of bytes; 0 at the high watermark. CRCs are not checked here: whoever decodes checks.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageError.OffsetOutOfRange"/>, <see cref="StorageError.DamagedRange"/>.</exception>
    public int Read(long fromOffset, int maxBytes, BatchBuffer destination) => throw new NotImplementedException();

    /// <summary>
    /// The first record whose timestamp is at least <paramref name="timestamp"/> (epoch ms) below the high watermark, or null.
    /// -1 = latest (the high watermark), -2 = earliest, -3 = the record with the largest timestamp.
    /// </summary>
    public TimestampedOffset? FindOffset(long timestamp) => throw new NotImplementedException();

    /// <summary>Called by readers that found a batch with a wrong CRC, so that the partition is reported as damaged.</summary>
    public void ReportDamage(DamagedRange range) => throw new NotImplementedException();

    /// <summary>Runs on the committer thread after <see cref="HighWatermark"/> moved or the log was deleted. Must be quick and not throw.</summary>
    public Action? Advanced { get; set; }
}

/// <summary>An offset and the timestamp of its record; -1 where a special timestamp was asked.</summary>
public readonly record struct TimestampedOffset(long Offset, long Timestamp);

/// <summary>Offsets <paramref name="From"/> to <paramref name="To"/> (exclusive) cannot be read: <paramref name="Reason"/>.</summary>
public sealed record DamagedRange(long From, long To, string Segment, long Position, string Reason);

/// <summary>One segment as <c>GET …/segments</c> shows it. Times are epoch ms, -1 when empty.</summary>
public sealed record SegmentInfo(
    long BaseOffset, long EndOffset, long Bytes, long Records, long FirstTimestamp, long LargestTimestamp, long OffsetIndexBytes, long TimeIndexBytes, bool Active);
