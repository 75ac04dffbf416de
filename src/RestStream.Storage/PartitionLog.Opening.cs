using RestStream.Storage.Files;
using RestStream.Storage.Records;
using RestStream.Storage.Segments;

namespace RestStream.Storage;

public sealed partial class PartitionLog
{
    // False after a clean stop until the end of the active segment was looked at, which happens at the first read or write.
    private volatile bool _tailChecked;

    // Snapshot files found at the start that no segment begins at.
    private readonly List<long> _straySnapshots = [];

    /// <summary>Makes the directory with partition.metadata, leader-epoch-checkpoint and an empty first segment, all flushed, the parent directory too.</summary>
    internal static PartitionLog Create(
        IFileSystem files, string logDirectory, TopicPartition id, Guid topicId, LogConfig config, TimeProvider clock, Action<StorageEvent> onEvent)
    {
        var directory = Path.Combine(logDirectory, id.ToString());
        files.CreateDirectory(directory);
        PartitionMetadata.Write(files, directory, topicId);
        var epochs = new LeaderEpochs();
        epochs.Assign(0, 0);
        AtomicFile.WriteTemporary(files, Path.Combine(directory, LeaderEpochs.FileName), epochs.ToBytes(), flush: true);
        var log = new PartitionLog(files, directory, id, config, clock, onEvent)
        {
            _topicId = topicId,
            _epochs = epochs,
            _leaderEpoch = 0,
            _producers = new ProducerStates(),
            _tailChecked = true,
        };
        log.StartEmpty(0);
        files.FlushDirectory(directory);
        files.FlushDirectory(logDirectory);
        return log;
    }

    /// <summary>
    /// Opens an existing partition directory and recovers it as <paramref name="how"/> says. Files are opened only when needed after a clean stop.
    /// After an unclean one everything that was found is flushed when this returns, so <see cref="RecoveryPoint"/> is the end of the log.
    /// </summary>
    internal static PartitionLog Open(
        IFileSystem files, string logDirectory, string directoryName, LogConfig config, OpenLog how, TimeProvider clock, Action<StorageEvent> onEvent)
    {
        var directory = Path.Combine(logDirectory, directoryName);
        var log = new PartitionLog(files, directory, ParseDirectoryName(directoryName), config, clock, onEvent) { FirstDirtyOffset = how.CleanedTo };
        var bases = log.FindSegments(files.List(directory));
        log._segments = [.. bases.Select(b => new LogSegment(files, directory, b, files.FileLength(Path.Combine(directory, SegmentNames.File(b, SegmentNames.LogSuffix)))))];
        if (bases.Count == 0)
        {
            log.StartEmpty(Math.Max(0, how.LogStartOffset));
            files.FlushDirectory(directory);
            if (how.CleanShutdown && how.RecoveryPoint <= log._nextOffset)
                log._tailChecked = true;
        }
        var first = log._segments[0].BaseOffset;
        log._logStartOffset = Math.Max(first, how.LogStartOffset);
        if (!log._tailChecked && how.CleanShutdown && !how.VerifyAll && log.TrustEnd(how.RecoveryPoint))
            return log;
        new LogRecovery(log, how).Run();
        log.Flush();
        return log;
    }

    private static TopicPartition ParseDirectoryName(string name)
    {
        var dash = name.LastIndexOf('-');
        return dash > 0 && int.TryParse(name.AsSpan(dash + 1), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var partition)
            ? new(name[..dash], partition)
            : throw new ArgumentException($"'{name}' is not the name of a partition directory.", nameof(name));
    }

    private void StartEmpty(long baseOffset)
    {
        var segment = new LogSegment(_files, _directory, baseOffset, size: 0);
        segment.CreateFile();
        segment.Log.Flush();
        segment.IndexesDirty = true;
        segment.WriteIndexes();
        _segments = [segment];
        _openedProducersAt = _nextOffset = _highWatermark = _logStartOffset = _recoveryPoint = baseOffset;
    }

    /// <summary>Base offsets of the segments, after unfinished renames and deletions were finished as Kafka does it.</summary>
    private List<long> FindSegments(IReadOnlyList<string> names)
    {
        var present = names.ToHashSet();
        void Delete(string name)
        {
            _files.DeleteFile(Path.Combine(_directory, name));
            present.Remove(name);
        }
        foreach (var name in names)
        {
            if (name.EndsWith(SegmentNames.DeletedSuffix, StringComparison.Ordinal) || name.EndsWith(AtomicFile.TemporarySuffix, StringComparison.Ordinal))
                Delete(name);
        }
        FinishSwaps(present, Delete);
        var bases = new List<long>();
        foreach (var name in present)
        {
            if (SegmentNames.TryParse(name, SegmentNames.LogSuffix, out var baseOffset))
                bases.Add(baseOffset);
        }
        bases.Sort();
        foreach (var name in present.ToArray())
        {
            // An index without its log answers nothing.
            foreach (var suffix in (ReadOnlySpan<string>)[SegmentNames.IndexSuffix, SegmentNames.TimeIndexSuffix, SegmentNames.TransactionIndexSuffix])
            {
                if (SegmentNames.TryParse(name, suffix, out var orphan) && bases.BinarySearch(orphan) < 0)
                    Delete(name);
            }
            if (SegmentNames.TryParse(name, SegmentNames.SnapshotSuffix, out var snapshot) && bases.BinarySearch(snapshot) < 0)
                _straySnapshots.Add(snapshot);
        }
        return bases;
    }

