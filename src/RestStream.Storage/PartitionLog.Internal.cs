using RestStream.Storage.Files;

namespace RestStream.Storage;

public sealed partial class PartitionLog
{
    /// <summary>Makes the directory with partition.metadata, leader-epoch-checkpoint and an empty first segment, all flushed, the parent directory too.</summary>
    internal static PartitionLog Create(
        IFileSystem files, string logDirectory, TopicPartition id, Guid topicId, LogConfig config, TimeProvider clock, Action<StorageEvent> onEvent) =>
        throw new NotImplementedException();

    /// <summary>Opens an existing partition directory and recovers it as <paramref name="how"/> says. Files are opened only when needed after a clean stop.</summary>
    internal static PartitionLog Open(
        IFileSystem files, string logDirectory, string directoryName, LogConfig config, OpenLog how, TimeProvider clock, Action<StorageEvent> onEvent) =>
        throw new NotImplementedException();

    /// <summary>What <see cref="Open"/> did.</summary>
    internal LogOpened Opened => throw new NotImplementedException();

    /// <summary>Next offset to be written; at or above <see cref="HighWatermark"/>. Committer thread.</summary>
    internal long NextOffset => throw new NotImplementedException();

    /// <summary>Everything below is flushed in its segment.</summary>
    internal long RecoveryPoint => throw new NotImplementedException();

    /// <summary>Makes sure that the next <see cref="Write"/> of so many bytes finds room on the disk (reserves blocks, opens the segment). A disk-full IOException leaves everything as it was. Committer thread.</summary>
    internal void Reserve(long bytes) => throw new NotImplementedException();

    /// <summary>
    /// Writes finished batches (offsets and epoch set, the first one's base offset is <see cref="NextOffset"/>, each then continues the one before), rolling segments as needed, one pwritev per segment touched;
    /// adds index entries; moves <see cref="NextOffset"/>. After an exception the log takes no more writes. Committer thread.
    /// </summary>
    internal void Write(IReadOnlyList<ReadOnlyMemory<byte>> batches) => throw new NotImplementedException();

    /// <summary>Moves <see cref="HighWatermark"/> to <see cref="NextOffset"/> and calls <see cref="Advanced"/>. Committer thread.</summary>
    internal void Publish() => throw new NotImplementedException();

    /// <summary>Makes what was written when it was called durable (all dirty segments, oldest first), then moves <see cref="RecoveryPoint"/> there and returns it. May run beside <see cref="Write"/>; one flush at a time.</summary>
    internal long Flush() => throw new NotImplementedException();

    /// <summary>Bytes written since the last flush began.</summary>
    internal long UnflushedBytes => throw new NotImplementedException();

    /// <summary>Moves the log start up and drops whole segments below it (renamed to .deleted). The caller persists the log-start checkpoint before calling. Any thread.</summary>
    internal void AdvanceLogStart(long offset) => throw new NotImplementedException();

    /// <summary>Where the log would start if the retention settings were applied at this time (whole segments only; the active one is rolled first when all are due).</summary>
    internal long RetentionStart(long nowMs) => throw new NotImplementedException();

    /// <summary>Deletes files renamed to .deleted longer than file.delete.delay.ms ago.</summary>
    internal void DeletePendingFiles(long nowMs) => throw new NotImplementedException();

    /// <summary>Clean stop: final time index entry, indexes trimmed and written, producer snapshot at the end, everything flushed, files closed.</summary>
    internal void Close() => throw new NotImplementedException();

    /// <summary>Closes the files without writing anything (a failed disk, a deleted topic). Reads from now on fail with <see cref="StorageError.PartitionDeleted"/>.</summary>
    internal void Abandon() => throw new NotImplementedException();
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

    /// <summary>Scan every segment.</summary>
    public bool VerifyAll { get; init; }

    /// <summary>The journal's copy of the batch with this base offset, or null: mends a bad batch in place, and continues the log at its end.</summary>
    public Func<long, byte[]?>? JournalBatchAt { get; init; }
}

internal sealed record LogOpened(long ScannedBytes, int RepairedBatches, int ReplayedBatches, long TornBytes);
