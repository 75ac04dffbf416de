using RestStream.Storage.Records;
using RestStream.Storage.Segments;

namespace RestStream.Storage;

public sealed partial class PartitionLog
{
    /// <summary>Bytes that a search for a key looks at in one step, from the end of the log backwards.</summary>
    private const int SearchStepBytes = 256 * 1024;

    /// <summary>
    /// The newest record of a key below the high watermark: its offset, with its whole batch in <paramref name="destination"/>; -1 when there is none.
    /// Reads from the end of the log backwards, so it costs as much as lies behind the record, and all of the partition for a key that is not there. Takes memory for one step
    /// (256 KiB) and the largest batch.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageError.DamagedRange"/>: what cannot be read may hold a newer one.</exception>
    public long FindLatest(ReadOnlyMemory<byte> key, BatchBuffer destination, CancellationToken cancellationToken)
    {
        CheckTail();
        var end = HighWatermark;
        var found = OnSegments(segments =>
        {
            for (var i = segments.Length - 1; i >= 0; i--)
            {
                if (FindLatestIn(segments[i], end, key.Span, destination, cancellationToken) is >= 0 and var offset)
                    return offset;
            }
            return -1;
        });
        if (Array.FindLast(_damage, range => range.To > found && range.From < end) is { } hidden)
            throw Damaged(hidden);
        return found >= LogStartOffset ? found : -1;
    }

    private long FindLatestIn(LogSegment segment, long end, ReadOnlySpan<byte> key, BatchBuffer destination, CancellationToken cancellationToken)
    {
        var offsets = IndexesOf(segment).Offsets;
        for (var to = segment.PublishedSize; to > 0;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var entry = offsets.FloorPosition(to - SearchStepBytes);
            var from = entry >= 0 ? offsets[entry].Position : 0;
            var (found, broken) = FindLastBetween(segment, from, to, end, key, destination);
            for (var attempt = 0; broken && attempt < MaxExaminations; attempt++)
            {
                Examine(segment);
                (found, broken) = FindLastBetween(segment, from, to, end, key, destination);
            }
            if (broken)
                throw Damaged(new(segment.BaseOffset, end, segment.Name, from, "headers do not agree"));
            if (found >= 0)
                return found;
            to = from;
        }
        return -1;
    }

    /// <summary>Walks the batches between two positions forwards, which is the only way that they can be walked, and keeps the last match.</summary>
    private (long Found, bool Broken) FindLastBetween(LogSegment segment, long from, long to, long end, ReadOnlySpan<byte> key, BatchBuffer destination)
    {
        var found = -1L;
        using var window = new FileWindow(segment.Log, to, SearchStepBytes);
        var walk = new HeaderWalk(window, segment.Holes, from, segment.BaseOffset);
        while (walk.MoveNext() && walk.Header.BaseOffset < end)
        {
            var header = walk.Header;
            if (header.IsControl || header.RecordsCount == 0)
                continue;
            if (header.TotalBytes <= window.Capacity)
            {
                found = Math.Max(found, FindLastIn(segment, walk.Position, header, window.Get(walk.Position, (int)header.TotalBytes), key, destination));
                continue;
            }
            using var large = BatchBuffer.Rent((int)header.TotalBytes);
            large.Length = segment.Log.Read(large.Whole[..(int)header.TotalBytes], walk.Position);
            found = Math.Max(found, FindLastIn(segment, walk.Position, header, large.Span, key, destination));
        }
        return (found, walk.IsBroken);
    }

    private long FindLastIn(LogSegment segment, long position, in RecordBatchHeader header, ReadOnlySpan<byte> batch, ReadOnlySpan<byte> key, BatchBuffer destination)
    {
        try
        {
            if (batch.Length < header.TotalBytes || !RecordBatch.IsCrcValid(batch))
                throw new CorruptBatchException("the checksum is wrong");
            // Most batches do not hold the key at all, which is seen at once where they are not compressed.
            if (header.Codec == CompressionCodec.None && batch.IndexOf(key) < 0)
                return -1;
            var found = -1L;
            using var records = new RecordReader(batch);
            while (records.MoveNext())
            {
                if (!records.Current.KeyIsNull && records.Current.Key.SequenceEqual(key))
                    found = records.Current.Offset;
            }
            if (found >= 0)
            {
                destination.Length = 0;
                destination.EnsureCapacity(batch.Length);
                destination.Length = batch.Length;
                batch.CopyTo(destination.Span);
            }
            return found;
        }
        catch (CorruptBatchException error)
        {
            // Only matters when no later record has the key, which the caller knows.
            AddDamage([new(header.BaseOffset, header.NextOffset, segment.Name, position, error.Message)]);
            return -1;
        }
    }
}
