using RestStream.Storage.Files;
using RestStream.Storage.Records;
using RestStream.Storage.Segments;

namespace RestStream.Storage;

/// <summary>
/// One partition on disk: segments with their indexes, in Kafka's files. Reads may run on any thread at any time.
/// Appends go through <see cref="LogDirectory"/>, whose committer thread is the only writer.
/// Readers see records below <see cref="HighWatermark"/> only, and those are as durable as the topic's policy says.
/// </summary>
/// <remarks>
/// A failed write or flush leaves the log closed for writing; what is on the disk then is known only after the next start has read it.
/// Damage that a read comes upon is looked at once, with the rules of recovery, and remembered: reads stop in front of it and go on behind it.
/// </remarks>
public sealed partial class PartitionLog
{
    private readonly IFileSystem _files;
    private readonly string _directory;
    private readonly TimeProvider _clock;
    private readonly Action<StorageEvent> _onEvent;

    // Guards everything that changes the list of segments or the end of the log. Taken for each write (nobody else wants it then) and never held over a flush.
    private readonly Lock _writeLock = new();

    private readonly Lock _damageLock = new();

    // Base offsets ascend; the last one is written to. Replaced as a whole, so readers work on the array they took.
    private volatile LogSegment[] _segments = [];
    private volatile DamagedRange[] _damage = [];
    private long _nextOffset;
    private long _highWatermark;
    private long _logStartOffset;
    private long _recoveryPoint;
    private volatile LogConfig _config;
    private Guid? _topicId;

    private PartitionLog(IFileSystem files, string directory, TopicPartition id, LogConfig config, TimeProvider clock, Action<StorageEvent> onEvent)
    {
        _files = files;
        _directory = directory;
        _config = config;
        _clock = clock;
        _onEvent = onEvent;
        Id = id;
    }

    public TopicPartition Id { get; }

    /// <summary>From partition.metadata; <see cref="Guid.Empty"/> when that file is missing or unreadable.</summary>
    public Guid TopicId => _topicId ??= PartitionMetadata.ReadTopicId(_files, _directory);

    /// <summary>Takes effect with the next append, roll or retention pass.</summary>
    public LogConfig Config { get => _config; set => _config = value; }

    public long LogStartOffset => Volatile.Read(ref _logStartOffset);

    /// <summary>Next offset to be written, and the end of what readers see.</summary>
    public long HighWatermark => Volatile.Read(ref _highWatermark);

    public int LeaderEpoch
    {
        get
        {
            lock (_writeLock)
                return _leaderEpoch ??= Math.Max(0, Epochs.Latest);
        }
    }

    /// <summary>Bytes of all segments.</summary>
    public long SizeBytes
    {
        get
        {
            var bytes = 0L;
            foreach (var segment in _segments)
                bytes += segment.Size;
            return bytes;
        }
    }

    /// <summary>How many segments there are; costs nothing.</summary>
    public int SegmentCount => _segments.Length;

    /// <summary>A snapshot. Reads headers and index sizes from the disk where they are not known yet.</summary>
    public IReadOnlyList<SegmentInfo> Segments
    {
        get
        {
            CheckTail();
            return OnSegments(segments =>
            {
                var infos = new List<SegmentInfo>(segments.Length);
                for (var i = 0; i < segments.Length; i++)
                    infos.Add(Describe(segments[i], EndOf(segments, i), active: i == segments.Length - 1));
                return infos;
            });
        }
    }

    /// <summary>
    /// Records between the log start and the high watermark. Without compaction that is the distance and costs nothing; else the headers of each closed segment are walked once
    /// (markers count as records, as they do in the distance).
    /// </summary>
    public long RecordCount
    {
        get
        {
            var (start, end) = (LogStartOffset, HighWatermark);
            if (FirstDirtyOffset < 0)
                return end - start;
            CheckTail();
            return OnSegments(segments =>
            {
                var records = 0L;
                for (var i = 0; i < segments.Length; i++)
                    records += CountRecords(segments[i], Math.Min(EndOf(segments, i), end), active: i == segments.Length - 1);
                return Math.Clamp(records, 0, end - start);
            });
        }
    }

    /// <summary>Where the first file begins; at or below <see cref="LogStartOffset"/>.</summary>
    internal long FirstSegmentBase => _segments[0].BaseOffset;

    /// <summary>Offset ranges that fail their checksum; empty on a healthy partition.</summary>
    public IReadOnlyList<DamagedRange> Damage => _damage;

