using RestStream.Storage.Files;
using RestStream.Storage.Records;
using RestStream.Storage.Segments;

namespace RestStream.Storage;

public sealed partial class PartitionLog
{
    private readonly Lock _flushLock = new();

    // Closed segments that hold unflushed bytes or unwritten indexes, oldest first. Guarded by the write lock.
    private readonly List<LogSegment> _dirtySegments = [];

    // Segments closed since the last Publish: their last batches are not visible yet.
    private readonly List<LogSegment> _unpublished = [];

    // Producer snapshots taken at rolls, written with the next flush.
    private readonly List<(long Offset, byte[] Content)> _pendingSnapshots = [];
    private bool _activeDirty;
    private bool _directoryDirty;
    private bool _epochsDirty;
    private bool _changed;
    private volatile bool _failed;
    private volatile bool _abandoned;
    private long _unflushedBytes;
    private int? _leaderEpoch;
    private LeaderEpochs? _epochs;
    private ProducerStates? _producers;

    // Where the producers' state was when the log was opened; it is read from that snapshot when first needed.
    private long _openedProducersAt;

    /// <summary>What <see cref="Open"/> did.</summary>
    internal LogOpened Opened { get; private set; } = new(0, 0, 0, 0);

    /// <summary>Next offset to be written; at or above <see cref="HighWatermark"/>. Committer thread.</summary>
    internal long NextOffset => Volatile.Read(ref _nextOffset);

    /// <summary>Everything below is flushed in its segment.</summary>
    internal long RecoveryPoint => Volatile.Read(ref _recoveryPoint);

    /// <summary>Bytes written since the last flush began.</summary>
    internal long UnflushedBytes => Volatile.Read(ref _unflushedBytes);

    /// <summary>First offset of the oldest open transaction, or the high watermark.</summary>
    internal long LastStableOffset
    {
        get
        {
            lock (_writeLock)
                return Producers.FirstOpenTransactionOffset is >= 0 and var open ? Math.Min(open, HighWatermark) : HighWatermark;
        }
    }

    /// <summary>The producers' state at <see cref="NextOffset"/>. Hold the write lock.</summary>
    internal ProducerStates Producers => _producers ??= LoadProducers(_openedProducersAt);

    /// <summary>Hold the write lock.</summary>
    internal LeaderEpochs Epochs => _epochs ??= LoadEpochs();

    private LogSegment Active => _segments[^1];

    /// <summary>Makes sure that the next <see cref="Write"/> of so many bytes finds room on the disk (reserves blocks, opens the segment). A disk-full IOException leaves everything as it was. Committer thread.</summary>
    internal void Reserve(long bytes)
    {
        lock (_writeLock)
        {
            ThrowIfClosed();
            CheckTail();
            if (Active.Size > 0 && Active.Size + bytes > _config.SegmentBytes)
                Roll(_nextOffset);
            Active.Reserve(Active.Size + bytes);
        }
    }

    /// <summary>
    /// Writes finished batches (offsets and epoch set, the first one's base offset is <see cref="NextOffset"/>, each then continues the one before), rolling segments as needed, one pwritev per segment touched;
    /// adds index entries; moves <see cref="NextOffset"/>. After an exception the log takes no more writes. Committer thread.
    /// </summary>
    internal void Write(IReadOnlyList<ReadOnlyMemory<byte>> batches)
    {
        lock (_writeLock)
        {
            ThrowIfClosed();
            CheckTail();
            _failed = true;
            WriteLocked(batches);
            _failed = false;
        }
    }

    /// <summary>Moves <see cref="HighWatermark"/> to <see cref="NextOffset"/> and calls <see cref="Advanced"/>. Committer thread.</summary>
    internal void Publish()
    {
        lock (_writeLock)
        {
            foreach (var segment in _unpublished)
                segment.PublishedSize = segment.Size;
            _unpublished.Clear();
            Active.PublishedSize = Active.Size;
            Volatile.Write(ref _highWatermark, _nextOffset);
        }
        Advanced?.Invoke();
    }

    /// <summary>Makes what was written when it was called durable (all dirty segments, oldest first), then moves <see cref="RecoveryPoint"/> there and returns it. May run beside <see cref="Write"/>; one flush at a time.</summary>
    internal long Flush()
    {
        lock (_flushLock)
        {
            LogSegment[] closed;
            LogSegment? active;
            (long Offset, byte[] Content)[] snapshots;
            byte[]? epochs;
            long target;
            bool directory;
            lock (_writeLock)
            {
                ThrowIfAbandoned();
                target = _nextOffset;
                closed = [.. _dirtySegments];
                active = _activeDirty ? Active : null;
                snapshots = [.. _pendingSnapshots];
                epochs = _epochsDirty ? Epochs.ToBytes() : null;
                directory = _directoryDirty;
                _activeDirty = _directoryDirty = _epochsDirty = false;
                Volatile.Write(ref _unflushedBytes, 0);
            }
            if (closed.Length == 0 && active is null && snapshots.Length == 0 && epochs is null && !directory)
            {
                Volatile.Write(ref _recoveryPoint, target);
                return target;
            }
            try
            {
                foreach (var segment in closed)
                    FlushClosed(segment);
                active?.Log.Flush();
                if (directory || closed.Length > 0)
                    _files.FlushDirectory(_directory);
            }
            catch
            {
                // What the disk holds is unknown now. The next start reads it again.
                _failed = true;
                throw;
            }
            lock (_writeLock)
                Volatile.Write(ref _recoveryPoint, target);
            WriteDerived(closed, snapshots, epochs);
            return target;
        }
    }

