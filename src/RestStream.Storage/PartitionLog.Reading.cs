using RestStream.Storage.Records;
using RestStream.Storage.Segments;

namespace RestStream.Storage;

public sealed partial class PartitionLog
{
    // A segment that is scanned because a read met damage is mended at most so often before the read gives up on the spot.
    private const int MaxExaminations = 2;

    private readonly Lock _loadLock = new();

    /// <summary>
    /// Appends whole batches to <paramref name="destination"/>, from the one that holds <paramref name="fromOffset"/> up to the high watermark,
    /// until another would exceed <paramref name="maxBytes"/>; always at least one when there is any. The first batch may begin below <paramref name="fromOffset"/>.
    /// Returns the number of bytes; 0 when there is nothing up to the high watermark: at it, or where compaction left nothing. CRCs are not checked here: whoever decodes checks.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageError.OffsetOutOfRange"/>, <see cref="StorageError.DamagedRange"/>.</exception>
    public int Read(long fromOffset, int maxBytes, BatchBuffer destination)
    {
        CheckTail();
        while (true)
        {
            ThrowIfAbandoned();
            // In this order: bytes below the high watermark are published before it moves.
            var end = HighWatermark;
            var start = LogStartOffset;
            if (fromOffset < start || fromOffset > end)
                throw OutOfRange(fromOffset, start, end);
            if (fromOffset == end)
                return 0;
            var limit = LimitByDamage(fromOffset, end);
            var segments = _segments;
            try
            {
                var read = ReadSegments(segments, fromOffset, limit, maxBytes, destination);
                if (read > 0 || limit == end)
                    return read;
                // All that was in front of the damage was compacted away.
                fromOffset = limit;
            }
            catch (Exception error) when (error is ObjectDisposedException or FileNotFoundException)
            {
                // A segment was dropped or replaced or the log was closed under the read; the next round sees why. Any other missing file is a broken disk.
                if (!_abandoned && ReferenceEquals(_segments, segments))
                    throw new StorageException(StorageError.DamagedRange, $"A file of {Id} is missing: {error.Message}", error) { Offset = end };
            }
        }
    }

    private int ReadSegments(LogSegment[] segments, long fromOffset, long limit, int maxBytes, BatchBuffer destination)
    {
        var taken = 0;
        var examined = 0;
        for (var i = FloorSegment(segments, fromOffset); i < segments.Length && segments[i].BaseOffset < limit;)
        {
            var segment = segments[i];
            var from = Math.Max(fromOffset, segment.BaseOffset);
            var nextBase = i + 1 < segments.Length ? segments[i + 1].BaseOffset : limit;
            var (read, state) = ReadSegment(segment, from, limit, nextBase, maxBytes - taken, atLeastOne: taken == 0, destination);
            taken += read;
            if (state == ReadState.Full || (state == ReadState.Doubtful && taken > 0))
                return taken;
            if (state == ReadState.SegmentEnd)
            {
                if (taken == 0)
                    HandleGap(segment, from, nextBase, limit);
                i++;
                continue;
            }
            if (++examined > MaxExaminations)
                throw Damaged(new(from, nextBase, segment.Name, 0, "headers do not agree"));
            Examine(segment);
            limit = LimitByDamage(fromOffset, limit);
        }
        return taken;
    }

    private enum ReadState
    {
        /// <summary>No further batch may or can be added.</summary>
        Full,

        /// <summary>All of the segment was taken; the next may follow.</summary>
        SegmentEnd,

        /// <summary>Behind what was taken lies something that cannot be right.</summary>
        Doubtful,
    }

