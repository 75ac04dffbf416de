namespace RestStream.Storage.Verification;

/// <summary>Something wrong in a file of the log.</summary>
/// <param name="File">Full path.</param>
/// <param name="Position">First byte that is wrong, or the start of the batch or entry that holds it.</param>
/// <param name="Offset">The offset it is about, -1 where there is none.</param>
/// <param name="Kind">Which check failed.</param>
/// <param name="Message">What was found and what was expected.</param>
public sealed record VerifyFinding(string File, long Position, long Offset, FindingKind Kind, string Message);

/// <summary>The checks, one value each. Shown in kebab case (<c>torn-tail</c>).</summary>
public enum FindingKind
{
    /// <summary>The newest segment ends in bytes that are no whole batch: normal after a crash, cut at the next start.</summary>
    TornTail,

    /// <summary>A batch's CRC is not that of its bytes.</summary>
    Checksum,

    /// <summary>A batch's length is too small, or reaches beyond the file, and it is not the torn tail.</summary>
    BatchLength,

    /// <summary>Not format 2.</summary>
    Magic,

    /// <summary>Attribute bits that mean nothing, or an unknown codec.</summary>
    Attributes,

    /// <summary>The records do not decompress or decode, or are more or fewer than the batch says.</summary>
    Records,

    /// <summary>The batch's last offset does not fit its number of records (only where nothing was compacted).</summary>
    LastOffsetDelta,

    /// <summary>A record is later than its batch's max timestamp, so that lookups by time miss it.</summary>
    MaxTimestamp,

    /// <summary>A batch or segment begins below the end of the one before.</summary>
    OffsetOrder,

    /// <summary>Offsets are missing between two batches or segments. Normal in a compacted topic.</summary>
    OffsetGap,

    /// <summary>The first batch does not begin at the offset that the file is named after.</summary>
    BaseOffset,

    /// <summary>A batch's leader epoch is lower than the one before, or not the one that leader-epoch-checkpoint has for its offset.</summary>
    LeaderEpoch,

    /// <summary>A segment that is no longer written has no index.</summary>
    IndexMissing,

    /// <summary>An index is no multiple of its entry's size.</summary>
    IndexLength,

    /// <summary>Offset index entries do not ascend.</summary>
    IndexOrder,

    /// <summary>An offset index entry points to a batch with another last offset.</summary>
    IndexOffset,

    /// <summary>An offset index entry points to where no batch starts.</summary>
    IndexPosition,

    /// <summary>Time index entries do not ascend.</summary>
    TimeIndexOrder,

    /// <summary>A time index entry has an offset at which no batch ends.</summary>
    TimeIndexOffset,

    /// <summary>A time index entry's timestamp is not the largest so far, or the last one not the largest of a finished segment.</summary>
    TimeIndexTimestamp,

    /// <summary>Length, version or offsets of a .txnindex.</summary>
    TransactionIndex,

    /// <summary>Version, CRC or length of a .snapshot.</summary>
    ProducerSnapshot,

    /// <summary>leader-epoch-checkpoint is missing, or its text is not one.</summary>
    EpochCheckpoint,

    /// <summary>The text of partition.metadata is not one.</summary>
    PartitionMetadata,

    /// <summary>The text of a checkpoint in the root of the data directory is not one.</summary>
    Checkpoint,

    /// <summary>recovery-point-offset-checkpoint says that more was on disk than there is.</summary>
    RecoveryPoint,

    /// <summary>An index without its .log.</summary>
    OrphanFile,

    /// <summary>A file of the log is not named after an offset in 20 digits.</summary>
    FileName,
}

/// <summary>What was looked at and what was wrong with it.</summary>
public sealed record VerifyReport
{
    public required IReadOnlyList<VerifyFinding> Findings { get; init; }
    public required int Partitions { get; init; }
    public required int Segments { get; init; }
    public required long Batches { get; init; }
    public required long Records { get; init; }

    /// <summary>Bytes of all .log files.</summary>
    public required long Bytes { get; init; }
}
