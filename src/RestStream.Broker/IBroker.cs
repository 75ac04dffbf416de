using RestStream.Broker.Groups;
using RestStream.Broker.Idempotence;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker;

/// <summary>
/// The seam between the host and an engine: the embedded log today, an Apache Kafka cluster later. Speaks batches of bytes, never record objects.
/// Every method may throw <see cref="BrokerException"/>. Safe on any thread.
/// </summary>
public interface IBroker
{
    /// <summary>Creates a topic; durable when it returns. <see cref="ErrorCode.TopicAlreadyExists"/>, <see cref="ErrorCode.InvalidTopic"/>, <see cref="ErrorCode.InvalidPartitions"/>, <see cref="ErrorCode.InvalidConfig"/>.</summary>
    Task<TopicDescription> CreateTopicAsync(TopicSpec spec, CancellationToken cancellationToken);

    /// <summary>Adds partitions, sets or resets configs; durable when it returns.</summary>
    Task<TopicDescription> AlterTopicAsync(string topic, TopicChange change, CancellationToken cancellationToken);

    /// <summary>Takes the topic away at once and durably; its data leaves the disk in the background.</summary>
    Task DeleteTopicAsync(string topic, CancellationToken cancellationToken);

    /// <summary>Names in ordinal order, from the first one after <paramref name="after"/> (null: from the start), at most <paramref name="limit"/>. Costs O(page).</summary>
    IReadOnlyList<TopicDescription> ListTopics(string? after, int limit, bool includeInternal);

    TopicDescription DescribeTopic(string topic);

    /// <summary>What a producer must know of a topic before it builds batches; allocates nothing. False when there is no such topic.</summary>
    bool TryGetIntake(string topic, out TopicIntake intake);

    /// <summary>
    /// Appends one finished batch, built by the host and trusted (clients' own batches go through <see cref="RecordBatchValidator"/> first). Takes ownership of <paramref name="batch"/>.
    /// Completes when it is as durable as the topic's policy asks and visible to readers.
    /// <see cref="ErrorCode.UnknownTopicOrPartition"/>, <see cref="ErrorCode.MessageTooLarge"/>, <see cref="ErrorCode.InvalidTimestamp"/>, <see cref="ErrorCode.DiskFull"/>,
    /// <see cref="ErrorCode.KafkaStorageError"/>, <see cref="ErrorCode.OffsetMismatch"/>.
    /// A batch with a producer id obeys Kafka's rules for its sequence: a repeat is answered as the original was (<see cref="AppendResult.Duplicate"/>), else
    /// <see cref="ErrorCode.OutOfOrderSequenceNumber"/>, <see cref="ErrorCode.InvalidProducerEpoch"/>.
    /// </summary>
    ValueTask<AppendResult> ProduceAsync(TopicPartition partition, BatchBuffer batch, long expectedOffset = -1);

    /// <summary>Most bytes of batches that <see cref="ProduceAtomicAsync"/> takes; above, <see cref="ErrorCode.RecordListTooLarge"/>.</summary>
    long MaxAtomicBytes { get; }

    /// <summary>Appends batches to several partitions: all or none, across a crash too. A partition may come more than once. Takes ownership of the batches.</summary>
    ValueTask<IReadOnlyList<AppendResult>> ProduceAtomicAsync(IReadOnlyList<(TopicPartition Partition, BatchBuffer Batch)> parts);

    /// <summary>
    /// A request with an Idempotency-Key, before anything of it is done. With a receipt it was done before and is to be answered by that; else it is the first and may be done with
    /// <see cref="ProduceOnceAsync"/>. Dispose it when it is over.
    /// </summary>
    /// <param name="topic">The topic in whose name the key counts; null for requests that name several.</param>
    /// <param name="key">As the client wrote it.</param>
    /// <param name="hash">SHA-256 of everything that was asked.</param>
    /// <exception cref="BrokerException"><see cref="ErrorCode.IdempotencyKeyInUse"/>: the first is still being done. <see cref="ErrorCode.IdempotencyKeyReused"/>: the first asked something else.</exception>
    IdempotentRequest BeginIdempotent(string? topic, string key, ReadOnlySpan<byte> hash);

    /// <summary>
    /// As <see cref="ProduceAtomicAsync"/>, and the key with its receipt is part of the same unit: after any crash the records are there and a repeat is answered, or neither.
    /// </summary>
    /// <param name="request">The first with its key.</param>
    /// <param name="parts">The batches; none has a producer id.</param>
    /// <param name="receipt">What a repeat is to know besides the results, which come back with it.</param>
    /// <returns>A result for each part, and one more.</returns>
    ValueTask<IReadOnlyList<AppendResult>> ProduceOnceAsync(IdempotentRequest request, IReadOnlyList<(TopicPartition Partition, BatchBuffer Batch)> parts, ReadOnlyMemory<byte> receipt);

