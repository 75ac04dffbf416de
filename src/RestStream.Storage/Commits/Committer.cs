using RestStream.Storage.Journal;
using RestStream.Storage.Records;

namespace RestStream.Storage.Commits;

/// <summary>
/// The only writer of a data directory. Takes everything that waits as one group, makes it durable as the topics ask (one journal write and flush for all,
/// or for few large batches a flush of their segments), shows it to readers and answers.
/// While one group is being flushed the next one gathers, so the group grows with the load; an idle server flushes at once.
/// Failure policy: no room refuses the appends that needed it and changes nothing; any other failed write or flush stops all writes for good,
/// because after a failed flush the kernel may have dropped the pages and a second flush would lie.
/// </summary>
internal sealed class Committer
{
    /// <summary>Most bytes in one group: keeps the journal entry and the answer time of a group bounded.</summary>
    private const int MaxGroupBytes = 8 * 1024 * 1024;

    private readonly LogDirectoryOptions _options;
    private readonly CommitJournal _journal;
    private readonly SegmentFlusher _flusher;
    private readonly TimeProvider _clock;
    private readonly Action<StorageEvent> _onEvent;
    private readonly Func<bool> _hasRoom;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _wake = new(false, spinCount: 20);
    private readonly List<AppendUnit> _group = [];
    private readonly List<PartitionLog> _logs = [];
    private readonly List<(PartitionLog Log, long End)> _marks = [];
    private CommitUnit? _waiting;
    private CommitUnit? _taken;
    private long _queuedBytes;
    private int _stopping;
    private volatile string? _stoppedReason;
    private bool _diskFull;
    private bool _noRoom;

    public Committer(
        LogDirectoryOptions options, CommitJournal journal, SegmentFlusher flusher, TimeProvider clock, Action<StorageEvent> onEvent, Func<bool> hasRoom)
    {
        (_options, _journal, _flusher, _clock, _onEvent, _hasRoom) = (options, journal, flusher, clock, onEvent, hasRoom);
        _thread = new Thread(Run) { Name = "reststream-committer", IsBackground = true };
        _thread.Start();
    }

    public string? WritesStoppedReason => _stoppedReason;

    public bool DiskFull => Volatile.Read(ref _diskFull);

    public void Enqueue(CommitUnit unit)
    {
        if (Volatile.Read(ref _stopping) != 0)
        {
            unit.Fail(new StorageException(StorageError.WritesStopped, "The server is shutting down. Try again when it is back."));
            return;
        }
        if (Interlocked.Add(ref _queuedBytes, unit.Bytes) > _options.MaxQueuedBytes && unit.Bytes > 0)
        {
            Interlocked.Add(ref _queuedBytes, -unit.Bytes);
            unit.Fail(new StorageException(StorageError.Overloaded,
                $"More than {_options.MaxQueuedBytes} bytes of appends wait for the disk. Try again in a second, or send fewer at a time."));
            return;
        }

        var head = Volatile.Read(ref _waiting);
        while (true)
        {
            unit.Next = head;
            var seen = Interlocked.CompareExchange(ref _waiting, unit, head);
            if (seen == head)
                break;
            head = seen;
        }

        // Only the one that found the stack empty needs to wake: the committer takes the whole stack at once.
        if (head is null)
            _wake.Set();
    }

    /// <summary>Finishes what is queued and ends the thread.</summary>
    public void Stop()
    {
        Interlocked.Exchange(ref _stopping, 1);
        _wake.Set();
        _thread.Join();
    }

    /// <summary>Refuses all appends from now on; what is in work fails.</summary>
    public void StopWrites(string what, Exception error)
    {
        if (_stoppedReason is not null)
            return;
        _stoppedReason = $"{what}: {error.Message} Writes are stopped until the server is restarted; reading goes on.";
        StorageMetrics.FlushFailed();
        _onEvent(new StorageEvent(StorageEventKind.WritesStopped, _stoppedReason, Error: error));
    }

    private void Run()
    {
        while (true)
        {
            _wake.Wait();
            _wake.Reset();
            while (TakeGroup())
            {
                if (_group.Count > 0)
                    CommitGroup();
            }
            if (Volatile.Read(ref _stopping) != 0 && Volatile.Read(ref _waiting) is null)
                return;
        }
    }