    /// <summary>Called by readers that found a batch with a wrong CRC, so that the partition is reported as damaged.</summary>
    public void ReportDamage(DamagedRange range) => AddDamage([range]);

    /// <summary>Runs on the committer thread after <see cref="HighWatermark"/> moved or the log was deleted. Must be quick and not throw.</summary>
    public Action? Advanced { get; set; }

    private SegmentInfo Describe(LogSegment segment, long endOffset, bool active)
    {
        var indexes = IndexesOf(segment);
        var first = -1L;
        if (segment.PublishedSize >= RecordBatchHeader.Size)
        {
            Span<byte> bytes = stackalloc byte[RecordBatchHeader.Size];
            segment.Log.Read(bytes, 0);
            var header = RecordBatchHeader.Read(bytes);
            first = header.TimestampType == TimestampType.LogAppendTime || header.HasDeleteHorizon ? header.MaxTimestamp : header.BaseTimestamp;
        }
        return new SegmentInfo(
            segment.BaseOffset, endOffset, segment.Size, CountRecords(segment, endOffset, active), first, indexes.Largest.Timestamp,
            indexes.Offsets.Count * OffsetIndex.EntryBytes, indexes.Times.Count * TimeIndex.EntryBytes, active);
    }

    private long EndOf(LogSegment[] segments, int index) => index + 1 < segments.Length ? segments[index + 1].BaseOffset : NextOffset;

    private long CountRecords(LogSegment segment, long endOffset, bool active)
    {
        // Nothing is missing in the segment that is written to, nor anywhere in a log that was never compacted.
        if (active || FirstDirtyOffset < 0)
            return endOffset - segment.BaseOffset;
        if (segment.RecordCount >= 0)
            return segment.RecordCount;
        var records = 0L;
        using var window = new FileWindow(segment.Log, segment.Size, 64 * 1024);
        var walk = new HeaderWalk(window, segment.Holes, 0, segment.BaseOffset);
        while (walk.MoveNext())
            records += walk.Header.RecordsCount;
        return segment.RecordCount = records;
    }

    /// <summary>Works on all segments, and once more when one was dropped or replaced and its files closed meanwhile.</summary>
    private T OnSegments<T>(Func<LogSegment[], T> work)
    {
        while (true)
        {
            ThrowIfAbandoned();
            var segments = _segments;
            try
            {
                return work(segments);
            }
            catch (Exception error) when (error is ObjectDisposedException or FileNotFoundException && !_abandoned && !ReferenceEquals(_segments, segments))
            {
            }
        }
    }

    /// <summary>Works on a segment that retention may drop meanwhile; default when it did.</summary>
    private static T? OnSegment<T>(LogSegment segment, Func<LogSegment, T> work) where T : class?
    {
        try
        {
            return work(segment);
        }
        catch (Exception error) when (error is ObjectDisposedException or FileNotFoundException && segment.Retired)
        {
            return null;
        }
    }

    private void AddDamage(IReadOnlyList<DamagedRange> ranges)
    {
        foreach (var range in ranges)
        {
            lock (_damageLock)
            {
                if (Array.Exists(_damage, known => known.From <= range.From && range.To <= known.To))
                    continue;
                _damage = [.. _damage.Append(range).OrderBy(damaged => damaged.From).ThenBy(damaged => damaged.To)];
            }
            _onEvent(new(
                StorageEventKind.DamageFound,
                $"Offsets {range.From} to {range.To - 1} of {Id} cannot be read ({range.Segment} at {range.Position}: {range.Reason}). The rest of the partition is served.",
                Id));
        }
    }
}

/// <summary>An offset and the timestamp of its record; -1 where a special timestamp was asked.</summary>
public readonly record struct TimestampedOffset(long Offset, long Timestamp);

/// <summary>Offsets <paramref name="From"/> to <paramref name="To"/> (exclusive) cannot be read: <paramref name="Reason"/>.</summary>
public sealed record DamagedRange(long From, long To, string Segment, long Position, string Reason);

/// <summary>One segment as <c>GET …/segments</c> shows it. Times are epoch ms, -1 when empty.</summary>
public sealed record SegmentInfo(
    long BaseOffset, long EndOffset, long Bytes, long Records, long FirstTimestamp, long LargestTimestamp, long OffsetIndexBytes, long TimeIndexBytes, bool Active);
