using RestStream.Storage.Files;
using RestStream.Storage.Journal;

namespace RestStream.Storage.Commits;

/// <summary>
/// Makes segments durable in the background, so that recovery stays short and journal files can be used again.
/// One thread; woken by the clock when a log is due, and by the committer when the journal fills.
/// Failure policy: whatever fails here stops all writes.
/// </summary>
internal sealed class SegmentFlusher
{
    private readonly LogDirectoryOptions _options;
    private readonly CommitJournal _journal;
    private readonly TimeProvider _clock;
    private readonly Action _writeCheckpoints;
    private readonly Action<string, Exception> _stopWrites;
    private readonly Lock _lock = new();
    private readonly HashSet<PartitionLog> _dirty = [];
    private readonly SemaphoreSlim _wake = new(0);
    private readonly ManualResetEventSlim _roundDone = new(false);
    private readonly ITimer _timer;
    private readonly Thread _thread;
    private long _armedFor = long.MaxValue;
    private volatile bool _flushAll;
    private volatile bool _stopping;
    private volatile bool _failed;
    private volatile bool _noRoom;

    public SegmentFlusher(
        LogDirectoryOptions options, CommitJournal journal, TimeProvider clock, Action writeCheckpoints, Action<string, Exception> stopWrites)
    {
        (_options, _journal, _clock, _writeCheckpoints, _stopWrites) = (options, journal, clock, writeCheckpoints, stopWrites);
        _timer = clock.CreateTimer(_ => _wake.Release(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _thread = new Thread(Run) { Name = "reststream-flusher", IsBackground = true };
        _thread.Start();
    }

    /// <summary>The log has bytes that are not flushed. Called for every group; cheap when the log is in the list already.</summary>
    public void Wrote(PartitionLog log)
    {
        var state = log.Commit;
        var now = log.Config.Durability == Durability.Interval && state.UnflushedRecords >= log.Config.FlushMessages;
        if (state.Dirty && !now)
            return;
        lock (_lock)
        {
            var wait = log.Config.Durability switch
            {
                Durability.Interval => TimeSpan.FromMilliseconds(Math.Min(log.Config.FlushMs, int.MaxValue)),
                _ => _options.SegmentFlushInterval,
            };
            state.DueAt = now ? 0 : _clock.GetTimestamp() + (long)(wait.TotalSeconds * _clock.TimestampFrequency);
            state.Dirty = true;
            _dirty.Add(log);
            if (now)
                _wake.Release();
            else
                Arm(state.DueAt);
        }
        if (_journal.LiveBytes > 2L * _options.JournalFileBytes)
            FlushAll();
    }

    /// <summary>Bounds the journal: when it is full, the committer waits here until segments are flushed and files are free.</summary>
    /// <exception cref="IOException">The disk is full, so none becomes free.</exception>
    public void WaitForJournalRoom()
    {
        var live = _journal.LiveBytes;
        if (live > 2L * _options.JournalFileBytes)
            FlushAll();
        while (live > _options.JournalMaxBytes && !_failed && !_stopping)
        {
            _roundDone.Reset();
            FlushAll();
            _roundDone.Wait();
            live = _journal.LiveBytes;
            if (_noRoom && live > _options.JournalMaxBytes)
                throw DiskErrors.Full("The journal is full and there is no room for the checkpoint that would let it be used again.");
        }
    }

    public void Stop()
    {
        _stopping = true;
        _wake.Release();
        _thread.Join();
        _timer.Dispose();
    }

    private void FlushAll()
    {
        if (_flushAll)
            return;
        _flushAll = true;
        _wake.Release();
    }

    private void Arm(long dueAt)
    {
        if (dueAt >= _armedFor)
            return;
        _armedFor = dueAt;
        var wait = Math.Max(0, dueAt - _clock.GetTimestamp());
        _timer.Change(TimeSpan.FromSeconds((double)wait / _clock.TimestampFrequency), Timeout.InfiniteTimeSpan);
    }

    private void Run()
    {
        while (true)
        {
            _wake.Wait();
            if (_stopping)
                return;
            try
            {
                FlushDue();
            }
            catch (Exception error)
            {
                _failed = true;
                _stopWrites("A flush of segments failed", error);
                _roundDone.Set();
                return;
            }
            _roundDone.Set();
        }
    }

    private void FlushDue()
    {
        List<PartitionLog> due;
        bool all;
        lock (_lock)
        {
            (all, _flushAll) = (_flushAll, false);
            var now = _clock.GetTimestamp();
            due = [.. _dirty.Where(log => all || log.Commit.DueAt <= now)];
            foreach (var log in due)
            {
                _dirty.Remove(log);
                log.Commit.Dirty = false;
                log.Commit.UnflushedRecords = 0;
            }
            _armedFor = long.MaxValue;
            if (_dirty.Count > 0)
                Arm(_dirty.Min(log => log.Commit.DueAt));
        }
        foreach (var log in due)
        {
            lock (log.Commit.FlushLock)
            {
                if (!log.Commit.Deleted)
                    log.Flush();
            }
        }
        // Files of an earlier run may be free although nothing is to be flushed, and somebody waits for them.
        if (due.Count == 0 && !all)
            return;
        // First the checkpoint, then the journal files: recovery must know what is durable without them.
        try
        {
            _writeCheckpoints();
            _noRoom = false;
        }
        catch (IOException error) when (DiskErrors.IsShortage(error))
        {
            // The old checkpoint stands and the journal keeps its files; the next round tries again.
            _noRoom = true;
            return;
        }
        _journal.Release(log => log.Commit.Deleted ? long.MaxValue : log.RecoveryPoint);
    }
}
