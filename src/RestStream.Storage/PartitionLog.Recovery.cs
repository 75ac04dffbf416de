using RestStream.Storage.Files;
using RestStream.Storage.Segments;

namespace RestStream.Storage;

public sealed partial class PartitionLog
{
    /// <summary>
    /// Reads what may not have been flushed, batch by batch, and brings files and memory in line: cuts a torn end, keeping the bytes; mends from the journal;
    /// remembers damage; rebuilds indexes, producers and epochs; lets the journal continue the log; starts a new segment behind damage at the end.
    /// </summary>
    private sealed class LogRecovery(PartitionLog log, OpenLog how)
    {
        private long _scannedBytes, _tornBytes;
        private int _repaired, _replayed;

        public void Run()
        {
            log._tailChecked = true;
            var scanFrom = how.VerifyAll ? 0 : Math.Max(0, Array.FindLastIndex(log._segments, segment => segment.BaseOffset <= how.RecoveryPoint));
            log._epochs = null;
            var epochs = log.Epochs;
            log._producers = log.LoadProducers(log._segments[scanFrom].BaseOffset);
            ForgetNewerSnapshots(log._segments[scanFrom].BaseOffset);
            var endsInDamage = ScanFrom(scanFrom);
            // Also an epoch whose batches are cut now was seen by someone: the next one is a new one.
            var latestEpoch = epochs.Latest;
            if (epochs.TruncateEnd(log._nextOffset))
                log._epochsDirty = true;

            Replay();
            if (log._nextOffset < how.DurableEnd && how.DurableEnd != long.MaxValue)
            {
                log.AddDamage([new(log._nextOffset, how.DurableEnd, log.Active.Name, log.Active.Size, "the end of the log is missing")]);
                Volatile.Write(ref log._nextOffset, how.DurableEnd);
                endsInDamage = true;
            }
            if (log._nextOffset < log._logStartOffset)
            {
                // Everything that was kept lies below the start: go on there.
                Volatile.Write(ref log._nextOffset, log._logStartOffset);
                endsInDamage = true;
            }
            if (endsInDamage && log._nextOffset > log.Active.BaseOffset)
                log.Roll(log._nextOffset);

            log._leaderEpoch = latestEpoch + 1;
            if (epochs.TruncateStart(log._logStartOffset))
                log._epochsDirty = true;
            log._changed = log._activeDirty = log._directoryDirty = true;
            if (!log._pendingSnapshots.Exists(snapshot => snapshot.Offset == log._nextOffset))
                log._pendingSnapshots.Add((log._nextOffset, ProducerSnapshot.ToBytes(log._producers)));
            log._straySnapshots.Add(log._nextOffset);
            foreach (var segment in log._segments)
                segment.PublishedSize = segment.Size;
            log._unpublished.Clear();
            Volatile.Write(ref log._highWatermark, log._nextOffset);
            log.Opened = new(_scannedBytes, _repaired, _replayed, _tornBytes);
        }

        /// <summary>
        /// Where compaction left gaps, an offset that is missing is none that the journal must fill. What may be missing for another reason lies above the recovery point:
        /// compaction flushes before it begins.
        /// </summary>
        private byte[]? JournalBatchAt(long offset) => log.MayHaveGaps && offset < how.RecoveryPoint ? null : how.JournalBatchAt?.Invoke(offset);

        /// <summary>Returns whether the last segment ends in damage, so that the log must go on in a new one.</summary>
        private bool ScanFrom(int first)
        {
            var endsInDamage = false;
            for (var i = first; i < log._segments.Length; i++)
            {
                var segment = log._segments[i];
                var isLast = i == log._segments.Length - 1;
                var scan = new SegmentScan
                {
                    File = segment.Log,
                    Name = segment.Name,
                    BaseOffset = segment.BaseOffset,
                    Length = segment.Size,
                    NextBase = isLast ? -1 : log._segments[i + 1].BaseOffset,
                    DurableEnd = how.DurableEnd,
                    IndexIntervalBytes = log._config.IndexIntervalBytes,
                    Compacted = log.MayHaveGaps,
                    JournalBatchAt = JournalBatchAt,
                    Producers = log._producers,
                };
                scan.Run();
                _scannedBytes += scan.Length;
                _repaired += scan.Repaired;
                log.Adopt(segment, scan);
                Volatile.Write(ref log._nextOffset, scan.EndOffset);
                segment.Size = scan.Length;
                if (scan.EndsLog)
                {
                    Cut(segment, scan.EndPosition, i);
                    isLast = true;
                }
                if (isLast)
                {
                    segment.KeepIndexes(scan.Indexes, forGood: true);
                    return scan.EndsInDamage && !scan.EndsLog;
                }
                scan.Indexes.Finish();
                segment.KeepIndexes(scan.Indexes, forGood: true);
                segment.IndexesDirty = true;
                log._dirtySegments.Add(segment);
                SnapshotAt(log._segments[i + 1].BaseOffset);
            }
            return endsInDamage;
        }

