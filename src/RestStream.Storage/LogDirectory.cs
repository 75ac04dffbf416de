using System.Collections.Concurrent;
using RestStream.Storage.Commits;
using RestStream.Storage.Files;
using RestStream.Storage.Journal;
using RestStream.Storage.Records;

namespace RestStream.Storage;

/// <summary>
/// A data directory: all partitions, the commit journal and the checkpoints, held by one process.
/// One committer thread gives offsets, writes the journal and the segments, and answers appends once they are as durable as the topic asks.
/// After a failed flush every append answers <see cref="StorageError.WritesStopped"/>; reading goes on.
/// </summary>
public sealed partial class LogDirectory : IAsyncDisposable
{
    /// <summary>Bytes of one result inside a record that takes them.</summary>
    public const int ResultBytes = 16;

    private readonly LogDirectoryOptions _options;
    private readonly IFileSystem _files;
    private readonly TimeProvider _clock;
    private readonly Action<StorageEvent> _onEvent;
    private readonly ConcurrentDictionary<TopicPartition, PartitionLog> _logs = new();
    private readonly IDisposable _lock;
    private readonly CommitJournal _journal;
    private readonly SegmentFlusher _flusher;
    private readonly Committer _committer;
    private readonly Checkpoints _checkpoints;
    private int _disposed;

    private LogDirectory(LogDirectoryOptions options, IFileSystem files, TimeProvider clock, Action<StorageEvent> onEvent, IDisposable heldLock, Recovered found)
    {
        (_options, _files, _clock, _onEvent, _lock) = (options, files, clock, onEvent, heldLock);
        foreach (var log in found.Logs)
            _logs[log.Id] = log;
        Recovery = found.Report;
        ClusterId = found.ClusterId;
        _checkpoints = new Checkpoints(files, options.Path, () => Partitions);
        _journal = new CommitJournal(files, found.JournalDirectory, options.JournalFileBytes, found.JournalFiles);
        _flusher = new SegmentFlusher(options, _journal, clock, _checkpoints.Write, StopWrites);
        _committer = new Committer(options, _journal, _flusher, clock, onEvent, HasRoom);
        foreach (var log in found.Unflushed)
            _flusher.Wrote(log);
    }

    /// <summary>The partitions found or created. A snapshot.</summary>
    public IReadOnlyCollection<PartitionLog> Partitions => [.. _logs.Values];

    public PartitionLog? Find(TopicPartition partition) => _logs.GetValueOrDefault(partition);

    /// <summary>What recovery found and did at the last start.</summary>
    public RecoveryReport Recovery { get; }

    /// <summary>Kafka's cluster id: 22 characters, made once per data directory (<c>meta.properties</c>).</summary>
    public string ClusterId { get; }

    /// <summary>Null while appends are taken; else why they are refused until a restart.</summary>
    public string? WritesStoppedReason => _committer.WritesStoppedReason;

    /// <summary>True after an append was refused for want of room, until one is taken again.</summary>
    public bool DiskFull => _committer.DiskFull;

    public long FreeBytes => _files.FreeBytes(_options.Path);

    /// <summary>Creates the partition's directory and empty log, durably.</summary>
    public PartitionLog Create(TopicPartition partition, Guid topicId, LogConfig config)
    {
        var log = PartitionLog.Create(_files, _options.Path, partition, topicId, config, _clock, _onEvent);
        if (!_logs.TryAdd(partition, log))
            throw new InvalidOperationException($"Partition {partition} exists already.");
        return log;
    }

    /// <summary>
    /// Creates several partitions, sixteen at a time. <paramref name="created"/> is told of each, one at a time, on any thread; when one fails, the others that it was told of stay.
    /// </summary>
    public void Create(IReadOnlyCollection<TopicPartition> partitions, Guid topicId, LogConfig config, Action<PartitionLog> created)
    {
        var oneAtATime = new Lock();
        DiskWork.ForEach(partitions, partition =>
        {
            var log = Create(partition, topicId, config);
            lock (oneAtATime)
                created(log);
        });
    }