    private (int Read, ReadState State) ReadSegment(
        LogSegment segment, long from, long limit, long nextBase, int maxBytes, bool atLeastOne, BatchBuffer destination)
    {
        var size = segment.PublishedSize;
        var (position, first) = Locate(segment, from, size);
        if (position < 0)
            return (0, first ? ReadState.Doubtful : ReadState.SegmentEnd);
        if (!atLeastOne && maxBytes < RecordBatchHeader.Size)
            return (0, ReadState.Full);

        // One read for all: the batches and the header behind them, which must agree with them.
        var start = destination.Length;
        var got = Load(Math.Max(maxBytes, 0) + RecordBatchHeader.Size);
        var taken = 0;
        var minOffset = segment.BaseOffset;
        while (true)
        {
            var at = position + taken;
            if (HoleAt(segment, at))
                return Done(ReadState.Full);
            if (at >= size)
                return Done(minOffset <= nextBase ? ReadState.SegmentEnd : ReadState.Doubtful);
            if (got - taken < RecordBatchHeader.Size && !EnsureLoaded(RecordBatchHeader.Size))
                return Done(ReadState.Doubtful);
            var header = RecordBatchHeader.Read(destination.Whole[(start + taken)..]);
            if (!HeaderWalk.IsSound(header, minOffset, size - at) || header.NextOffset > nextBase)
                return Done(ReadState.Doubtful);
            if (header.BaseOffset >= limit)
                return Done(ReadState.Full);
            var total = (int)header.TotalBytes;
            if (taken + total > maxBytes && (taken > 0 || !atLeastOne))
                return Done(ReadState.Full);
            if (!EnsureLoaded(total) || !SuccessorAgrees(at + total, header.NextOffset))
                return Done(ReadState.Doubtful);
            taken += total;
            minOffset = header.NextOffset;
        }

        (int, ReadState) Done(ReadState state)
        {
            destination.Length = start + taken;
            return (taken, state);
        }

        bool EnsureLoaded(int bytes) => got - taken >= bytes || (got = Load(taken + bytes + RecordBatchHeader.Size)) - taken >= bytes;

        int Load(long wanted)
        {
            var bytes = (int)Math.Min(wanted, size - position);
            destination.Length = start;
            destination.EnsureCapacity(start + bytes);
            return segment.Log.Read(destination.Whole.Slice(start, bytes), position);
        }

        // The base offset has no checksum, so a batch counts only when the one behind it begins where it ends, or later.
        bool SuccessorAgrees(long behind, long nextOffset)
        {
            if (behind >= size || HoleAt(segment, behind))
                return nextOffset <= nextBase;
            var inBuffer = (int)(behind - position);
            return got - inBuffer < RecordBatchHeader.Size
                || HeaderWalk.IsSound(RecordBatchHeader.Read(destination.Whole[(start + inBuffer)..]), nextOffset, size - behind);
        }
    }

    /// <summary>Position of the first batch that ends at or above an offset; -1 when the segment has none, with Doubtful when something stands in the way.</summary>
    private (long Position, bool Doubtful) Locate(LogSegment segment, long offset, long size)
    {
        var offsets = IndexesOf(segment).Offsets;
        var floor = offsets.Floor((int)Math.Min(int.MaxValue, offset - segment.BaseOffset));
        var from = floor >= 0 ? offsets[floor].Position : 0;
        using var window = new FileWindow(segment.Log, size, 8 * 1024);
        var walk = new HeaderWalk(window, segment.Holes, from, segment.BaseOffset);
        while (walk.MoveNext())
        {
            if (walk.Position == from && floor >= 0 && walk.Header.LastOffset - segment.BaseOffset != offsets[floor].RelativeOffset)
                return (-1, true);
            if (walk.Header.LastOffset >= offset)
                return (walk.Position, false);
        }
        return (-1, walk.IsBroken);
    }

    private static bool HoleAt(LogSegment segment, long position)
    {
        foreach (var hole in segment.Holes)
        {
            if (position >= hole.From && position < hole.To)
                return true;
        }
        return false;
    }

