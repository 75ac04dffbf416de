using RestStream.Storage.Commits;

namespace RestStream.Storage;

public sealed partial class PartitionLog
{
    /// <summary>What the committer and the flusher remember of this log.</summary>
    internal CommitState Commit { get; } = new();
}