    /// <summary>Takes partitions out of service (appends in flight fail) and their directories out of the way, durably, and deletes the files.</summary>
    public Task DeleteAsync(params IReadOnlyList<PartitionLog> logs) => RetireAsync(logs, "-delete");

    /// <summary>Puts a directory that no topic claims aside as <c>…-stray</c>; its data is kept.</summary>
    public async Task SetAsideAsync(PartitionLog log)
    {
        await RetireAsync([log], "-stray");
        _onEvent(new StorageEvent(StorageEventKind.DirectorySetAside, $"No topic claims {log.Id} ({log.TopicId}); its directory was renamed to …-stray and kept.", log.Id));
    }

    /// <summary>
    /// Appends one finished batch (as <see cref="RecordBatchBuilder.Build"/> made it). Takes ownership of <paramref name="batch"/>, whatever the outcome.
    /// Completes when the batch is as durable as the topic's policy asks and readers can see it. Cancelling is not possible once it is queued.
    /// </summary>
    /// <param name="log">Where to.</param>
    /// <param name="batch">One whole batch; base offset and leader epoch are set here, and the time where the topic stamps it.</param>
    /// <param name="expectedOffset">-1, or the offset that the batch must get; else it is refused with <see cref="StorageError.OffsetMismatch"/>.</param>
    /// <remarks>
    /// A batch with a producer id is judged by Kafka's rules: a repeat of one of the producer's last five batches is answered as the original was,
    /// anything but the next sequence is refused with <see cref="StorageError.OutOfOrderSequence"/> or <see cref="StorageError.StaleProducerEpoch"/>.
    /// </remarks>
    public ValueTask<AppendResult> AppendAsync(PartitionLog log, BatchBuffer batch, long expectedOffset = -1)
    {
        var unit = SingleAppend.Rent(log, batch, expectedOffset);
        var task = unit.Task;
        _committer.Enqueue(unit);
        return task;
    }

    /// <summary>Appends batches to several partitions as one atomic unit: after any crash all of them are there or none. Batches of idempotent producers go alone, through <see cref="AppendAsync"/>.</summary>
    /// <param name="parts">Where to and what. The same log may be there several times; its batches follow each other.</param>
    /// <param name="lastTakesResults">
    /// The last batch is one record without headers whose value ends with <see cref="ResultBytes"/> for each other part: before it is written, base offset and timestamp of their results
    /// (int64 each) are put there. So a note of what was done is written with it.
    /// </param>
    public Task<IReadOnlyList<AppendResult>> AppendAtomicAsync(IReadOnlyList<(PartitionLog Log, BatchBuffer Batch)> parts, bool lastTakesResults = false)
    {
        if (parts.Any(part => RecordBatch.HasProducer(part.Batch.Span)))
            throw new ArgumentException("A unit of several batches cannot be judged by the sequence of one producer.", nameof(parts));
        var unit = new AtomicAppend(parts, lastTakesResults);
        _committer.Enqueue(unit);
        return unit.Task;
    }

    /// <summary>Moves the log start up (Kafka's DeleteRecords), durably; whole segments below it leave the disk.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.OffsetOutOfRange"/>: above the high watermark.</exception>
    public Task DeleteRecordsAsync(PartitionLog log, long beforeOffset) => Task.Run(() =>
    {
        if (beforeOffset > log.HighWatermark)
        {
            throw new StorageException(StorageError.OffsetOutOfRange, $"Offset {beforeOffset} is above the end of {log.Id}, {log.HighWatermark}.")
            {
                Offset = log.HighWatermark,
            };
        }
        if (beforeOffset <= log.LogStartOffset)
            return;
        // The start must be on disk before a file goes: a crash between the two leaves files too many, never an end below the start.
        FlushUpTo(log, beforeOffset);
        _checkpoints.WriteLogStart(log, beforeOffset);
        log.AdvanceLogStart(beforeOffset);
    });