    /// <summary>Nothing in the segment lies at or behind the offset, though the next segment begins later.</summary>
    private void HandleGap(LogSegment segment, long from, long nextBase, long limit)
    {
        if (MayHaveGaps || from >= nextBase)
            return;
        var to = Math.Min(nextBase, limit);
        var range = new DamagedRange(from, to, segment.Name, segment.Size, "the batches up to the next segment are missing");
        AddDamage([range]);
        throw Damaged(range);
    }

    /// <summary>Throws when the offset lies in a damaged range, else gives the offset where the next one begins, or the end.</summary>
    private long LimitByDamage(long fromOffset, long end)
    {
        foreach (var range in _damage)
        {
            if (range.To <= fromOffset)
                continue;
            if (range.From > fromOffset)
                return Math.Min(end, range.From);
            throw Damaged(range);
        }
        return end;
    }

    private StorageException Damaged(DamagedRange range)
    {
        // Ranges may touch: the first good offset lies behind all of them.
        var good = range.To;
        foreach (var next in _damage)
        {
            if (next.From <= good && next.To > good)
                good = next.To;
        }
        return new(
            StorageError.DamagedRange,
            $"Offsets {range.From} to {range.To - 1} of {Id} cannot be read ({range.Segment} at {range.Position}: {range.Reason}). Go on at offset {good}.")
        { Offset = good };
    }

    private StorageException OutOfRange(long offset, long start, long end) =>
        new(StorageError.OffsetOutOfRange, $"Offset {offset} of {Id} is out of range: the log has {start} to {end}.") { Offset = offset < start ? start : end };

    /// <summary>Number of the last segment that begins at or below an offset.</summary>
    private static int FloorSegment(LogSegment[] segments, long offset)
    {
        var (low, high) = (0, segments.Length - 1);
        while (low < high)
        {
            var middle = (low + high + 1) >> 1;
            if (segments[middle].BaseOffset <= offset)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }

    /// <summary>The indexes from memory, from their files, or, when those are missing or doubtful, from a scan of the segment.</summary>
    private SegmentIndexes IndexesOf(LogSegment segment)
    {
        if (segment.IndexesInMemory is { } known)
            return known;
        lock (_loadLock)
        {
            if (segment.IndexesInMemory is { } loaded)
                return loaded;
            if (segment.TryLoadIndexes(segment.Size, _config.IndexIntervalBytes, out _) is not { } indexes)
                return Examine(segment);
            segment.KeepIndexes(indexes, forGood: false);
            return indexes;
        }
    }

    /// <summary>
    /// Scans a segment that does not read as it should: mends it, remembers what cannot be mended, and rebuilds the index files of a closed one.
    /// </summary>
    private SegmentIndexes Examine(LogSegment segment)
    {
        lock (_loadLock)
        {
            var segments = _segments;
            var i = Array.IndexOf(segments, segment);
            var closed = i >= 0 && i + 1 < segments.Length;
            var scan = new SegmentScan
            {
                File = segment.Log,
                Name = segment.Name,
                BaseOffset = segment.BaseOffset,
                Length = segment.PublishedSize,
                NextBase = closed ? segments[i + 1].BaseOffset : -1,
                DurableEnd = closed ? long.MaxValue : HighWatermark,
                IndexIntervalBytes = _config.IndexIntervalBytes,
                Compacted = MayHaveGaps,
            };
            scan.Run();
            var times = segment.FirstBatchTimestamp;
            Adopt(segment, scan);
            if (segment.IndexesInMemory is { } inUse && !closed)
                return inUse;
            segment.FirstBatchTimestamp = times >= 0 ? times : scan.FirstBatchTimestamp;
            scan.Indexes.Finish();
            segment.KeepIndexes(scan.Indexes, forGood: true);
            segment.IndexesDirty = true;
            if (!segment.Retired)
            {
                segment.WriteIndexes();
                _onEvent(new(StorageEventKind.IndexRebuilt, $"Rebuilt the indexes of {segment.Name} of {Id}.", Id));
            }
            segment.KeepIndexes(scan.Indexes, forGood: false);
            return scan.Indexes;
        }
    }
}