        private void SnapshotAt(long offset) => log._pendingSnapshots.Add((offset, ProducerSnapshot.ToBytes(log._producers!)));

        /// <summary>Ends the log in this segment. The bytes behind the end, and later segments, are kept beside it under names that no one reads.</summary>
        private void Cut(LogSegment segment, long endPosition, int index)
        {
            var stamp = log._clock.GetUtcNow().ToUnixTimeMilliseconds();
            var torn = segment.Size - endPosition;
            if (torn > 0)
                KeepTail(segment, endPosition, segment.PathOf(SegmentNames.LogSuffix) + $".torn-{stamp}");
            segment.Size = Math.Min(segment.Size, endPosition);
            if (torn > 0)
                segment.Log.SetLength(segment.Size);
            foreach (var later in log._segments[(index + 1)..])
            {
                torn += later.Size;
                later.Dispose();
                log._files.Rename(later.PathOf(SegmentNames.LogSuffix), later.PathOf(SegmentNames.LogSuffix) + $".torn-{stamp}");
                foreach (var suffix in SegmentNames.Companions)
                {
                    if (log._files.FileExists(later.PathOf(suffix)))
                        log._files.DeleteFile(later.PathOf(suffix));
                }
            }
            log._segments = log._segments[..(index + 1)];
            _tornBytes += torn;
            if (torn > 0)
            {
                log._onEvent(new(
                    StorageEventKind.TornTailCut,
                    $"Cut {torn} torn bytes off {log.Id}, kept as *.torn-{stamp} in its directory; the log now ends at offset {log._nextOffset}.", log.Id));
            }
        }

        private void KeepTail(LogSegment segment, long from, string path)
        {
            var buffer = new byte[Math.Min(segment.Size - from, 1024 * 1024)];
            IFile? kept = null;
            try
            {
                for (var position = from; position < segment.Size;)
                {
                    var read = segment.Log.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, segment.Size - position)), position);
                    if (read == 0)
                        break;
                    // A preallocated file ends in zeros, up to a gigabyte of them. They say nothing.
                    var piece = buffer.AsSpan(0, read);
                    if (piece.ContainsAnyExcept((byte)0))
                    {
                        kept ??= log._files.Open(path, create: true);
                        kept.Write(piece, position - from);
                    }
                    position += read;
                }
            }
            finally
            {
                kept?.Dispose();
            }
        }

        /// <summary>The journal continues the log where the segments end.</summary>
        private void Replay()
        {
            while (how.JournalBatchAt?.Invoke(log._nextOffset) is { } batch)
            {
                log.WriteLocked([batch]);
                _replayed++;
            }
        }

        private void ForgetNewerSnapshots(long offset)
        {
            foreach (var name in log._files.List(log._directory))
            {
                if (SegmentNames.TryParse(name, SegmentNames.SnapshotSuffix, out var newer) && newer > offset)
                    log._files.DeleteFile(Path.Combine(log._directory, name));
            }
            log._straySnapshots.RemoveAll(stray => stray > offset);
            log.DropStraySnapshots();
        }
    }

    /// <summary>Takes over what a scan found out about a segment, except its indexes and size.</summary>
    private void Adopt(LogSegment segment, SegmentScan scan)
    {
        segment.Holes = [.. scan.Holes];
        segment.FirstBatchTimestamp = scan.FirstBatchTimestamp;
        if (scan.Producers is not null)
        {
            segment.Aborted = scan.Aborted;
            foreach (var (epoch, startOffset) in scan.Epochs)
                _epochsDirty |= Epochs.Assign(epoch, startOffset);
        }
        if (scan.Repaired > 0)
            _onEvent(new(StorageEventKind.BatchRepaired, $"Repaired {scan.Repaired} damaged batches in {segment.Name} of {Id}; nothing was lost there.", Id));
        AddDamage(scan.Damage);
    }
}
