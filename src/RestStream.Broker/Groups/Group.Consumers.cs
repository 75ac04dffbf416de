using RestStream.Broker.Groups.Assignors;
using RestStream.Broker.Groups.Classic;
using RestStream.Broker.Groups.Formats;
using RestStream.Broker.Topics;
using RestStream.Storage;

namespace RestStream.Broker.Groups;

// The HTTP members, whose side of the protocol runs in this process (GroupConsumer), and what the coordinator knows of subscriptions and assignments because of them.
internal sealed partial class Group
{
    internal const string ConsumerProtocolType = "consumer";

    /// <summary>Topics that some member of the generation wants; null when that is not known.</summary>
    private HashSet<string>? _subscribed;

    /// <summary>A sign of life; true when the member has its place in a stable generation.</summary>
    public bool IsReady(GroupConsumer consumer, string memberId)
    {
        lock (_lock)
        {
            if (MemberOf(consumer, memberId) is not { } member)
                return false;
            RestartSession(member);
            return _state == GroupState.Stable && consumer.Take(_generation);
        }
    }

    public void Touch(GroupConsumer consumer, string memberId)
    {
        lock (_lock)
        {
            if (MemberOf(consumer, memberId) is { } member)
                RestartSession(member);
        }
    }

    /// <summary>The member asks for other timeouts. The log knows them with the next generation.</summary>
    public void TakeTimeouts(GroupConsumer consumer, string memberId, GroupJoin join)
    {
        lock (_lock)
        {
            if (MemberOf(consumer, memberId) is not { } member)
                return;
            (member.SessionTimeoutMs, member.RebalanceTimeoutMs) = join.TimeoutsMs;
            RestartSession(member);
        }
    }

    /// <summary>
    /// Commits what the member owns since the generation, or longer. Offsets that are not above what is committed are done already; where a higher one is still on its way to the log,
    /// that must be awaited first.
    /// </summary>
    public ConsumerCommit CommitAs(GroupConsumer consumer, string memberId, IReadOnlyList<OffsetCommit> offsets, int generation)
    {
        var refused = new List<RefusedCommit>();
        lock (_lock)
        {
            if (MemberOf(consumer, memberId) is not { } member)
                return new ConsumerCommit([.. offsets.Select(o => new RefusedCommit(o.Partition, o.Offset, ErrorCode.UnknownMemberId))], null, null);
            RestartSession(member);
            var accepted = new List<(OffsetCommit Commit, Guid TopicId)>(offsets.Count);
            PendingWrite? ahead = null;
            foreach (var commit in offsets)
            {
                if (!_coordinator.TryFindPartition(commit.Partition, out var topicId))
                {
                    refused.Add(new RefusedCommit(commit.Partition, commit.Offset, ErrorCode.UnknownTopicOrPartition));
                }
                else if (!consumer.HasOwned(commit.Partition, generation))
                {
                    refused.Add(new RefusedCommit(commit.Partition, commit.Offset, ErrorCode.IllegalGeneration));
                }
                else if (commit.MayGoBack || _offsets.Find(commit.Partition) is not { } entry)
                {
                    accepted.Add((commit, topicId));
                }
                else if (entry.Newest is not null && entry.NewestOffset >= commit.Offset)
                {
                    ahead = entry.Newest;
                }
                else if (entry.Newest is not null || entry.Committed is not { } done || done.Offset < commit.Offset || !IsOfToday(commit.Partition, done))
                {
                    accepted.Add((commit, topicId));
                }
            }

            return ahead is null
                ? new ConsumerCommit(refused, WriteCommits(accepted)?.Settled, null)
                : new ConsumerCommit([], null, ahead.Settled);
        }
    }

    /// <summary>A static member that was read from the log and has not been heard of since: it becomes the HTTP member, with its id, generation and assignment. Null when there is none.</summary>
    public GroupConsumer? Adopt(string instanceId, Func<ClassicMember, GroupSubscription, GroupConsumer> make)
    {
        lock (_lock)
        {
            if (_protocolType != ConsumerProtocolType || _members.FindStatic(instanceId) is not { FromLog: true, Consumer: null } member)
                return null;
            var consumer = make(member, Parse(member) is { } stored ? GroupSubscription.From(stored) : GroupSubscription.None);
            member.Consumer = consumer;
            consumer.Joining(this, member.Id);
            consumer.Assigned(_generation, _protocol ?? "", PartitionsOf(member.Assignment));
            if (_state == GroupState.Stable)
                consumer.Take(_generation);
            else
                consumer.RebalanceStarted();
            return consumer;
        }
    }

