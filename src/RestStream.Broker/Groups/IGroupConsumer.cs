using RestStream.Storage;

namespace RestStream.Broker.Groups;

/// <summary>
/// One membership of a consumer group: poll, stream, v2 instance, sink task. Has no thread, no socket and no timer of its own beyond the session's.
/// Safe on any thread. Reading is the caller's: it opens a fetch at the committed (or its own) positions of <see cref="Assignment"/>.
/// </summary>
public interface IGroupConsumer
{
    string Group { get; }

    /// <summary>The coordinator's id of the member; empty until it has joined.</summary>
    string MemberId { get; }

    string? InstanceId { get; }

    /// <summary>Topics wanted by name; empty with a pattern.</summary>
    IReadOnlyList<string> Topics { get; }

    /// <summary>The pattern of topics wanted; null without one. Survives a restart of the server, as the topics do.</summary>
    string? TopicPattern { get; }

    /// <summary>What the member owns, as of the last <see cref="ReadyAsync"/> that was true. Immutable; compare by reference to see a change.</summary>
    GroupAssignment Assignment { get; }

    /// <summary>
    /// A sign of life. Joins or rejoins where needed (first call, expired session, rebalance) and completes with true once the member has its place in the current generation;
    /// false when <paramref name="maxWait"/> ran out before, or somebody took the member out (<see cref="LeaveAsync"/>) while this call waited: the rebalance still waits for others, and the partitions of the last generation must not be read.
    /// The caller commits what it wants to keep before it calls: with an eager assignor everything is given up while it waits.
    /// </summary>
    /// <remarks>
    /// With <c>cooperative-sticky</c> a rebalance has two rounds; the second one is joined in the same call where the caller still waits. A call that is cancelled or runs out of time
    /// leaves the join where it is: the next call goes on waiting for the same rebalance.
    /// </remarks>
    /// <exception cref="BrokerException">
    /// <see cref="ErrorCode.FencedInstanceId"/>: another client took the name; <see cref="ErrorCode.GroupMaxSizeReached"/>, <see cref="ErrorCode.InconsistentGroupProtocol"/>,
    /// <see cref="ErrorCode.LimitReached"/> (too many groups), <see cref="ErrorCode.InvalidRequest"/> (a pattern that takes too long);
    /// <see cref="ErrorCode.DiskFull"/>, <see cref="ErrorCode.KafkaStorageError"/>: the generation could not be written, call again when the disk is in order.
    /// </exception>
    ValueTask<bool> ReadyAsync(TimeSpan maxWait, CancellationToken cancellationToken);

    /// <summary>Completes when <see cref="ReadyAsync"/> should be called because the group is being rebalanced or the membership ended. A new task after every ReadyAsync that was true.</summary>
    Task RebalanceWanted { get; }

    /// <summary>While it is not disposed the member counts as alive (an open long-poll or stream is the heartbeat). Disposing is a sign of life too.</summary>
    IDisposable KeepAlive();

    /// <summary>Other topics from the next <see cref="ReadyAsync"/> on.</summary>
    void Subscribe(IReadOnlyList<string> topics, string? topicPattern);

    /// <summary>
    /// Commits next offsets; durable when it returns. An offset is taken when this member has owned the partition without a break since <paramref name="generation"/>;
    /// one that is not above what is committed already is passed over in silence (a repeated ack), unless it <see cref="OffsetCommit.MayGoBack"/>. The others are answered as refused, and nothing of them is stored.
    /// </summary>
    /// <param name="offsets">Next offset per partition: one more than the last record that is done.</param>
    /// <param name="generation">The generation in which the records were handed out; -1: the current one.</param>
    /// <param name="cancellationToken">Ends the wait, not the commit.</param>
    /// <exception cref="BrokerException">
    /// Nothing was committed: <see cref="ErrorCode.OffsetMetadataTooLarge"/>, <see cref="ErrorCode.InvalidRequest"/> (a negative offset), or what the log refuses with
    /// (<see cref="ErrorCode.DiskFull"/>, <see cref="ErrorCode.KafkaStorageError"/>, <see cref="ErrorCode.ThrottlingQuotaExceeded"/>).
    /// </exception>
    Task<IReadOnlyList<RefusedCommit>> CommitAsync(IReadOnlyList<OffsetCommit> offsets, int generation, CancellationToken cancellationToken);

    /// <summary>
    /// Whether it has owned the partition without a break since <paramref name="generation"/> (-1: owns it now): then what was read in that generation is still its own to go on with and to commit.
    /// </summary>
    bool HasOwned(TopicPartition partition, int generation);

    /// <summary>Leaves at once; the partitions go to the others. Calls of <see cref="ReadyAsync"/> that wait do not bring it back; a later one does.</summary>
    Task LeaveAsync();
}

/// <summary>What a member owns in a generation, in the order of topic and partition. Generation -1 and empty before the first join.</summary>
public sealed record GroupAssignment(int Generation, IReadOnlyList<TopicPartition> Partitions)
{
    public static GroupAssignment None { get; } = new(-1, []);
}

/// <summary>The next offset to be consumed of a partition. With <paramref name="MayGoBack"/> a member stores it below what is committed too: it went back on purpose, and this is no late ack.</summary>
public readonly record struct OffsetCommit(TopicPartition Partition, long Offset, string Metadata = "", bool MayGoBack = false);

/// <summary>Why an offset was not taken: <see cref="ErrorCode.IllegalGeneration"/> (another member owned the partition since), <see cref="ErrorCode.UnknownMemberId"/>, <see cref="ErrorCode.UnknownTopicOrPartition"/>.</summary>
public readonly record struct RefusedCommit(TopicPartition Partition, long Offset, ErrorCode Reason);

/// <summary>An offset as it is stored.</summary>
public readonly record struct CommittedOffset(TopicPartition Partition, long Offset, string Metadata, long CommittedAtMs);
