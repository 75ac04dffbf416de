namespace RestStream.Storage;

/// <summary>Where a batch went.</summary>
/// <param name="BaseOffset">Offset of its first record.</param>
/// <param name="Timestamp">The broker's time for log-append-time topics, else -1 (records keep their own).</param>
/// <param name="Duplicate">Nothing was written: the producer's batch has been there since an earlier append.</param>
public readonly record struct AppendResult(long BaseOffset, long Timestamp, bool Duplicate = false);

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

    /// <summary>Appends are refused while this much waits for the disk. 256 MiB: about a second of the fastest disk, and a bound on memory.</summary>
    public long MaxQueuedBytes { get; init; } = 256L * 1024 * 1024;

    /// <summary>Longest that journaled records wait for the background flush of their segments.</summary>
    public TimeSpan SegmentFlushInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Appends are refused as disk full when less than this is free, so that deletes, offsets and the journal still work.</summary>
    public long MinFreeBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>How long an idempotent producer that writes nothing is remembered (Kafka's <c>producer.id.expiration.ms</c>).</summary>
    public TimeSpan ProducerExpiration { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Most idempotent producers that a partition remembers, about 300 bytes each; above, those that wrote the longest ago are forgotten.</summary>
    public int MaxProducers { get; init; } = 100_000;

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
