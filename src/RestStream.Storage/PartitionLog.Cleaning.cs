using RestStream.Storage.Cleaning;
using RestStream.Storage.Files;
using RestStream.Storage.Records;
using RestStream.Storage.Segments;

namespace RestStream.Storage;

public sealed partial class PartitionLog
{
    // Held by whoever drops or replaces closed segments. Before the other locks of the log, but for the committer's flush lock.
    private readonly Lock _closedSegmentsLock = new();
    private long _firstDirtyOffset = -1;

    /// <summary>Everything below was compacted (<c>cleaner-offset-checkpoint</c>); -1 when compaction never touched this log.</summary>
    internal long FirstDirtyOffset { get => Volatile.Read(ref _firstDirtyOffset); set => Volatile.Write(ref _firstDirtyOffset, value); }

    /// <summary>Offsets may be missing without being damage: the topic is compacted now, or was once.</summary>
    internal bool MayHaveGaps => FirstDirtyOffset >= 0 || _config.CleanupCompact;

    /// <summary>A write, a flush or an exchange of files went wrong: no more writes until a restart.</summary>
    internal bool HasFailed => _failed;

    /// <summary>What there is to compact at this time (epoch ms). Null when the policy is not to, or the log cannot be.</summary>
    internal CleaningPlan? PlanCleaning(long nowMs)
    {
        var config = _config;
        if (!config.CleanupCompact || _failed || _abandoned)
            return null;
        CheckTail();
        var segments = _segments;
        var start = LogStartOffset;
        var firstDirty = FirstDirtyOffset is var known && known >= start && known <= HighWatermark ? known : start;
        var bound = Math.Min(LastStableOffset, segments[^1].BaseOffset);
        var (cleanBytes, cleanableBytes, oldest) = (0L, 0L, long.MaxValue);
        var end = segments[0].BaseOffset;
        for (var i = 0; i + 1 < segments.Length && segments[i + 1].BaseOffset <= bound; i++)
        {
            var segment = segments[i];
            var dirty = segments[i + 1].BaseOffset > firstDirty;
            if (dirty && config.MinCompactionLagMs > 0 && LargestTimestampOf(segment) > nowMs - config.MinCompactionLagMs)
                break;
            end = segments[i + 1].BaseOffset;
            if (dirty)
                cleanableBytes += segment.Size;
            else
                cleanBytes += segment.Size;
            if (dirty && config.MaxCompactionLagMs < long.MaxValue && FirstTimestampOf(segment) is > 0 and var first)
                oldest = Math.Min(oldest, first);
        }
        return new(this, firstDirty, end, cleanBytes, cleanableBytes, LagExceeded: oldest < nowMs - config.MaxCompactionLagMs);
    }

    /// <summary>Whether the active segment holds a record that <c>max.compaction.lag.ms</c> wants compacted, which it cannot be before another segment was begun.</summary>
    internal bool MustRollForCompaction(long nowMs)
    {
        var config = _config;
        if (!config.CleanupCompact || config.MaxCompactionLagMs == long.MaxValue || _failed || _abandoned)
            return false;
        CheckTail();
        var active = Active;
        return active.Size > 0 && active.FirstBatchTimestamp > 0 && active.FirstBatchTimestamp < nowMs - config.MaxCompactionLagMs;
    }

    /// <summary>Begins a new segment unless the active one is empty. Committer thread.</summary>
    internal void RollActive()
    {
        lock (_writeLock)
        {
            ThrowIfClosed();
            CheckTail();
            if (Active.Size > 0)
                Roll(_nextOffset);
        }
    }

    internal List<ClosedSegment> ClosedSegmentsBelow(long offset)
    {
        var segments = _segments;
        var closed = new List<ClosedSegment>();
        for (var i = 0; i + 1 < segments.Length && segments[i + 1].BaseOffset <= offset; i++)
            closed.Add(new(segments[i], segments[i + 1].BaseOffset));
        return closed;
    }

    /// <summary>Every aborted transaction of the log, the active segment's included.</summary>
    /// <exception cref="CorruptBatchException">A transaction index cannot be read. Without it aborted records would pass for committed ones.</exception>
    internal List<AbortedTransaction> AbortedTransactions()
    {
        var transactions = new List<AbortedTransaction>();
        var unknown = new List<LogSegment>();
        lock (_writeLock)
        {
            ThrowIfAbandoned();
            foreach (var segment in _segments)
            {
                if (segment.Aborted is { } known)
                    transactions.AddRange(known);
                else
                    unknown.Add(segment);
            }
        }
        foreach (var segment in unknown)
        {
            var path = segment.PathOf(SegmentNames.TransactionIndexSuffix);
            if (_files.FileExists(path))
                transactions.AddRange(TransactionIndex.TryParse(AtomicFile.Read(_files, path)) ?? throw new CorruptBatchException($"{Path.GetFileName(path)} is no transaction index"));
        }
        return transactions;
    }