    /// <summary>Moves waiting appends into the group, oldest first. Actions run here, after everything that was queued before them. False when nothing waited.</summary>
    private bool TakeGroup()
    {
        if (_taken is null)
        {
            // The stack gives the newest first.
            for (var unit = Interlocked.Exchange(ref _waiting, null); unit is not null;)
            {
                var next = unit.Next;
                unit.Next = _taken;
                _taken = unit;
                unit = next;
            }
            if (_taken is null)
                return false;
        }

        var bytes = 0L;
        while (_taken is { } unit)
        {
            if (unit is CommitterAction action)
            {
                if (_group.Count > 0)
                    return true;
                _taken = unit.Next;
                action.Run();
                continue;
            }
            if (_group.Count > 0 && bytes + unit.Bytes > MaxGroupBytes)
                return true;
            _taken = unit.Next;
            bytes += unit.Bytes;
            Interlocked.Add(ref _queuedBytes, -unit.Bytes);
            _group.Add((AppendUnit)unit);
        }
        return true;
    }

    private void CommitGroup()
    {
        try
        {
            Gather();
            if (_logs.Count > 0 && (_stoppedReason is not null || !WriteGroup()))
                FailRest();
            else
                Finish();
        }
        catch (Exception error)
        {
            // A bug, not a refusal: what is on disk is unknown now, so nothing more may be acknowledged.
            StopWrites("The committer failed", error);
            FailRest();
        }
        finally
        {
            foreach (var log in _logs)
            {
                log.Commit.Batches.Clear();
                log.Commit.Bytes = 0;
                if (log.Commit.HasProducers)
                    log.EndGroup();
                log.Commit.InGroup = log.Commit.InUnit = log.Commit.HasProducers = false;
                log.Commit.Refusal = null;
            }
            _logs.Clear();
            _group.Clear();
        }
    }

    /// <summary>Finds room for everything, fails what cannot be done, and gives offsets to the rest.</summary>
    private void Gather()
    {
        var refusal = Refusal();
        _noRoom = refusal is { Error: StorageError.DiskFull };
        for (var i = 0; i < _group.Count; i++)
        {
            var unit = _group[i];
            var refusedHere = refusal is { Error: StorageError.DiskFull } && UsesReserve(unit) ? null : refusal;
            if ((refusedHere ?? DeletedIn(unit)) is { } refused)
            {
                unit.Fail(refused);
                _group[i] = null!;
                continue;
            }
            for (var part = 0; part < unit.PartCount; part++)
            {
                var log = unit.LogOf(part);
                if (!log.Commit.InGroup)
                {
                    log.Commit.InGroup = true;
                    log.Commit.NextOffset = log.NextOffset;
                    _logs.Add(log);
                }
                log.Commit.Bytes += unit.BatchOf(part).Length;
                log.Commit.InUnit |= unit.PartCount > 1;
                log.Commit.HasProducers |= RecordBatch.HasProducer(unit.BatchOf(part).Span);
            }
        }

        foreach (var log in _logs)
        {
            try
            {
                log.Reserve(log.Commit.Bytes);
                if (log.Commit.HasProducers)
                    log.LoadProducers();
            }
            catch (IOException error)
            {
                log.Commit.Refusal = RefusedBy(error, log);
            }
        }

        var now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        for (var i = 0; i < _group.Count; i++)
        {
            if (_group[i] is { } unit && !Assign(unit, now))
                _group[i] = null!;
        }
    }

    private StorageException? Refusal()
    {
        if (_stoppedReason is { } reason)
            return new StorageException(StorageError.WritesStopped, reason);
        if (!_hasRoom())
            return NoteDiskFull($"Less than {_options.MinFreeBytes} bytes are free on the disk of {_options.Path}.");
        return null;
    }

    private static bool UsesReserve(AppendUnit unit)
    {
        for (var part = 0; part < unit.PartCount; part++)
        {
            if (!unit.LogOf(part).Config.UsesReserve)
                return false;
        }
        return true;
    }

