using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Broker.Topics;
using RestStream.Http.Records;
using RestStream.Storage;

namespace RestStream.Http.Groups;

/// <summary>
/// One member's places in the partitions that it owns. A slot is one partition, in the order of the assignment; those of topics that are gone are left out.
/// It begins at the committed offsets; <see cref="Next"/> is what the client has been given, in memory only. Not thread safe.
/// </summary>
internal sealed class GroupFeed : IDisposable
{
    private readonly TimeProvider _clock;
    private readonly IFetch? _fetch;
    private readonly TopicPartition[] _slots;
    private readonly Guid[] _topicIds;
    private readonly long[] _next;
    private readonly List<OffsetCommit> _toCommit = [];
    private readonly HashSet<TopicPartition> _kept = [];

    private GroupFeed(IBroker broker, IGroupConsumer consumer, GroupAssignment assignment, bool fromLatest, GroupPlaces places, TimeProvider clock)
    {
        _clock = clock;
        var positions = new List<FetchPosition>(assignment.Partitions.Count);
        TopicDescription? topic = null;
        foreach (var partition in assignment.Partitions)
        {
            if (topic?.Name != partition.Topic)
                topic = Find(broker, partition.Topic);
            if (topic is null || partition.Partition >= topic.Partitions.Count)
                continue;
            var kept = places.Before is { } before && consumer.HasOwned(partition, before.Generation) ? before.Known(partition, topic.TopicId) : null;
            if (kept is not null)
                _kept.Add(partition);
            var offset = kept ?? Later(broker.CommittedOffset(consumer.Group, partition)?.Offset, places.AckOf(partition, consumer));
            if (offset is null)
            {
                offset = fromLatest ? topic.Partitions[partition.Partition].HighWatermark : topic.Partitions[partition.Partition].LogStartOffset;
                if (fromLatest)
                    _toCommit.Add(new OffsetCommit(partition, offset.Value));
            }

            positions.Add(new FetchPosition(partition, offset.Value, topic.TopicId));
        }

        _slots = [.. positions.Select(p => p.Partition)];
        _topicIds = [.. positions.Select(p => p.TopicId)];
        _next = [.. positions.Select(p => p.Offset)];
        Generation = assignment.Generation;
        Cursor = new CursorWriter(GroupCursor.Head(assignment.Generation, [.. _topicIds.Distinct()]), Array.ConvertAll(_slots, s => ((string?)s.Topic, s.Partition)));
        if (positions.Count > 0)
            _fetch = broker.OpenFetch(positions);
    }

    public int Generation { get; }
    public ReadOnlySpan<TopicPartition> Slots => _slots;

    /// <summary>Next offset per slot.</summary>
    public Span<long> Next => _next;
    public CursorWriter Cursor { get; }

    /// <summary>The ends at which this feed begins where nothing was committed: to be committed now, so that a lost answer skips nothing.</summary>
    public IReadOnlyList<OffsetCommit> ToCommit => _toCommit;

    /// <summary>Partitions in which this feed goes on where the one before it was.</summary>
    public IReadOnlySet<TopicPartition> Kept => _kept;

    /// <summary>Nothing is left to read now.</summary>
    public bool AtEnd
    {
        get
        {
            for (var slot = 0; slot < _slots.Length; slot++)
            {
                if (_next[slot] < _fetch!.EndOffset(slot))
                    return false;
            }

            return true;
        }
    }

    /// <param name="broker">Where the partitions are.</param>
    /// <param name="consumer">The member; its group's committed offsets count.</param>
    /// <param name="assignment">The partitions.</param>
    /// <param name="fromLatest">Begin at the end where nothing is committed; else at the log's start.</param>
    /// <param name="places">Where it begins instead of at the committed offsets.</param>
    /// <param name="clock">For the wait of a member that owns nothing.</param>
    public static GroupFeed Open(IBroker broker, IGroupConsumer consumer, GroupAssignment assignment, bool fromLatest, GroupPlaces places, TimeProvider clock)
    {
        while (true)
        {
            try
            {
                return new GroupFeed(broker, consumer, assignment, fromLatest, places, clock);
            }
            catch (BrokerException gone) when (IsGone(gone))
            {
                // Deleted between the look at the topic and the opening; the next look leaves it out.
            }
        }
    }