    /// <summary>Deletes segments that the retention settings no longer want, and files whose delay has passed.</summary>
    /// <returns>How many records went.</returns>
    public Task<long> ApplyRetentionAsync(PartitionLog log) => Task.Run(() =>
    {
        var now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        var (before, start) = (log.LogStartOffset, log.RetentionStart(now));
        if (start > before)
        {
            FlushUpTo(log, start);
            log.AdvanceLogStart(start);
        }
        log.DeletePendingFiles(now);
        log.DropIdleIndexes();
        log.ForgetIdleProducers(now, _options.ProducerExpiration);
        return Math.Max(0, start - before);
    });

    /// <summary>Clean stop: refuses new appends, finishes queued ones, flushes everything, writes checkpoints and the clean-shutdown marker, releases the lock.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return ValueTask.CompletedTask;
        _committer.Stop();
        _flusher.Stop();
        _journal.Dispose();
        try
        {
            if (_committer.WritesStoppedReason is null)
                CloseCleanly();
        }
        finally
        {
            foreach (var log in _logs.Values)
                log.Abandon();
            _lock.Dispose();
        }
        return ValueTask.CompletedTask;
    }

    private void CloseCleanly()
    {
        DiskWork.ForEach([.. _logs.Values], log => log.Close());
        _checkpoints.Write();
        CleanShutdownMarker.Write(_files, _options.Path);
    }

    private async Task RetireAsync(IReadOnlyList<PartitionLog> logs, string suffix)
    {
        // On the committer's thread, so that no group in work still writes to them.
        var retire = new CommitterAction(() =>
        {
            foreach (var log in logs)
            {
                log.Commit.Deleted = true;
                _logs.TryRemove(log.Id, out _);
                lock (log.Commit.FlushLock)
                    log.Abandon();
            }
        });
        _committer.Enqueue(retire);
        await retire.Task;

        await Task.Run(() =>
        {
            // Checkpoints know partitions by name only: what they say of these must be gone before a new topic may take the name,
            // or a crash would make its empty logs look as if their records were lost.
            if (logs.Any(log => log.RecoveryPoint > 0 || log.LogStartOffset > 0))
                _checkpoints.Write();
            if (logs.Any(log => log.FirstDirtyOffset >= 0))
                _checkpoints.WriteCleaned();
            var moved = logs.Select(log => Path.Combine(_options.Path, $"{log.Id}.{Guid.NewGuid():N}{suffix}")).ToList();
            for (var i = 0; i < moved.Count; i++)
                _files.Rename(Path.Combine(_options.Path, logs[i].Id.ToString()), moved[i]);
            _files.FlushDirectory(_options.Path);
            foreach (var log in logs)
                log.Advanced?.Invoke();
            foreach (var directory in suffix == "-delete" ? moved : [])
                _files.DeleteDirectory(directory);
        });
    }

    private void FlushUpTo(PartitionLog log, long offset)
    {
        if (log.RecoveryPoint >= offset)
            return;
        try
        {
            lock (log.Commit.FlushLock)
                log.Flush();
        }
        catch (IOException error)
        {
            StopWrites("A flush failed", error);
            throw new StorageException(StorageError.WritesStopped, WritesStoppedReason!, error);
        }
    }

    private void StopWrites(string what, Exception error) => _committer.StopWrites(what, error);

    private long _roomCheckedAt;
    private bool _hasRoom = true;

    /// <summary>Asked by the committer before every group; looks at the disk at most every 100 ms.</summary>
    private bool HasRoom()
    {
        var now = _clock.GetTimestamp();
        if (_roomCheckedAt == 0 || !_hasRoom || _clock.GetElapsedTime(_roomCheckedAt, now) > TimeSpan.FromMilliseconds(100))
        {
            _roomCheckedAt = now;
            _hasRoom = _files.FreeBytes(_options.Path) >= _options.MinFreeBytes;
        }
        return _hasRoom;
    }
}
