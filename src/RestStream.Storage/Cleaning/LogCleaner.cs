using RestStream.Storage.Records;
using RestStream.Storage.Segments;

namespace RestStream.Storage.Cleaning;

/// <summary>
/// One compaction pass over one partition, with Kafka's rules: the keys of the dirty part are gathered with their newest offsets, then every segment from the start of the log is copied
/// without what they supersede, in the order of the log, and small neighbours become one.
/// </summary>
/// <remarks>
/// The order is what makes a stop at any point harmless: a tombstone is dropped only in a pass after the one that first came upon it, and by then no older record of its key is left,
/// because what lies before it was replaced first. A pass that did not get to the end has not moved the first dirty offset and is simply made again.
/// Nothing is changed when a batch cannot be read: a copy would lose what damage hides.
/// </remarks>
internal sealed class LogCleaner(PartitionLog log, CleaningPlan plan, long offsetMapBytes, Action<long> checkRoom, long nowMs, CancellationToken cancellationToken)
{
    private readonly OffsetMap _offsets = new(offsetMapBytes);
    private readonly LogConfig _config = log.Config;
    private readonly List<ClosedSegment> _segments = log.ClosedSegmentsBelow(plan.FirstUncleanableOffset);
    private long _bytesRead, _bytesWritten;
    private int _segmentsBefore, _segmentsAfter;

    /// <exception cref="StorageException"><see cref="StorageError.DamagedRange"/>, <see cref="StorageError.PartitionDeleted"/>, <see cref="StorageError.DiskFull"/>.</exception>
    /// <exception cref="OperationCanceledException">What was replaced until then stays so.</exception>
    public CleaningResult Run()
    {
        try
        {
            return MakePass();
        }
        catch (Exception error) when (error is ObjectDisposedException or FileNotFoundException && _segments.Exists(closed => closed.Segment.Retired))
        {
            // Retention was faster. The next pass finds what is left.
            return Result(done: false, null);
        }
        catch (CorruptBatchException error)
        {
            throw new StorageException(
                StorageError.DamagedRange, $"{log.Id} is not compacted because a part of it cannot be read ({error.Message}). Everything is kept.", error)
            {
                Offset = plan.FirstDirtyOffset,
            };
        }
    }

    private CleaningResult MakePass()
    {
        var aborted = log.AbortedTransactions();
        BuildMap(aborted);
        var transactions = new TransactionFilter(aborted);
        using var filter = new BatchFilter(_offsets, transactions, log.LastBatches(), plan.FirstUncleanableOffset, nowMs, _config.DeleteRetentionMs);
        return Result(CopyAll(filter, transactions), filter);
    }

    private CleaningResult Result(bool done, BatchFilter? filter) => new(
        done ? _offsets.LatestOffset + 1 : plan.FirstDirtyOffset, _bytesRead, _bytesWritten, filter?.RecordsRead ?? 0, filter?.RecordsKept ?? 0, _segmentsBefore, _segmentsAfter,
        Interrupted: !done);

    /// <summary>Gathers keys from the first dirty offset on until all is seen or the map is full; <see cref="OffsetMap.LatestOffset"/> says how far that was.</summary>
    private void BuildMap(List<AbortedTransaction> aborted)
    {
        var transactions = new TransactionFilter(aborted.Where(transaction => transaction.LastOffset >= plan.FirstDirtyOffset));
        _offsets.CoverUpTo(plan.FirstDirtyOffset - 1);
        foreach (var closed in _segments)
        {
            if (closed.End <= plan.FirstDirtyOffset)
                continue;
            using var batches = new SegmentBatches(closed.Segment, log.PositionNear(closed.Segment, plan.FirstDirtyOffset), closed.End);
            while (Next(batches, closed.Segment, out var batch))
            {
                if (batches.Header.IsControl)
                    transactions.IsSpent(batches.Header, batch);
                else if (!transactions.IsAborted(batches.Header) && !PutKeys(batch))
                    return;
                if (batches.Header.LastOffset >= plan.FirstDirtyOffset)
                    _offsets.CoverUpTo(batches.Header.LastOffset);
            }
            // What is missing at the end of a segment was looked at too.
            _offsets.CoverUpTo(closed.End - 1);
        }
    }

    /// <summary>False when the map is full.</summary>
    private bool PutKeys(ReadOnlySpan<byte> batch)
    {
        using var records = new RecordReader(batch, BatchFilter.MaxDecompressedBytes);
        while (records.MoveNext())
        {
            var record = records.Current;
            if (!record.KeyIsNull && record.Offset >= plan.FirstDirtyOffset && !_offsets.TryPut(record.Key, record.Offset))
                return false;
        }
        return true;
    }

    /// <summary>False when retention dropped segments meanwhile.</summary>
    private bool CopyAll(BatchFilter filter, TransactionFilter transactions)
    {
        var cleanedTo = _offsets.LatestOffset + 1;
        for (var first = 0; first < _segments.Count && _segments[first].Segment.BaseOffset < cleanedTo;)
        {
            var group = _segments.GetRange(first, GroupFrom(first, cleanedTo));
            if (!Replace(group, filter, transactions))
                return false;
            first += group.Count;
        }
        return true;
    }

    /// <summary>How many segments from this one on become one: as long as the sum of their sizes stays within <c>segment.bytes</c> and the offsets within what an index can hold.</summary>
    private int GroupFrom(int first, long cleanedTo)
    {
        var (start, bytes) = (_segments[first].Segment.BaseOffset, _segments[first].Segment.Size);
        var count = 1;
        for (var i = first + 1; i < _segments.Count && _segments[i].Segment.BaseOffset < cleanedTo; i++, count++)
        {
            var size = _segments[i].Segment.Size;
            bytes += size;
            if (bytes > _config.SegmentBytes || (size > 0 && _segments[i].End - 1 - start > int.MaxValue))
                break;
        }
        return count;
    }

    /// <summary>Copies a group of segments and puts the copy in their place; false when retention dropped one of them meanwhile.</summary>
    private bool Replace(List<ClosedSegment> group, BatchFilter filter, TransactionFilter transactions)
    {
        using var cleaned = log.BeginCleaned(group[0].Segment.BaseOffset, _config.IndexIntervalBytes, checkRoom);
        var replaced = false;
        try
        {
            foreach (var (segment, end) in group)
            {
                using var batches = new SegmentBatches(segment, fromPosition: 0, end);
                while (Next(batches, segment, out var batch))
                {
                    filter.Filter(batches.Header, batch, cleaned.Pending);
                    cleaned.Added();
                }
                _bytesRead += segment.Size;
            }
            cleaned.Finish();
            cleaned.Aborted.AddRange(transactions.Kept);
            transactions.Kept.Clear();
            replaced = log.Replace([.. group.Select(closed => closed.Segment)], cleaned);
        }
        finally
        {
            if (!replaced)
                log.Discard(cleaned);
        }
        if (!replaced)
            return false;
        _bytesWritten += cleaned.Size;
        _segmentsBefore += group.Count;
        _segmentsAfter++;
        return true;
    }

    private bool Next(SegmentBatches batches, LogSegment segment, out ReadOnlySpan<byte> batch)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return batches.MoveNext(out batch);
        }
        catch (CorruptBatchException)
        {
            // So that it is known as damage from now on, or mended where the neighbours prove what it was.
            log.LookAt(segment);
            throw;
        }
    }
}

/// <summary>A segment that is not written to any more, and where the next one begins.</summary>
internal readonly record struct ClosedSegment(LogSegment Segment, long End);