    private static StorageException? DeletedIn(AppendUnit unit)
    {
        for (var part = 0; part < unit.PartCount; part++)
        {
            if (unit.LogOf(part).Commit.Deleted)
                return new StorageException(StorageError.PartitionDeleted, $"Partition {unit.LogOf(part).Id} was deleted.");
        }
        return null;
    }

    private StorageException RefusedBy(IOException error, PartitionLog log) => Files.DiskErrors.IsDiskFull(error)
        ? NoteDiskFull($"The disk of {_options.Path} is full.")
        : new StorageException(StorageError.Unavailable, $"Partition {log.Id} cannot be written now: {error.Message} Nothing was written. Try again.", error);

    private StorageException NoteDiskFull(string what)
    {
        if (!_diskFull)
        {
            Volatile.Write(ref _diskFull, true);
            _onEvent(new StorageEvent(StorageEventKind.DiskFull, what));
        }
        return new StorageException(StorageError.DiskFull,
            what + " Nothing was written. Free space (delete topics, lower retention) and try again; reading goes on, and writing needs no restart.");
    }

    /// <summary>Gives the unit its offsets, or fails it.</summary>
    private bool Assign(AppendUnit unit, long now)
    {
        for (var part = 0; part < unit.PartCount; part++)
        {
            if (unit.LogOf(part).Commit.Refusal is { } refusal)
            {
                unit.Fail(refusal);
                return false;
            }
        }
        if (unit.LogOf(0).Commit.HasProducers && unit.PartCount == 1)
        {
            // Before the expected offset, so that a retry of both is a repeat and no mismatch. A repeat is answered at the end of the group, when the original is durable too.
            if (unit.LogOf(0).Judge(RecordBatchHeader.Read(unit.BatchOf(0).Span), out var original) is { } refused)
            {
                unit.Fail(refused);
                return false;
            }
            if (original is { } place)
            {
                unit.SetOffset(0, place);
                return true;
            }
        }
        if (unit.ExpectedOffset >= 0 && unit.LogOf(0).Commit.NextOffset is var next && unit.ExpectedOffset != next)
        {
            unit.Fail(new StorageException(StorageError.OffsetMismatch, $"The next offset of {unit.LogOf(0).Id} is {next}, not {unit.ExpectedOffset}.") { Offset = next });
            return false;
        }
        for (var part = 0; part < unit.PartCount; part++)
        {
            var log = unit.LogOf(part);
            var batch = unit.BatchOf(part);
            var state = log.Commit;
            unit.Seal(part);
            RecordBatch.SetBaseOffset(batch.Span, state.NextOffset);
            RecordBatch.SetPartitionLeaderEpoch(batch.Span, log.LeaderEpoch);
            var stamped = log.Config.TimestampType == TimestampType.LogAppendTime;
            if (stamped)
                RecordBatch.SetLogAppendTime(batch.Span, now);
            unit.SetOffset(part, new AppendResult(state.NextOffset, stamped ? now : -1));
            var header = RecordBatchHeader.Read(batch.Span);
            state.NextOffset = header.NextOffset;
            state.UnflushedRecords += header.RecordsCount;
            state.Batches.Add(batch.Memory);
            if (header.HasProducer)
                log.AddToGroup(header, _options.MaxProducers);
        }
        return true;
    }

    /// <summary>False when nothing of the group may be acknowledged.</summary>
    private bool WriteGroup()
    {
        var (durableBytes, durableLogs, singles) = (0L, 0, true);
        foreach (var log in _logs)
        {
            if (log.Commit.Batches.Count > 0 && IsDurable(log))
                (durableBytes, durableLogs) = (durableBytes + log.Commit.Bytes, durableLogs + 1);
        }
        foreach (var unit in _group)
            singles &= unit is null or { PartCount: 1 };

        // A unit of several batches is atomic because it is one journal entry.
        var journal = !singles || (durableLogs > 0 && (durableBytes < _options.DirectFlushBytes || durableLogs > 2));
        try
        {
            // What the journal is to continue must be there: a power cut between the two would leave a hole.
            foreach (var log in _logs)
            {
                if (journal && IsDurable(log) && log.Commit.UnjournaledEnd > log.RecoveryPoint)
                    Flush(log);
            }
            if (journal && !WriteJournal(flush: durableLogs > 0))
                return false;
            foreach (var log in _logs)
            {
                var state = log.Commit;
                if (state.Batches.Count == 0)
                    continue;
                log.Write(state.Batches);
                var durable = IsDurable(log);
                if (durable && !journal)
                    Flush(log);
                if (!durable)
                    state.UnjournaledEnd = log.NextOffset;
                _flusher.Wrote(log);
                if (durable && !journal)
                    _marks.Add((log, log.NextOffset));
            }
        }
        catch (IOException error)
        {
            StopWrites("A write to the log failed", error);
            return false;
        }
        WriteMarks();
        return true;
    }