    /// <summary>
    /// A compaction that got as far as <c>.swap</c> is finished, one that only wrote <c>.cleaned</c> files is undone
    /// (with those <c>.swap</c> files that belong to the same unfinished split).
    /// </summary>
    private void FinishSwaps(HashSet<string> present, Action<string> delete)
    {
        var cleaned = present.Where(name => name.EndsWith(SegmentNames.CleanedSuffix, StringComparison.Ordinal)).ToArray();
        var smallestCleaned = cleaned.Select(BaseOf).DefaultIfEmpty(long.MaxValue).Min();
        var swaps = new List<(long BaseOffset, string Name)>();
        foreach (var name in present.Where(name => name.EndsWith(SegmentNames.SwapSuffix, StringComparison.Ordinal)).ToArray())
        {
            if (BaseOf(name) >= smallestCleaned)
                delete(name);
            else
                swaps.Add((BaseOf(name), name));
        }
        // The cleaned ones last: while one is there, a start that is cut short here is seen to be about the same unfinished work.
        foreach (var name in cleaned)
            delete(name);
        var logSwaps = swaps.Where(swap => swap.Name.EndsWith(SegmentNames.LogSuffix + SegmentNames.SwapSuffix, StringComparison.Ordinal)).ToList();
        if (logSwaps.Count > 0)
        {
            var from = logSwaps.Min(swap => swap.BaseOffset);
            var to = logSwaps.Max(swap => EndOffsetOf(Path.Combine(_directory, swap.Name), swap.BaseOffset));
            foreach (var name in present.ToArray())
            {
                if (SegmentNames.TryParse(name, SegmentNames.LogSuffix, out var replaced) && replaced >= from && replaced < to)
                {
                    delete(name);
                    foreach (var suffix in SegmentNames.Companions)
                    {
                        if (present.Contains(SegmentNames.File(replaced, suffix)) && (suffix != SegmentNames.SnapshotSuffix || replaced != from))
                            delete(SegmentNames.File(replaced, suffix));
                    }
                }
            }
        }
        // The log last, as when it was exchanged: while it has not got its name, the start after this one sees that there is something to finish.
        foreach (var (_, name) in swaps.OrderBy(swap => logSwaps.Contains(swap)))
        {
            var real = name[..^SegmentNames.SwapSuffix.Length];
            _files.Rename(Path.Combine(_directory, name), Path.Combine(_directory, real));
            present.Remove(name);
            present.Add(real);
        }
    }

    /// <summary>The offset that a file is named after; a name without one belongs to no segment and counts as the last.</summary>
    private static long BaseOf(string name) => name.Length >= 20 && long.TryParse(name.AsSpan(0, 20), out var baseOffset) ? baseOffset : long.MaxValue;

    private long EndOffsetOf(string path, long baseOffset)
    {
        using var file = _files.Open(path, create: false);
        using var window = new FileWindow(file, file.Length, 64 * 1024);
        var walk = new HeaderWalk(window, [], 0, baseOffset);
        var end = baseOffset;
        while (walk.MoveNext())
            end = walk.Header.NextOffset;
        return end;
    }

    /// <summary>After a clean stop the end of the log is known without opening a file: the checkpoint and the name of the newest producer snapshot agree on it.</summary>
    private bool TrustEnd(long end)
    {
        if (end < Active.BaseOffset || end < _logStartOffset)
            return false;
        var snapshots = _straySnapshots.Where(offset => offset > Active.BaseOffset).ToList();
        if (end == Active.BaseOffset ? snapshots.Count > 0 || Active.Size > 0 : snapshots.Count == 0 || snapshots.Max() != end || Active.Size == 0)
            return false;
        _openedProducersAt = _nextOffset = _highWatermark = _recoveryPoint = end;
        return true;
    }

