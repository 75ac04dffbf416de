using RestStream.Storage.Records;
using RestStream.Storage.Segments;

namespace RestStream.Storage;

public sealed partial class PartitionLog
{
    private const long Latest = -1, Earliest = -2, MaxTimestamp = -3;

    /// <summary>
    /// The first record whose timestamp is at least <paramref name="timestamp"/> (epoch ms) below the high watermark, or null.
    /// -1 = latest (the high watermark), -2 = earliest, -3 = the record with the largest timestamp.
    /// </summary>
    public TimestampedOffset? FindOffset(long timestamp)
    {
        ThrowIfAbandoned();
        if (timestamp == Latest)
            return new(HighWatermark, -1);
        if (timestamp == Earliest)
            return new(LogStartOffset, -1);
        CheckTail();
        return timestamp == MaxTimestamp ? FindLargestTimestamp() : FindFirstAtOrAfter(timestamp);
    }

    private TimestampedOffset? FindFirstAtOrAfter(long timestamp) => OnSegments<TimestampedOffset?>(segments =>
    {
        foreach (var segment in segments)
        {
            if (IndexesOf(segment).Largest.Timestamp >= timestamp && FindInSegment(segment, timestamp) is { } found)
                return found;
        }
        return null;
    });

    private TimestampedOffset? FindLargestTimestamp() => OnSegments<TimestampedOffset?>(segments =>
    {
        LogSegment? holder = null;
        var largest = -1L;
        foreach (var segment in segments)
        {
            var times = IndexesOf(segment);
            if (times.Largest.Timestamp > largest)
                (holder, largest) = (segment, times.Largest.Timestamp);
        }
        return holder is null ? null : FindInSegment(holder, largest);
    });

    /// <summary>The first record of the segment at or after a time: time index, then offset index, then headers, then the records of one batch.</summary>
    private TimestampedOffset? FindInSegment(LogSegment segment, long timestamp)
    {
        for (var attempt = 0; attempt <= MaxExaminations; attempt++)
        {
            if (TryFindInSegment(segment, timestamp, out var found))
                return found;
            Examine(segment);
        }
        return null;
    }

    /// <summary>False when the segment does not read as it should.</summary>
    private bool TryFindInSegment(LogSegment segment, long timestamp, out TimestampedOffset? found)
    {
        found = null;
        var indexes = IndexesOf(segment);
        var (start, end) = (LogStartOffset, HighWatermark);
        // The entry below the time: an entry at exactly the time names the first batch that has it.
        var timeFloor = indexes.Times.Floor(timestamp - 1);
        var time = timeFloor >= 0 ? indexes.Times[timeFloor] : new TimeIndex.Entry(-1, 0);
        var offsetFloor = indexes.Offsets.Floor((int)Math.Clamp(Math.Max(time.RelativeOffset, start - segment.BaseOffset), 0, int.MaxValue));
        var from = offsetFloor >= 0 ? indexes.Offsets[offsetFloor].Position : 0;
        using var window = new FileWindow(segment.Log, segment.PublishedSize, 64 * 1024);
        var walk = new HeaderWalk(window, segment.Holes, from, segment.BaseOffset);
        while (walk.MoveNext())
        {
            var header = walk.Header;
            if (walk.Position == from && offsetFloor >= 0 && header.LastOffset - segment.BaseOffset != indexes.Offsets[offsetFloor].RelativeOffset)
                return false;
            if (header.LastOffset - segment.BaseOffset == time.RelativeOffset && time.Timestamp >= 0 && header.MaxTimestamp != time.Timestamp)
                return false;
            if (header.BaseOffset >= end)
                return true;
            if (header.MaxTimestamp < timestamp || header.LastOffset < start)
                continue;
            found = FindInBatch(segment, walk.Position, header, timestamp, start, end);
            if (found is not null)
                return true;
        }
        return !walk.IsBroken;
    }

    private TimestampedOffset? FindInBatch(LogSegment segment, long position, in RecordBatchHeader header, long timestamp, long start, long end)
    {
        using var buffer = BatchBuffer.Rent((int)header.TotalBytes);
        buffer.Length = segment.Log.Read(buffer.Whole[..(int)header.TotalBytes], position);
        try
        {
            if (buffer.Length < header.TotalBytes || !RecordBatch.IsCrcValid(buffer.Span))
                throw new CorruptBatchException("the checksum is wrong");
            using var records = new RecordReader(buffer.Span);
            while (records.MoveNext())
            {
                var record = records.Current;
                if (record.Timestamp >= timestamp && record.Offset >= start && record.Offset < end)
                    return new(record.Offset, record.Timestamp);
            }
        }
        catch (CorruptBatchException error)
        {
            AddDamage([new(header.BaseOffset, header.NextOffset, segment.Name, position, error.Message)]);
        }
        return null;
    }
}