    internal Dictionary<long, LastBatch> LastBatches()
    {
        lock (_writeLock)
            return Producers.All.ToDictionary(producer => producer.ProducerId, producer => new LastBatch(producer.LastOffset, producer.Epoch));
    }

    /// <summary>Position of a batch at or before the one that holds an offset.</summary>
    internal int PositionNear(LogSegment segment, long offset)
    {
        if (offset <= segment.BaseOffset)
            return 0;
        var offsets = IndexesOf(segment).Offsets;
        var floor = offsets.Floor((int)Math.Min(int.MaxValue, offset - segment.BaseOffset));
        return floor >= 0 ? offsets[floor].Position : 0;
    }

    /// <summary>A segment did not read as it should: finds out what is wrong with it, as a read would.</summary>
    internal void LookAt(LogSegment segment) => Examine(segment);

    /// <summary>Makes the file into which a group of segments is copied.</summary>
    internal CleanedSegment BeginCleaned(long baseOffset, int indexIntervalBytes, Action<long> checkRoom)
    {
        // A deletion waits for this lock, so nothing is made in a directory that another topic may have by now.
        lock (Commit.FlushLock)
        {
            ThrowIfClosed();
            return new CleanedSegment(_files, _directory, baseOffset, indexIntervalBytes, checkRoom);
        }
    }

    /// <summary>Deletes the files of a copy that is not wanted.</summary>
    internal void Discard(CleanedSegment cleaned)
    {
        lock (Commit.FlushLock)
        {
            if (!_abandoned && !_failed)
                cleaned.Delete();
        }
    }

    /// <summary>
    /// Puts a finished copy in the place of the segments that it was made from. False, and nothing happened, when one of them was dropped meanwhile.
    /// Readers who have the old ones go on with them until the files are deleted. After a failure in the middle the log takes no more writes; the next start finishes or undoes it.
    /// </summary>
    internal bool Replace(IReadOnlyList<LogSegment> originals, CleanedSegment cleaned)
    {
        lock (Commit.FlushLock)
            lock (_closedSegmentsLock)
                lock (_flushLock)
                    lock (_loadLock)
                    {
                        ThrowIfClosed();
                        if (originals.Any(original => original.Retired))
                            return false;
                        cleaned.WriteIndexes();
                        RenameAll(cleaned, SegmentNames.CleanedSuffix, SegmentNames.SwapSuffix);
                        // From here on a start finishes the exchange, so what is replaced may go.
                        _files.FlushDirectory(_directory);
                        try
                        {
                            Exchange(originals, cleaned);
                        }
                        catch
                        {
                            _failed = true;
                            throw;
                        }
                        return true;
                    }
    }

    private void Exchange(IReadOnlyList<LogSegment> originals, CleanedSegment cleaned)
    {
        var now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        var retired = new List<(LogSegment Segment, List<string> Files)>();
        // The oldest first: after a crash in between, a record that reappears is still followed by everything that came behind it, tombstones too.
        foreach (var original in originals)
            retired.Add((original, original.Retire(keepSnapshot: original.BaseOffset == cleaned.BaseOffset)));
        _files.FlushDirectory(_directory);
        RenameAll(cleaned, SegmentNames.SwapSuffix, "");
        lock (_writeLock)
        {
            var segments = _segments;
            var first = Array.IndexOf(segments, originals[0]);
            _segments = [.. segments[..first], cleaned.ToSegment(), .. segments[(first + originals.Count)..]];
            _dirtySegments.RemoveAll(originals.Contains);
            _pendingSnapshots.RemoveAll(snapshot => originals.Any(original => original.BaseOffset == snapshot.Offset && original.BaseOffset != cleaned.BaseOffset));
            foreach (var (segment, files) in retired)
                AddRetired(segment, files, now);
        }
        _files.FlushDirectory(_directory);
    }

    private void RenameAll(CleanedSegment cleaned, string from, string to)
    {
        foreach (var suffix in cleaned.Suffixes)
        {
            var path = Path.Combine(_directory, SegmentNames.File(cleaned.BaseOffset, suffix));
            _files.Rename(path + from, path + to);
        }
    }

    private long LargestTimestampOf(LogSegment segment) => segment.LargestTimestamp ?? OnSegment(segment, IndexesOf)?.Largest.Timestamp ?? -1;

    private long FirstTimestampOf(LogSegment segment)
    {
        if (segment.FirstBatchTimestamp < 0 && segment.Size > 0)
            OnSegment<object>(segment, s => s.FirstBatchTimestamp = ReadFirstTimestamp(s));
        return segment.FirstBatchTimestamp;
    }
}