    /// <summary>
    /// The look at the active segment that a clean start puts off: loads its indexes and checks that the chain of headers ends where the log is said to end.
    /// If not, the segment is recovered now, with everything below the known end counting as durable.
    /// </summary>
    private void CheckTail()
    {
        if (_tailChecked)
            return;
        lock (_writeLock)
        {
            if (_tailChecked)
                return;
            var active = Active;
            if (active.TryLoadIndexes(active.Size, _config.IndexIntervalBytes, out var end) is { } indexes && end == _nextOffset)
            {
                active.KeepIndexes(indexes, forGood: true);
                if (active.Size > 0)
                    active.FirstBatchTimestamp = ReadFirstTimestamp(active);
            }
            else
            {
                var how = new OpenLog { CleanShutdown = false, RecoveryPoint = _nextOffset, DurableEnd = _nextOffset, LogStartOffset = _logStartOffset };
                var epoch = LeaderEpoch;
                new LogRecovery(this, how).Run();
                _leaderEpoch = epoch;
            }
            _tailChecked = true;
        }
    }

    private static long ReadFirstTimestamp(LogSegment segment)
    {
        Span<byte> bytes = stackalloc byte[RecordBatchHeader.Size];
        return segment.Log.Read(bytes, 0) == bytes.Length ? RecordBatchHeader.Read(bytes).MaxTimestamp : -1;
    }

    /// <summary>The state at an offset that was the end of the log or the base of a segment: from its snapshot, else replayed from an older one.</summary>
    private ProducerStates LoadProducers(long offset)
    {
        var candidates = new SortedSet<long>(_straySnapshots.Where(stray => stray <= offset));
        foreach (var segment in _segments)
        {
            if (segment.BaseOffset <= offset)
                candidates.Add(segment.BaseOffset);
        }
        foreach (var candidate in candidates.Reverse())
        {
            var path = SnapshotPath(candidate);
            if (!_files.FileExists(path))
                continue;
            if (ProducerSnapshot.TryParse(AtomicFile.Read(_files, path)) is { } states)
                return Replay(states, candidate, offset);
            AtomicFile.Quarantine(_files, path);
            _straySnapshots.Remove(candidate);
        }
        return Replay(new ProducerStates(), _segments[0].BaseOffset, offset);
    }

    private ProducerStates Replay(ProducerStates states, long from, long to)
    {
        if (from < to)
            WalkHeaders(from, to, (in RecordBatchHeader header, ReadOnlySpan<byte> batch) => states.Update(header, batch));
        return states;
    }

    private LeaderEpochs LoadEpochs()
    {
        var path = Path.Combine(_directory, LeaderEpochs.FileName);
        if (_files.FileExists(path))
        {
            if (LeaderEpochs.TryParse(AtomicFile.Read(_files, path)) is { } epochs)
                return epochs;
            AtomicFile.Quarantine(_files, path);
        }
        var rebuilt = new LeaderEpochs();
        WalkHeaders(_segments[0].BaseOffset, long.MaxValue, (in RecordBatchHeader header, ReadOnlySpan<byte> _) => rebuilt.Assign(header.PartitionLeaderEpoch, header.BaseOffset));
        if (rebuilt.Entries.Count == 0)
            rebuilt.Assign(0, LogStartOffset);
        _epochsDirty = _changed = true;
        return rebuilt;
    }

    private List<AbortedTransaction> LoadAborted(LogSegment segment)
    {
        var path = segment.PathOf(SegmentNames.TransactionIndexSuffix);
        return _files.FileExists(path) ? TransactionIndex.TryParse(AtomicFile.Read(_files, path)) ?? [] : [];
    }

    private delegate void BatchSeen(in RecordBatchHeader header, ReadOnlySpan<byte> batch);

    /// <summary>Shows every batch between two offsets, the body only of control batches. Stops a segment at damage: what lies behind is found when it is scanned.</summary>
    private void WalkHeaders(long from, long to, BatchSeen seen)
    {
        var segments = _segments;
        for (var i = 0; i < segments.Length; i++)
        {
            if ((i + 1 < segments.Length && segments[i + 1].BaseOffset <= from) || segments[i].BaseOffset >= to)
                continue;
            using var window = new FileWindow(segments[i].Log, segments[i].Size, 256 * 1024);
            var walk = new HeaderWalk(window, segments[i].Holes, 0, segments[i].BaseOffset);
            while (walk.MoveNext() && walk.Header.BaseOffset < to)
            {
                if (walk.Header.BaseOffset < from)
                    continue;
                var batch = walk.Header.IsControl && walk.Header.TotalBytes <= window.Capacity ? window.Get(walk.Position, (int)walk.Header.TotalBytes) : default;
                seen(walk.Header, batch);
            }
        }
    }

    /// <summary>Deletes snapshots that neither a segment nor the end of the log needs any more.</summary>
    private void DropStraySnapshots()
    {
        foreach (var stray in _straySnapshots)
        {
            if (stray != _nextOffset && !Array.Exists(_segments, segment => segment.BaseOffset == stray) && _files.FileExists(SnapshotPath(stray)))
                _files.DeleteFile(SnapshotPath(stray));
        }
        _straySnapshots.Clear();
    }
}