    /// <summary>Flushed before the answer: the topic asks for it, or a unit of several batches could be there by half after a power cut.</summary>
    private static bool IsDurable(PartitionLog log) => log.Config.Durability == Durability.Fsync || log.Commit.InUnit;

    private bool WriteJournal(bool flush)
    {
        _journal.Begin();
        var started = _clock.GetTimestamp();
        foreach (var log in _logs)
        {
            if (!IsDurable(log))
                continue;
            foreach (var batch in log.Commit.Batches)
                _journal.AddBatch(log, batch.Span);
        }
        try
        {
            _flusher.WaitForJournalRoom();
            _journal.Prepare();
        }
        catch (IOException error) when (Files.DiskErrors.IsDiskFull(error))
        {
            FailGroup(NoteDiskFull($"The disk of {_options.Path} is full."));
            return false;
        }
        catch (IOException error)
        {
            StopWrites("The journal could not be extended", error);
            return false;
        }
        try
        {
            _journal.Write(flush);
        }
        catch (IOException error)
        {
            StopWrites("A write or flush of the journal failed", error);
            return false;
        }
        foreach (var log in _logs)
        {
            if (log.Commit.Batches.Count > 0 && IsDurable(log))
                _journal.Covers(log, log.Commit.NextOffset);
        }
        StorageMetrics.FlushDuration.Record(_clock.GetElapsedTime(started).TotalSeconds);
        return true;
    }

    /// <summary>
    /// Tells the journal what is durable without it, so that recovery can tell damage from a torn tail. Not flushed: it only narrows the window
    /// in which a damaged batch after a crash would be taken for a torn one, and reaches the disk with the next group.
    /// </summary>
    private void WriteMarks()
    {
        if (_marks.Count == 0)
            return;
        _journal.Begin();
        foreach (var (log, end) in _marks)
            _journal.AddMark(log, end);
        _marks.Clear();
        try
        {
            _journal.Prepare();
            _journal.Write(flush: false);
        }
        catch (IOException error) when (Files.DiskErrors.IsDiskFull(error))
        {
            // The marked data itself is durable. The next journaled append will find the disk full and say so.
        }
        catch (IOException error)
        {
            StopWrites("A write of the journal failed", error);
        }
    }

    private void Flush(PartitionLog log)
    {
        var started = _clock.GetTimestamp();
        lock (log.Commit.FlushLock)
            log.Flush();
        StorageMetrics.FlushDuration.Record(_clock.GetElapsedTime(started).TotalSeconds);
    }

    private void Finish()
    {
        foreach (var log in _logs)
        {
            if (log.Commit.Batches.Count > 0)
                log.Publish();
        }
        if (_diskFull && !_noRoom && _logs.Count > 0)
        {
            Volatile.Write(ref _diskFull, false);
            _onEvent(new StorageEvent(StorageEventKind.DiskFullEnded, "There is room on the disk again; appends are taken."));
        }
        foreach (var unit in _group)
            unit?.Complete();
    }

    private void FailGroup(StorageException refusal)
    {
        for (var i = 0; i < _group.Count; i++)
        {
            _group[i]?.Fail(refusal);
            _group[i] = null!;
        }
    }

    private void FailRest()
    {
        if (_stoppedReason is { } reason)
            FailGroup(new StorageException(StorageError.WritesStopped, reason));
    }
}