    /// <summary>
    /// Writes the files that are made from the log and can be made from it again: indexes, producer snapshots, the epoch checkpoint.
    /// When the disk is full, or no descriptor is left, they stay due for the next flush: the records are safe without them, and a crash until then only costs the next start a scan.
    /// </summary>
    private void WriteDerived(LogSegment[] closed, (long Offset, byte[] Content)[] snapshots, byte[]? epochs)
    {
        try
        {
            foreach (var segment in closed)
                WriteIndexesOf(segment);
            foreach (var (offset, content) in snapshots)
                AtomicFile.WriteTemporary(_files, SnapshotPath(offset), content, flush: true);
            if (epochs is not null)
                AtomicFile.WriteTemporary(_files, Path.Combine(_directory, LeaderEpochs.FileName), epochs, flush: true);
            if (snapshots.Length > 0 || epochs is not null || closed.Length > 0)
                _files.FlushDirectory(_directory);
        }
        catch (IOException error) when (DiskErrors.IsShortage(error))
        {
            lock (_writeLock)
                _epochsDirty |= epochs is not null;
            return;
        }
        catch
        {
            _failed = true;
            throw;
        }
        lock (_writeLock)
        {
            _dirtySegments.RemoveRange(0, closed.Length);
            _pendingSnapshots.RemoveRange(0, snapshots.Length);
        }
    }

    /// <summary>Clean stop: final time index entry, indexes trimmed and written, producer snapshot at the end, everything flushed, files closed.</summary>
    internal void Close()
    {
        lock (_flushLock)
            lock (_writeLock)
            {
                if (_abandoned)
                    return;
                if (_changed && !_failed)
                {
                    var active = Active;
                    active.IndexesInMemory?.Finish();
                    active.IndexesDirty = true;
                    active.Trim();
                    _pendingSnapshots.Add((_nextOffset, ProducerSnapshot.ToBytes(Producers)));
                    if (Epochs.Assign(LeaderEpoch, _nextOffset))
                        _epochsDirty = true;
                    _dirtySegments.Add(active);
                    Flush();
                    DropStraySnapshots();
                }
                CloseFiles();
            }
    }

    /// <summary>Closes the files without writing anything (a failed disk, a deleted topic). Reads from now on fail with <see cref="StorageError.PartitionDeleted"/>.</summary>
    internal void Abandon()
    {
        lock (_writeLock)
            CloseFiles();
        Advanced?.Invoke();
    }

    private void WriteLocked(IReadOnlyList<ReadOnlyMemory<byte>> batches)
    {
        var active = Active;
        var first = 0;
        var position = active.Size;
        var nextOffset = _nextOffset;
        for (var i = 0; i < batches.Count; i++)
        {
            var batch = batches[i].Span;
            var header = RecordBatchHeader.Read(batch);
            if (header.BaseOffset != nextOffset)
                throw new ArgumentException($"A batch at offset {header.BaseOffset} cannot follow offset {nextOffset - 1} of {Id}.", nameof(batches));
            if (MustRoll(active, position, header))
            {
                WriteRange(active, batches, first, i, position);
                Volatile.Write(ref _nextOffset, nextOffset);
                Roll(nextOffset);
                active = Active;
                (first, position) = (i, 0);
            }
            active.Index(header, position, _config.IndexIntervalBytes);
            if (header.HasProducer && Producers.Update(header, batch) is { } aborted)
                (active.Aborted ??= LoadAborted(active)).Add(aborted);
            if (header.PartitionLeaderEpoch > Epochs.Latest && Epochs.Assign(header.PartitionLeaderEpoch, header.BaseOffset))
                _epochsDirty = true;
            position += batch.Length;
            nextOffset = header.NextOffset;
        }
        WriteRange(active, batches, first, batches.Count, position);
        Volatile.Write(ref _nextOffset, nextOffset);
    }

    private void WriteRange(LogSegment segment, IReadOnlyList<ReadOnlyMemory<byte>> batches, int from, int to, long endPosition)
    {
        if (from == to)
            return;
        var start = segment.Size;
        if (to - from == 1)
            segment.Log.Write(batches[from].Span, start);
        else
            segment.Log.Write(from == 0 && to == batches.Count ? batches : [.. batches.Skip(from).Take(to - from)], start);
        segment.Size = endPosition;
        _activeDirty = true;
        _changed = true;
        Volatile.Write(ref _unflushedBytes, _unflushedBytes + endPosition - start);
    }