    /// <summary>
    /// A producer id that nobody has, or had before, with epoch 0; durable when it returns. With an id that was handed out and its epoch (Kafka's InitProducerId): the same id with the
    /// next epoch, which fences the old one wherever the new one writes; asking again with the epoch before gives the same answer. An id whose epochs are used up is replaced by a new one.
    /// <see cref="ErrorCode.InvalidProducerIdMapping"/>: never handed out. <see cref="ErrorCode.InvalidProducerEpoch"/>: the id has another epoch by now.
    /// </summary>
    Task<ProducerIdentity> InitProducerAsync(ProducerIdentity? current, CancellationToken cancellationToken);

    /// <summary>Opens a reader at these positions. Cheap; holds nothing while parked. Dispose it.</summary>
    /// <exception cref="BrokerException">Unknown topic or partition; offset out of range comes from the read.</exception>
    IFetch OpenFetch(IReadOnlyList<FetchPosition> positions);

    /// <summary>Kafka's ListOffsets: the first record at or after <paramref name="timestamp"/> (epoch ms); -1 latest, -2 earliest, -3 largest timestamp. Null when there is none.</summary>
    TimestampedOffset? FindOffset(TopicPartition partition, long timestamp);

    /// <summary>
    /// The newest record of a key in a partition; null when there is none. Searches backwards from the end of the partition: what is written often is found at
    /// once, a key that is not there costs a read of the whole partition. Few searches run at a time, the others wait.
    /// </summary>
    /// <exception cref="BrokerException"><see cref="ErrorCode.UnknownTopicOrPartition"/>; <see cref="ErrorCode.CorruptMessage"/>: damaged records may hold a newer one.</exception>
    Task<LatestRecord?> FindLatestAsync(TopicPartition partition, ReadOnlyMemory<byte> key, RecordEncoder encoder, CancellationToken cancellationToken);

    /// <summary>Kafka's DeleteRecords: records below these offsets are gone; -1 = the high watermark. Answers the new log starts.</summary>
    Task<IReadOnlyDictionary<int, long>> TruncateAsync(string topic, IReadOnlyDictionary<int, long> before, CancellationToken cancellationToken);

    /// <summary>The segments of one partition, oldest first.</summary>
    IReadOnlyList<SegmentInfo> DescribeSegments(TopicPartition partition);

    /// <summary>
    /// A membership of a consumer group. With an <see cref="GroupJoin.InstanceId"/> that is known already (after a restart too) it is that membership again, with the timeouts
    /// and ways of assignment of this join, and its topics, if it names any; else a new one. Nothing is sent to the group before <see cref="IGroupConsumer.ReadyAsync"/>.
    /// </summary>
    /// <exception cref="BrokerException"><see cref="ErrorCode.InvalidGroupId"/>, <see cref="ErrorCode.InvalidSessionTimeout"/>, <see cref="ErrorCode.InvalidRequest"/> (bad pattern, unknown assignor), <see cref="ErrorCode.LimitReached"/>.</exception>
    IGroupConsumer JoinGroup(GroupJoin join);

    /// <summary>The membership of that name that <see cref="JoinGroup"/> handed out or the log remembers; null when there is none.</summary>
    IGroupConsumer? FindGroupConsumer(string group, string instanceId);

    /// <summary>Groups in ordinal order, from the first one after <paramref name="after"/> (null: from the start), at most <paramref name="limit"/>.</summary>
    IReadOnlyList<GroupListing> ListGroups(string? after, int limit);

    /// <exception cref="BrokerException"><see cref="ErrorCode.GroupIdNotFound"/>.</exception>
    GroupDescription DescribeGroup(string group);

    /// <summary>Takes the group and its offsets away, durably. <see cref="ErrorCode.GroupIdNotFound"/>, <see cref="ErrorCode.NonEmptyGroup"/> while it has members.</summary>
    Task DeleteGroupAsync(string group, CancellationToken cancellationToken);

    /// <summary>Committed offsets in the order of topic and partition; empty for a group that does not exist.</summary>
    IReadOnlyList<CommittedOffset> CommittedOffsets(string group);

    /// <summary>The committed offset of one partition; null when there is none.</summary>
    CommittedOffset? CommittedOffset(string group, TopicPartition partition);

    /// <summary>
    /// Commits without being a member (a consumer that chose its partitions itself, or an operator); durable when it returns. Makes the group when it is new.
    /// <see cref="ErrorCode.NonEmptyGroup"/> while it has members, <see cref="ErrorCode.OffsetMetadataTooLarge"/>, <see cref="ErrorCode.UnknownTopicOrPartition"/>.
    /// </summary>
    Task CommitOffsetsAsync(string group, IReadOnlyList<OffsetCommit> offsets, CancellationToken cancellationToken);

    /// <summary>Forgets committed offsets, durably. <see cref="ErrorCode.GroupIdNotFound"/>, <see cref="ErrorCode.GroupSubscribedToTopic"/>.</summary>
    Task DeleteOffsetsAsync(string group, IReadOnlyList<TopicPartition> partitions, CancellationToken cancellationToken);

    /// <summary>Whether appends are taken, recovery results, free disk.</summary>
    BrokerHealth Health { get; }
}

