using RestStream.Storage.Segments;

namespace RestStream.Storage;

public sealed partial class PartitionLog
{
    // Dropped segments, their renamed files and when that was (epoch ms). Guarded by the write lock.
    private readonly List<(LogSegment Segment, List<string> Files, long RetiredMs)> _retired = [];

    /// <summary>
    /// Moves the log start up and drops whole segments below it (renamed to .deleted). The caller persists the log-start checkpoint before calling. Any thread.
    /// At the very end of the log a new segment is started, so that the whole old one can go.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageError.OffsetOutOfRange"/>: above the high watermark.</exception>
    internal void AdvanceLogStart(long offset)
    {
        CheckTail();
        lock (_closedSegmentsLock)
            lock (_writeLock)
                AdvanceLogStartLocked(offset);
    }

    private void AdvanceLogStartLocked(long offset)
    {
        ThrowIfAbandoned();
        if (offset <= _logStartOffset)
            return;
        if (offset > HighWatermark)
            throw OutOfRange(offset, _logStartOffset, HighWatermark);
        if (offset == _nextOffset && Active.Size > 0 && !_failed)
            Roll(offset);
        Volatile.Write(ref _logStartOffset, offset);
        if (Epochs.TruncateStart(offset))
            _epochsDirty = true;
        _changed = true;

        var keepFrom = FloorSegment(_segments, offset);
        if (keepFrom == 0)
            return;
        // The producers' state of the dropped part is needed before its files go.
        _ = Producers;
        var dropped = _segments[..keepFrom];
        _segments = _segments[keepFrom..];
        var now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var segment in dropped)
        {
            AddRetired(segment, segment.Retire(), now);
            _onEvent(new(StorageEventKind.SegmentDeleted, $"{Id} dropped the segment at offset {segment.BaseOffset}.", Id));
        }
        _directoryDirty = true;
    }

    /// <summary>Hold the write lock.</summary>
    private void AddRetired(LogSegment segment, List<string> files, long nowMs)
    {
        // A segment that compaction replaced may have left files under the same names: they are gone now, though who reads that segment still has its log open.
        foreach (var (_, earlier, _) in _retired)
            earlier.RemoveAll(files.Contains);
        _retired.Add((segment, files, nowMs));
    }

    /// <summary>Where the log would start if the retention settings were applied at this time (whole segments only; the active one is rolled first when all are due).</summary>
    internal long RetentionStart(long nowMs)
    {
        var config = _config;
        if (!config.CleanupDelete || (config.RetentionMs < 0 && config.RetentionBytes < 0))
            return LogStartOffset;
        CheckTail();
        var segments = _segments;
        var start = LogStartOffset;
        var excess = config.RetentionBytes >= 0 ? SizeBytes - config.RetentionBytes : 0;
        for (var i = 0; i < segments.Length; i++)
        {
            var segment = segments[i];
            var end = i + 1 < segments.Length ? segments[i + 1].BaseOffset : NextOffset;
            if (end > HighWatermark || (segment.Size == 0 && i + 1 == segments.Length))
                break;
            excess -= segment.Size;
            var overSize = config.RetentionBytes >= 0 && excess >= 0;
            // One that compaction emptied has no age: it goes with whatever is in front of it.
            if (!overSize && segment.Size > 0 && !IsExpired(segment, config.RetentionMs, nowMs))
                break;
            start = Math.Max(start, end);
        }
        return start;
    }

    /// <summary>Deletes files renamed to .deleted longer than file.delete.delay.ms ago.</summary>
    internal void DeletePendingFiles(long nowMs)
    {
        List<(LogSegment Segment, List<string> Files, long RetiredMs)> due;
        lock (_writeLock)
        {
            due = _retired.FindAll(retired => nowMs - retired.RetiredMs >= _config.FileDeleteDelayMs);
            _retired.RemoveAll(due.Contains);
        }
        foreach (var (segment, files, _) in due)
        {
            segment.Dispose();
            foreach (var file in files)
                _files.DeleteFile(file);
        }
    }

    /// <summary>Frees the memory of indexes that no reader used since the last call.</summary>
    internal void DropIdleIndexes()
    {
        foreach (var segment in _segments)
            segment.DropIdleIndexes();
    }

    private bool IsExpired(LogSegment segment, long retentionMs, long nowMs)
    {
        if (retentionMs < 0)
            return false;
        var largest = LargestTimestampOf(segment);
        return largest >= 0 && largest < nowMs - retentionMs;
    }
}