    private bool MustRoll(LogSegment active, long position, in RecordBatchHeader header)
    {
        if (position == 0)
            return header.LastOffset - active.BaseOffset > int.MaxValue;
        var config = _config;
        var indexes = active.IndexesInMemory!;
        return position + header.TotalBytes > config.SegmentBytes
            || (active.FirstBatchTimestamp >= 0 && header.MaxTimestamp - active.FirstBatchTimestamp > config.RollMs)
            || indexes.Offsets.Count >= config.SegmentIndexBytes / OffsetIndex.EntryBytes
            || indexes.Times.Count >= config.SegmentIndexBytes / TimeIndex.EntryBytes - 1
            || header.LastOffset - active.BaseOffset > int.MaxValue;
    }

    /// <summary>Closes the active segment and starts one at this offset. A disk-full error leaves everything as it was. Hold the write lock.</summary>
    private void Roll(long baseOffset)
    {
        var next = new LogSegment(_files, _directory, baseOffset, size: 0);
        try
        {
            next.CreateFile();
        }
        catch (IOException)
        {
            next.Dispose();
            if (_files.FileExists(next.PathOf(SegmentNames.LogSuffix)))
                _files.DeleteFile(next.PathOf(SegmentNames.LogSuffix));
            throw;
        }
        var snapshot = ProducerSnapshot.ToBytes(Producers);
        var closed = Active;
        closed.IndexesInMemory?.Finish();
        closed.IndexesDirty = true;
        next.IndexesDirty = true;
        _pendingSnapshots.Add((baseOffset, snapshot));
        _dirtySegments.Add(closed);
        _unpublished.Add(closed);
        _directoryDirty = _changed = true;
        _segments = [.. _segments, next];
        _onEvent(new(StorageEventKind.SegmentRolled, $"{Id} rolled a segment at offset {baseOffset}.", Id));
    }

    private void FlushClosed(LogSegment segment)
    {
        if (segment.Retired)
            return;
        try
        {
            segment.Trim();
            segment.Log.Flush();
        }
        catch (Exception error) when (error is ObjectDisposedException or FileNotFoundException && segment.Retired)
        {
            // Dropped by retention meanwhile: nobody needs its bytes on disk any more.
        }
    }

    private void WriteIndexesOf(LogSegment segment)
    {
        if (segment.Retired)
            return;
        try
        {
            segment.WriteIndexes();
            if (segment != Active && segment.IndexesInMemory is { } indexes)
                segment.KeepIndexes(indexes, forGood: false);
        }
        catch (Exception error) when (error is ObjectDisposedException or FileNotFoundException && segment.Retired)
        {
            // Dropped by retention meanwhile: nobody needs its bytes on disk any more.
        }
    }

    private void CloseFiles()
    {
        _abandoned = true;
        foreach (var segment in _segments)
            segment.Dispose();
        foreach (var (segment, _, _) in _retired)
            segment.Dispose();
    }

    private void ThrowIfClosed()
    {
        ThrowIfAbandoned();
        if (_failed)
            throw new StorageException(StorageError.WritesStopped, $"{Id} takes no more writes after a failed one. Restart the server: it reads the disk again.");
    }

    private void ThrowIfAbandoned()
    {
        if (_abandoned)
            throw Deleted();
    }

    private StorageException Deleted() => new(StorageError.PartitionDeleted, $"Partition {Id} was deleted or closed.");

    private string SnapshotPath(long offset) => Path.Combine(_directory, SegmentNames.File(offset, SegmentNames.SnapshotSuffix));
}

/// <summary>How to open a partition directory.</summary>
internal sealed record OpenLog
{
    /// <summary>The clean-shutdown marker was there: nothing is scanned.</summary>
    public required bool CleanShutdown { get; init; }

    /// <summary>From recovery-point-offset-checkpoint; 0 when unknown. Scanning starts at the first byte of the segment that holds it.</summary>
    public required long RecoveryPoint { get; init; }

    /// <summary>
    /// Every offset below was acknowledged durable for certain; a bad batch below it is damage and never truncates. At or above it the first bad batch ends the log: nobody was promised what follows.
    /// <see cref="long.MaxValue"/> when nothing is known (a directory that another program wrote): then only a tail with no valid batch behind it is cut.
    /// </summary>
    public required long DurableEnd { get; init; }

    /// <summary>From log-start-offset-checkpoint; -1 when absent.</summary>
    public required long LogStartOffset { get; init; }

    /// <summary>From cleaner-offset-checkpoint: up to where the log was compacted; -1 when it never was.</summary>
    public long CleanedTo { get; init; } = -1;

    /// <summary>Scan every segment.</summary>
    public bool VerifyAll { get; init; }

    /// <summary>The journal's copy of the batch with this base offset, or null: mends a bad batch in place, and continues the log at its end.</summary>
    public Func<long, byte[]?>? JournalBatchAt { get; init; }
}

internal sealed record LogOpened(long ScannedBytes, int RepairedBatches, int ReplayedBatches, long TornBytes);
