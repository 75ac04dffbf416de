namespace RestStream.Storage;

/// <summary>Why the log refused or failed. The numbers mean nothing outside the process.</summary>
public enum StorageError
{
    /// <summary>No room: nothing was written, reads go on, writes work again when there is room.</summary>
    DiskFull,

    /// <summary>A write or flush failed. Writes stay stopped until the process restarts and has re-read the disk; what was in flight may or may not be there.</summary>
    WritesStopped,

    /// <summary>This partition could not be opened or extended just now (too many open files, for example). Nothing was written.</summary>
    Unavailable,

    /// <summary>More appends wait for the disk than the settings allow. Nothing was written.</summary>
    Overloaded,

    /// <summary>The asked offset lies below the log start or above the end.</summary>
    OffsetOutOfRange,

    /// <summary>The bytes at this offset fail their checksum. The rest of the partition is readable.</summary>
    DamagedRange,

    /// <summary>The next offset is not the one that the append demanded.</summary>
    OffsetMismatch,

    /// <summary>The batch is not the next one of its producer, and none of its last five.</summary>
    OutOfOrderSequence,

    /// <summary>The producer goes on under a higher epoch.</summary>
    StaleProducerEpoch,

    /// <summary>The partition was deleted.</summary>
    PartitionDeleted,

    /// <summary>Another process has the data directory.</summary>
    DirectoryInUse,
}

/// <summary>A refusal or failure of the log, with what to do in the message.</summary>
public sealed class StorageException(StorageError error, string message, Exception? inner = null) : Exception(message, inner)
{
    public StorageError Error { get; } = error;

    /// <summary>The offset that the error is about: the log start, the end, the next offset, or the first good one behind a damaged range; -1 when none.</summary>
    public long Offset { get; init; } = -1;

    /// <summary>For errors of a producer: its epoch in the partition, and the sequence that would have been right; -1 when none.</summary>
    public short ProducerEpoch { get; init; } = -1;
    public int ExpectedSequence { get; init; } = -1;
}