    /// <summary>The topic appeared, went, came again or grew. Whoever speaks the protocol itself finds out by itself, as far as it leads.</summary>
    public void TopicChanged(string topic)
    {
        lock (_lock)
        {
            if (_state is not (GroupState.Stable or GroupState.CompletingRebalance))
                return;
            var ledHere = _members.Leader is { Consumer: not null } or { FromLog: true };
            if ((ledHere && _subscribed?.Contains(topic) == true) || _members.All.Any(m => HasPatternFor(m, topic)))
                PrepareRebalance($"topic {topic} changed");
        }
    }

    /// <summary>
    /// After a start: a topic may have changed, or a cooperative rebalance have had its second half to come, when the last run ended. Then partitions would stay without an owner for ever,
    /// so the members are called together.
    /// </summary>
    public void RebalanceIfIncomplete()
    {
        lock (_lock)
        {
            if (_state != GroupState.Stable || _protocolType != ConsumerProtocolType || Assignor.Find(_protocol ?? "") is null || _subscribed is null)
                return;
            var assigned = _members.All.SelectMany(m => PartitionsOf(m.Assignment)).ToHashSet();
            var wanted = _subscribed.SelectMany(t => Enumerable.Range(0, _coordinator.PartitionCountOf(t)).Select(p => new TopicPartition(t, p)));
            if (!assigned.SetEquals(wanted))
                PrepareRebalance("the stored assignment does not fit the topics");
        }
    }

    private ClassicMember? MemberOf(GroupConsumer consumer, string memberId) => _members.Find(memberId) is { } member && member.Consumer == consumer ? member : null;

    private static bool HasPatternFor(ClassicMember member, string topic)
    {
        if (member.Consumer?.Subscription is not { Pattern: not null } subscription || TopicNames.IsInternal(topic))
            return false;
        try
        {
            return subscription.Covers(topic);
        }
        catch (BrokerException)
        {
            // A pattern that takes too long matches nothing; its member is told when it joins.
            return false;
        }
    }

    /// <summary>The topics of a pattern are those of now, not those of when the member began to wait.</summary>
    private void RefreshSubscription(ClassicMember member)
    {
        if (member.Consumer is not { Subscription.Pattern: not null } consumer)
            return;
        try
        {
            _members.SetProtocols(member, consumer.Protocols());
        }
        catch (BrokerException)
        {
            // The pattern takes too long by now: the topics stay those of the join.
        }
    }

    private bool IsSubscribedTo(string topic) => _members.Count > 0 && (_subscribed?.Contains(topic) ?? _protocolType == ConsumerProtocolType);

    private void NoteSubscriptions()
    {
        _subscribed = null;
        if (_protocolType != ConsumerProtocolType)
            return;
        var topics = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in _members.All)
        {
            if (Parse(member) is not { } subscription)
                return;
            topics.UnionWith(subscription.Topics);
        }

        _subscribed = topics;
    }

    private IReadOnlyList<string> TopicsOf(ClassicMember member) => Parse(member)?.Topics ?? [];

    /// <summary>Null when it is no consumer's subscription.</summary>
    private ConsumerSubscription? Parse(ClassicMember member)
    {
        var metadata = member.Metadata(_protocol);
        if (metadata.Length == 0 && member.Protocols.Count > 0)
            metadata = member.Protocols[0].Metadata;
        if (_protocolType != ConsumerProtocolType)
            return null;
        try
        {
            return ConsumerSubscription.Parse(metadata);
        }
        catch (CorruptGroupRecordException)
        {
            // The member's own business: the classic protocol does not look inside, as Kafka does not.
            return null;
        }
    }

    private IReadOnlyList<TopicPartition> PartitionsOf(byte[] assignment)
    {
        if (assignment.Length == 0 || _protocolType != ConsumerProtocolType)
            return [];
        try
        {
            return [.. TopicPartitions.Flatten(ConsumerAssignment.Parse(assignment).Partitions).OrderBy(p => p.Topic, StringComparer.Ordinal).ThenBy(p => p.Partition)];
        }
        catch (CorruptGroupRecordException)
        {
            return [];
        }
    }
}

/// <summary>What became of a commit: refused offsets, the log's answer for the others (null: nothing to write), or first something to wait for before it is asked again.</summary>
internal readonly record struct ConsumerCommit(IReadOnlyList<RefusedCommit> Refused, Task<BrokerException?>? Written, Task? AskAgainAfter);