    /// <summary>The failure of a <see cref="Read"/> that asks for a new feed: a topic was deleted, or deleted and made again.</summary>
    public static bool IsGone(BrokerException failure) => failure.Code is ErrorCode.UnknownTopicOrPartition or ErrorCode.TopicRecreated;

    public string CursorText() => Cursor.ToText(_next);

    /// <summary>What comes next, without waiting, as <see cref="IFetch.Read"/>; 0 = nothing there now. <see cref="Settle"/> behind it.</summary>
    /// <exception cref="BrokerException">See <see cref="GapOf"/> and <see cref="IsGone"/>.</exception>
    public int Read(RecordEncoder encoder, int maxRecords, int maxBytes, List<EncodedSlice> into)
    {
        into.Clear();
        return _fetch?.Read(encoder, maxRecords, maxBytes, into) ?? 0;
    }

    /// <summary>The records of the last read are given: moves <see cref="Next"/> over them and over what holds no records for clients.</summary>
    public void Settle()
    {
        for (var slot = 0; slot < _slots.Length; slot++)
            _next[slot] = Math.Max(_next[slot], _fetch!.Positions[slot].Offset);
    }

    /// <summary>What a failed <see cref="Read"/> means for its slot; null when the failure is of another kind.</summary>
    public Gap? GapOf(BrokerException failure)
    {
        if (failure.Code is not (ErrorCode.OffsetOutOfRange or ErrorCode.CorruptMessage) || failure.Partition is not { } partition)
            return null;
        var slot = Array.IndexOf(_slots, partition);
        return slot < 0 ? null : Gap.From(failure, slot, _fetch!.Positions[slot].Offset);
    }

    /// <summary>Goes on behind a gap.</summary>
    public void Skip(Gap gap)
    {
        _next[gap.Slot] = gap.Resumed;
        _fetch!.Seek(gap.Slot, gap.Resumed);
    }

    /// <summary>Goes on at these places, as far as the partitions are its own.</summary>
    public void GoTo(IReadOnlyList<OffsetCommit> places)
    {
        foreach (var place in places)
        {
            var slot = Array.IndexOf(_slots, place.Partition);
            if (slot < 0)
                continue;
            _next[slot] = place.Offset;
            _fetch!.Seek(slot, place.Offset);
        }
    }

    /// <summary>Waits until there may be something to read. False: the time is up.</summary>
    public async Task<bool> WaitAsync(TimeSpan maxWait, CancellationToken cancellationToken)
    {
        if (_fetch is not null)
            return await _fetch.WaitAsync(maxWait, cancellationToken);
        await Task.Delay(maxWait, _clock, cancellationToken);
        return false;
    }

    public void Dispose() => _fetch?.Dispose();

    private static long? Later(long? committed, long? acked) => acked is null || committed > acked ? committed : acked;

    private long? Known(TopicPartition partition, Guid topicId) =>
        Array.IndexOf(_slots, partition) is >= 0 and var slot && _topicIds[slot] == topicId ? _next[slot] : null;

    /// <summary>Null when there is no such topic.</summary>
    public static TopicDescription? Find(IBroker broker, string topic)
    {
        try
        {
            return broker.DescribeTopic(topic);
        }
        catch (BrokerException unknown) when (unknown.Code == ErrorCode.UnknownTopicOrPartition)
        {
            return null;
        }
    }
}

/// <summary>Places that are ahead of the committed offsets, in partitions that the member had all the time since.</summary>
/// <param name="Before">The feed that the new one replaces: it goes on where that one was.</param>
/// <param name="Ack">A cursor whose commit is on its way to the disk.</param>
internal readonly record struct GroupPlaces(GroupFeed? Before, GroupCursor? Ack)
{
    public long? AckOf(TopicPartition partition, IGroupConsumer consumer)
    {
        foreach (var item in Ack?.Items ?? [])
        {
            if (item.Partition == partition.Partition && item.Topic == partition.Topic)
                return consumer.HasOwned(partition, Ack!.Generation) ? item.Offset : null;
        }

        return null;
    }
}