/// <summary>Who writes, for <c>Producer-Id</c> and <c>Producer-Epoch</c>.</summary>
public readonly record struct ProducerIdentity(long Id, short Epoch);

/// <summary>Where a reader stands: the next offset it wants. <paramref name="TopicId"/> guards against a topic made again; empty = do not check.</summary>
public readonly record struct FetchPosition(TopicPartition Partition, long Offset, Guid TopicId = default);

/// <summary>
/// One reader: long-poll, SSE follower, sink task. Not thread safe. The positions move with <see cref="Read"/>, in memory only.
/// The same encoded bytes are shared by every reader of a batch.
/// </summary>
public interface IFetch : IDisposable
{
    /// <summary>Next offset per partition, in the order given to <see cref="IBroker.OpenFetch"/>.</summary>
    IReadOnlyList<FetchPosition> Positions { get; }

    /// <summary>High watermark per partition, in the same order.</summary>
    long EndOffset(int index);

    /// <summary>
    /// The next batches, encoded, over all partitions round-robin, without waiting: until <paramref name="maxBytes"/> of encoded records are reached, at least one record when there is any.
    /// Fills <paramref name="into"/> (cleared first) and moves the positions past every record handed out; returns the number of records, 0 = nothing there now.
    /// </summary>
    /// <exception cref="BrokerException"><see cref="ErrorCode.OffsetOutOfRange"/>, <see cref="ErrorCode.CorruptMessage"/>, <see cref="ErrorCode.UnknownTopicOrPartition"/> (deleted), <see cref="ErrorCode.TopicRecreated"/>.</exception>
    int Read(RecordEncoder encoder, int maxRecords, int maxBytes, List<EncodedSlice> into);

    /// <summary>Moves one partition's position (after a gap, or to skip).</summary>
    void Seek(int index, long offset);

    /// <summary>Waits until any partition grew past its position or was deleted; false when <paramref name="maxWait"/> ran out. One wait at a time.</summary>
    ValueTask<bool> WaitAsync(TimeSpan maxWait, CancellationToken cancellationToken);
}

/// <summary>A run of consecutive records of one encoded batch: records <paramref name="First"/> to <paramref name="Last"/> (inclusive) of <paramref name="Batch"/>, read for position <paramref name="PositionIndex"/>.</summary>
public readonly record struct EncodedSlice(int PositionIndex, EncodedBatch Batch, int First, int Last);

/// <summary>
/// One batch encoded once in one format and shared by all its readers: record <c>i</c> is <c>Bytes[Ends[i-1]..Ends[i]]</c> with offset <c>Offsets[i]</c>. Immutable.
/// </summary>
public sealed class EncodedBatch(byte[] bytes, int[] ends, long[] offsets, long[] timestamps, bool hasLineBreaks)
{
    public byte[] Bytes { get; } = bytes;
    public int[] Ends { get; } = ends;
    public long[] Offsets { get; } = offsets;
    public long[] Timestamps { get; } = timestamps;

    /// <summary>True when a record holds a raw CR or LF (white space inside a JSON value), which SSE and NDJSON must treat apart.</summary>
    public bool HasLineBreaks { get; } = hasLineBreaks;

    public int Count => Ends.Length;

    public ReadOnlyMemory<byte> Record(int index) => Bytes.AsMemory(Start(index), Ends[index] - Start(index));

    public int Start(int index) => index == 0 ? 0 : Ends[index - 1];
}

/// <summary>The newest record of a key: the first of <paramref name="Encoded"/>.</summary>
public sealed record LatestRecord(EncodedBatch Encoded, bool IsTombstone);

/// <summary>
/// How a batch becomes an <see cref="EncodedBatch"/>. The host makes one instance per format and uses it for ever: the instance is the cache key.
/// <see cref="Encode"/> checks the CRC; control batches and transaction markers give an empty batch.
/// </summary>
public abstract class RecordEncoder
{
    /// <exception cref="CorruptBatchException">The CRC or the contents are wrong.</exception>
    public abstract EncodedBatch Encode(TopicPartition partition, ReadOnlySpan<byte> batch);

    /// <summary>
    /// Part of a batch, for a reader that takes less than all of it and shares it with nobody: the records from offset <paramref name="from"/> on, up to and with the one
    /// that reaches <paramref name="maxRecords"/> or <paramref name="maxBytes"/>. More is allowed and costs time only.
    /// </summary>
    /// <exception cref="CorruptBatchException">The CRC or the contents are wrong.</exception>
    public virtual EncodedBatch EncodePart(TopicPartition partition, ReadOnlySpan<byte> batch, long from, int maxRecords, int maxBytes) => Encode(partition, batch);
}

/// <summary>For <c>/health</c> and <c>/metrics</c>.</summary>
public sealed record BrokerHealth(bool Ready, string? WritesStoppedReason, bool DiskFull, long FreeBytes, RecoveryReport Recovery, IReadOnlyList<DamagedPartition> Damaged);
