using RestStream.Storage.Files;
using RestStream.Storage.Records;

namespace RestStream.Storage;

/// <summary>
/// A data directory: all partitions, the commit journal and the checkpoints, held by one process.
/// One committer thread gives offsets, writes the journal and the segments, and answers appends once they are as durable as the topic asks.
/// After a failed flush every append answers <see cref="StorageError.WritesStopped"/>; reading goes on.
/// </summary>
public sealed partial class LogDirectory : IAsyncDisposable
{
    /// <summary>Locks the directory, recovers every partition and starts the threads.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.DirectoryInUse"/>.</exception>
    public static LogDirectory Open(LogDirectoryOptions options, IFileSystem files, TimeProvider clock, Action<StorageEvent>? onEvent = null) =>
        throw new NotImplementedException();

    /// <summary>The partitions found or created, by name. A snapshot.</summary>
    public IReadOnlyCollection<PartitionLog> Partitions => throw new NotImplementedException();

    public PartitionLog? Find(TopicPartition partition) => throw new NotImplementedException();

    /// <summary>What recovery found and did at the last start.</summary>
    public RecoveryReport Recovery => throw new NotImplementedException();

    /// <summary>Null while appends are taken; else why they are refused until a restart.</summary>
    public string? WritesStoppedReason => throw new NotImplementedException();

    public long FreeBytes => throw new NotImplementedException();

    /// <summary>Creates the partition's directory and empty log, durably.</summary>
    public PartitionLog Create(TopicPartition partition, Guid topicId, LogConfig config) => throw new NotImplementedException();

    /// <summary>Takes the partition out of service at once (appends in flight fail); its files leave the disk in the background.</summary>
    public void Delete(PartitionLog log) => throw new NotImplementedException();

    /// <summary>Puts a directory that no topic claims aside as <c>…-stray</c>; its data is kept.</summary>
    public void SetAside(PartitionLog log) => throw new NotImplementedException();

    /// <summary>
    /// Appends one finished batch (as <see cref="RecordBatchBuilder.Build"/> made it). Takes ownership of <paramref name="batch"/>, whatever the outcome.
    /// Completes when the batch is as durable as the topic's policy asks and readers can see it. Cancelling is not possible once it is queued.
    /// </summary>
    /// <param name="log">Where to.</param>
    /// <param name="batch">One whole batch; base offset and leader epoch are set here, and the time where the topic stamps it.</param>
    /// <param name="expectedOffset">-1, or the offset that the batch must get; else it is refused with <see cref="StorageError.OffsetMismatch"/>.</param>
    public ValueTask<AppendResult> AppendAsync(PartitionLog log, BatchBuffer batch, long expectedOffset = -1) => throw new NotImplementedException();

    /// <summary>Appends batches to several partitions as one atomic unit: after any crash all of them are there or none.</summary>
    public ValueTask<IReadOnlyList<AppendResult>> AppendAtomicAsync(IReadOnlyList<(PartitionLog Log, BatchBuffer Batch)> parts) => throw new NotImplementedException();

    /// <summary>Moves the log start up (Kafka's DeleteRecords), durably; whole segments below it leave the disk.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.OffsetOutOfRange"/>: above the high watermark.</exception>
    public Task DeleteRecordsAsync(PartitionLog log, long beforeOffset) => throw new NotImplementedException();

    /// <summary>Deletes segments that the retention settings no longer want. Returns how many.</summary>
    public Task<int> ApplyRetentionAsync(PartitionLog log) => throw new NotImplementedException();

    /// <summary>Clean stop: refuses new appends, finishes queued ones, flushes everything, writes checkpoints and the clean-shutdown marker, releases the lock.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}

/// <summary>Where a batch went. <paramref name="Timestamp"/> is the broker's time for log-append-time topics, else -1 (records keep their own).</summary>
public readonly record struct AppendResult(long BaseOffset, long Timestamp);

/// <summary>Settings of a data directory. Sizes in bytes.</summary>
public sealed record LogDirectoryOptions
{
    public required string Path { get; init; }

    /// <summary>Size of one journal file. 32 MiB: small enough to recycle often, large enough that switching files is rare.</summary>
    public int JournalFileBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>When the journal holds this much that is not yet safe in segments, appends wait for the background flush. Bounds the start after a crash.</summary>
    public long JournalMaxBytes { get; init; } = 512L * 1024 * 1024;

    /// <summary>A group of appends of at least this size in few files is flushed in the segments themselves, so that large batches are not written twice.</summary>
    public int DirectFlushBytes { get; init; } = 256 * 1024;

    /// <summary>Longest that journaled records wait for the background flush of their segments.</summary>
    public TimeSpan SegmentFlushInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Appends are refused as disk full when less than this is free, so that deletes, offsets and the journal still work.</summary>
    public long MinFreeBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Re-read every batch of every segment at start, not only those since the last flush.</summary>
    public bool VerifyAll { get; init; }
}

/// <summary>What opening a data directory found. Bytes and counts over all partitions.</summary>
public sealed record RecoveryReport(
    bool CleanShutdown, TimeSpan Took, int Partitions, long ScannedBytes, long ReplayedBatches, long RepairedBatches, long TornBytes, IReadOnlyList<DamagedPartition> Damaged);

public sealed record DamagedPartition(TopicPartition Partition, IReadOnlyList<DamagedRange> Ranges);

/// <summary>Something the operator should know; the host turns it into a log line. <paramref name="Kind"/> is stable.</summary>
public sealed record StorageEvent(StorageEventKind Kind, string Message, TopicPartition? Partition = null, Exception? Error = null);

public enum StorageEventKind
{
    Recovered, TornTailCut, BatchRepaired, DamageFound, IndexRebuilt, SegmentRolled, SegmentDeleted, DirectorySetAside, DiskFull, DiskFullEnded, WritesStopped, SlowFlush,
}
