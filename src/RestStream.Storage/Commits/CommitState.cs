namespace RestStream.Storage.Commits;

/// <summary>The committer's and the flusher's notes on one partition.</summary>
internal sealed class CommitState
{
    /// <summary>The batches of the group in work. Committer thread.</summary>
    public List<ReadOnlyMemory<byte>> Batches { get; } = [];

    /// <summary>Bytes of the group in work. Committer thread.</summary>
    public long Bytes { get; set; }

    /// <summary>Where the next batch of the group goes. Committer thread.</summary>
    public long NextOffset { get; set; }

    /// <summary>In the group in work. Committer thread.</summary>
    public bool InGroup { get; set; }

    /// <summary>A unit of several batches of the group in work has some in this log. Committer thread.</summary>
    public bool InUnit { get; set; }

    /// <summary>A batch of the group in work is an idempotent producer's. Committer thread.</summary>
    public bool HasProducers { get; set; }

    /// <summary>Why this log cannot take the group in work, found while reserving room for it.</summary>
    public StorageException? Refusal { get; set; }

    /// <summary>End of what was written without the journal and without a flush (interval and os topics). Committer thread.</summary>
    public long UnjournaledEnd { get; set; }

    /// <summary>Records written since the flusher last took the log up; for <c>flush.messages</c>.</summary>
    public long UnflushedRecords { get; set; }

    /// <summary>Out of service; set on the committer thread, read anywhere.</summary>
    public volatile bool Deleted;

    /// <summary>Held around a flush, so that two threads never flush one log at a time and a deletion waits for it.</summary>
    public Lock FlushLock { get; } = new();

    /// <summary>In the flusher's list, due at this time (ticks of the clock's timestamp). Under the flusher's lock.</summary>
    public bool Dirty { get; set; }
    public long DueAt { get; set; }
}
