using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using RestStream.Broker.Groups.Assignors;
using RestStream.Broker.Groups.Classic;
using RestStream.Broker.Groups.Formats;
using RestStream.Broker.Topics;
using RestStream.Storage;

namespace RestStream.Broker.Groups;

/// <summary>
/// All consumer groups of this broker: finds them, makes them, reads them back from <see cref="OffsetsTopic"/> at start, tells them of topics that change, and wakes them at their deadlines.
/// What happens inside a group is the <see cref="Group"/>'s, and no lock is shared between two. A group costs some KiB, a member less, and neither has a thread, a task or a timer.
/// </summary>
internal sealed partial class GroupCoordinator : IDisposable
{
    /// <summary>A text of a record has at most 32,767; names that are made of the group's (members, clients) have room beside it.</summary>
    private const int MaxNameBytes = 32_000;

    private readonly EmbeddedBroker _broker;
    private readonly ConcurrentDictionary<string, Group> _groups = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Group, string InstanceId), GroupConsumer> _consumers = new();

    /// <summary>For what changes <see cref="_groups"/> and <see cref="_names"/>; looking up takes none.</summary>
    private readonly Lock _lock = new();
    private ImmutableSortedSet<string> _names = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);
    private long _rebalances;
    private long _commits;

    public GroupCoordinator(EmbeddedBroker broker, LogDirectory directory, GroupOptions options, TimeProvider clock, ILogger logger)
    {
        (_broker, Options, Clock, Log) = (broker, options, clock, logger);
        Topic = new OffsetsTopic(broker, directory, options);
        Deadlines = new DeadlineQueue(clock);
    }

    public GroupOptions Options { get; }
    public TimeProvider Clock { get; }
    public ILogger Log { get; }
    public OffsetsTopic Topic { get; }
    public DeadlineQueue Deadlines { get; }
    public int GroupCount => _groups.Count;
    public int MemberCount => _groups.Sum(g => g.Value.MemberCount);
    public long Rebalances => Interlocked.Read(ref _rebalances);
    public long Commits => Interlocked.Read(ref _commits);
    public ImmutableSortedSet<string> PublicTopics => _broker.PublicTopicNames;

    public static BrokerException NoSuchGroup(string group) =>
        FindProblem(group) is { } problem
            ? new(ErrorCode.InvalidGroupId, problem) { Subject = "group" }
            : new(ErrorCode.GroupIdNotFound, $"No group '{group}'. A group appears with its first member or its first committed offset.") { Subject = group };

    public static void CheckTopics(IReadOnlyList<string> topics)
    {
        foreach (var topic in topics)
        {
            if (TopicNames.FindProblem(topic) is { } problem)
                throw new BrokerException(ErrorCode.InvalidTopic, problem) { Subject = "topics" };
        }
    }

    /// <summary>A membership, not joined yet; with a name that is known, the one that has it, wanting what is wanted now.</summary>
    public GroupConsumer Consumer(GroupJoin join)
    {
        if (join.InstanceId is { } name && FindConsumer(join.Group, name) is { } known)
        {
            // Asked with every request of some clients, and nearly always for the same.
            if (!known.Has(join))
            {
                Check(join);
                known.Take(join);
            }

            if (join.TopicPattern is not null || join.Topics.Count > 0)
                known.Subscribe(join.Topics, join.TopicPattern);
            return known;
        }

        CheckName(join.Group);
        Check(join);
        var created = new GroupConsumer(this, join, new GroupSubscription(join.Topics, join.TopicPattern));
        if (!_groups.ContainsKey(join.Group) && _groups.Count >= Options.MaxGroups)
            throw TooManyGroups();
        if (join.InstanceId is null)
            return created;
        if (_consumers.Count >= Options.MaxNamedMembers)
        {
            throw new BrokerException(
                ErrorCode.LimitReached, $"There are {Options.MaxNamedMembers} named members already, the most allowed (RestStream:Groups:MaxNamedMembers). Use the same names again.");
        }

        return _consumers.GetOrAdd((join.Group, join.InstanceId), created);
    }

    /// <summary>The membership of that name that was handed out, or that the log remembers.</summary>
    public GroupConsumer? FindConsumer(string group, string instanceId)
    {
        if (_consumers.TryGetValue((group, instanceId), out var known))
            return known;
        // Known under its name before the group lets go of it, so that whoever comes too late to adopt it finds it here.
        return Find(group)?.Adopt(instanceId, (member, subscription) => _consumers[(group, instanceId)] = new GroupConsumer(this, Remembered(group, member), subscription))
            ?? _consumers.GetValueOrDefault((group, instanceId));
    }

    /// <summary>The consumer joins: from now on its name leads to it.</summary>
    public void Remember(GroupConsumer consumer)
    {
        if (consumer.InstanceId is not { } name)
            return;
        var other = _consumers.GetOrAdd((consumer.Group, name), consumer);
        if (other != consumer)
            throw new BrokerException(ErrorCode.FencedInstanceId, $"Another client took the name '{name}' in group '{consumer.Group}'.") { Subject = consumer.Group };
    }

    public void Forget(GroupConsumer consumer)
    {
        if (consumer.InstanceId is { } name)
            _consumers.TryRemove(KeyValuePair.Create((consumer.Group, name), consumer));
    }

    public void Forget(Group group)
    {
        lock (_lock)
        {
            if (_groups.TryRemove(KeyValuePair.Create(group.Name, group)))
                Volatile.Write(ref _names, _names.Remove(group.Name));
        }
    }

    public IReadOnlyList<GroupListing> List(string? after, int limit)
    {
        var names = Volatile.Read(ref _names);
        var index = after is null ? 0 : names.IndexOf(after);
        index = index < 0 ? ~index : after is null ? 0 : index + 1;
        var page = new List<GroupListing>(Math.Min(Math.Max(0, limit), names.Count - index));
        for (; index < names.Count && page.Count < limit; index++)
        {
            if (_groups.TryGetValue(names[index], out var group) && group.List() is { State: not GroupState.Dead } listing)
                page.Add(listing);
        }

        return page;
    }

    /// <exception cref="BrokerException"><see cref="ErrorCode.GroupIdNotFound"/>.</exception>
    public Group Existing(string name) => _groups.GetValueOrDefault(name) ?? throw NoSuchGroup(name);

    public Group? Find(string name) => _groups.GetValueOrDefault(name);

    public async Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        if (Existing(name).Delete() is not { } deleted)
            throw NoSuchGroup(name);
        if (await deleted.WaitAsync(cancellationToken) is { } refusal)
            throw refusal;
        Log.GroupDeleted(name);
    }

    /// <summary>Commits of somebody who is no member.</summary>
    public async Task CommitAsync(string name, IReadOnlyList<OffsetCommit> offsets, CancellationToken cancellationToken)
    {
        CheckName(name);
        CheckCommits(offsets);
        foreach (var offset in offsets)
            TopicIdOf(offset.Partition);
        if (offsets.Count == 0)
            return;
        while (true)
        {
            var group = await FindOrAddAsync(name);
            if (group.CommitFromOutside(offsets) is not { } written)
            {
                await group.Ended.WaitAsync(cancellationToken);
                continue;
            }

            if (await written.WaitAsync(cancellationToken) is { } refusal)
                throw refusal;
            return;
        }
    }

    public async Task DeleteOffsetsAsync(string name, IReadOnlyList<TopicPartition> partitions, CancellationToken cancellationToken)
    {
        var errors = await Existing(name).DeleteOffsetsAsync(partitions).WaitAsync(cancellationToken);
        for (var i = 0; i < errors.Count; i++)
        {
            if (errors[i] is ErrorCode.GroupSubscribedToTopic)
            {
                throw new BrokerException(
                    ErrorCode.GroupSubscribedToTopic, $"Group '{name}' reads topic '{partitions[i].Topic}' now. Stop its members (or wait until their sessions end) and try again.")
                {
                    Subject = name,
                    Partition = partitions[i],
                };
            }
        }
    }

    /// <exception cref="BrokerException">A commit that no group could take.</exception>
    public void CheckCommits(IReadOnlyList<OffsetCommit> offsets)
    {
        foreach (var offset in offsets)
        {
            if (offset.Offset < 0)
            {
                throw new BrokerException(ErrorCode.InvalidRequest, $"Offset {offset.Offset} of {offset.Partition} cannot be committed: offsets begin at 0.")
                {
                    Subject = "offset",
                    Partition = offset.Partition,
                };
            }

            if (IsTooLarge(offset.Metadata))
            {
                throw new BrokerException(
                    ErrorCode.OffsetMetadataTooLarge, $"The metadata of {offset.Partition} is longer than {Options.OffsetMetadataMaxBytes} bytes (RestStream:Groups:OffsetMetadataMaxBytes).")
                {
                    Subject = "metadata",
                    Partition = offset.Partition,
                };
            }
        }
    }

    public bool IsTooLarge(string metadata) =>
        metadata.Length > Options.OffsetMetadataMaxBytes
        || (metadata.Length * 3 > Options.OffsetMetadataMaxBytes && System.Text.Encoding.UTF8.GetByteCount(metadata) > Options.OffsetMetadataMaxBytes);

    public bool TryFindPartition(TopicPartition partition, out Guid topicId)
    {
        var topic = _broker.TryFindTopic(partition.Topic);
        topicId = topic?.Id ?? Guid.Empty;
        return topic is not null && (uint)partition.Partition < (uint)topic.Partitions.Length;
    }

    /// <summary>The end of a partition whose topic does not flush every record before it is read; null for the others, which lose nothing.</summary>
    public long? EndIfRecordsMayBeLost(TopicPartition partition) =>
        _broker.TryFindTopic(partition.Topic) is { } topic && topic.Settings.Log.Durability != Durability.Fsync ? topic.Partition(partition.Partition).Log.HighWatermark : null;

    /// <exception cref="BrokerException"><see cref="ErrorCode.UnknownTopicOrPartition"/>.</exception>
    public Guid TopicIdOf(TopicPartition partition)
    {
        var topic = _broker.TryFindTopic(partition.Topic) ?? throw BrokerException.UnknownTopic(partition.Topic);
        _ = topic.Partition(partition.Partition);
        return topic.Id;
    }

    /// <summary>0 when there is no such topic.</summary>
    public int PartitionCountOf(string topic) => _broker.TryFindTopic(topic)?.Partitions.Length ?? 0;

    /// <summary>What the leader of a group of consumers gives its members, computed here for HTTP members.</summary>
    public IReadOnlyList<MemberAssignment> Assign(JoinGroupResponse joined)
    {
        var members = joined.Members.Select(Subscription).ToList();
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var topic in members.SelectMany(m => m.Topics))
        {
            if (PartitionCountOf(topic) is > 0 and var count)
                counts[topic] = count;
        }

        var assignor = Assignor.Find(joined.Protocol!)
            ?? throw new InvalidOperationException($"Members that this server speaks for know no assignor '{joined.Protocol}'.");
        return [.. assignor.Assign(counts, members).Select(a => new MemberAssignment(a.Key, new ConsumerAssignment(TopicPartitions.From(a.Value)).ToBytes()))];
    }

    /// <summary>A topic was published or taken away, and everybody sees it that way by now.</summary>
    public void TopicChanged(string topic)
    {
        foreach (var (_, group) in _groups)
            group.TopicChanged(topic);
    }

    public void TopicDeleted(string topic)
    {
        foreach (var (_, group) in _groups)
            group.ForgetTopic(topic);
        TopicChanged(topic);
    }

    public void Rebalanced() => Interlocked.Increment(ref _rebalances);

    public void Committed(int offsets) => Interlocked.Add(ref _commits, offsets);

    public void Dispose() => Deadlines.Dispose();

    /// <summary>The group, made if it is not there; never a dead one.</summary>
    /// <exception cref="BrokerException"><see cref="ErrorCode.LimitReached"/>, or the topic of the offsets cannot be made.</exception>
    private async ValueTask<Group> FindOrAddAsync(string name)
    {
        if (Find(name) is { IsDead: false } known)
            return known;
        var topic = await Topic.OpenAsync();
        lock (_lock)
        {
            if (Find(name) is { IsDead: false } existing)
                return existing;
            if (_groups.Count >= Options.MaxGroups)
                throw TooManyGroups();
            return Add(new Group(this, name, OffsetsTopic.PartitionOf(topic, name)));
        }
    }

    private Group Add(Group group)
    {
        _groups[group.Name] = group;
        Volatile.Write(ref _names, _names.Add(group.Name));
        return group;
    }

    private BrokerException TooManyGroups() =>
        new(ErrorCode.LimitReached, $"There are {Options.MaxGroups} groups already, the most allowed (RestStream:Groups:MaxGroups). Delete groups that nobody uses: GET /groups lists them.");

    /// <summary>How a member that was read from the log would join.</summary>
    private static GroupJoin Remembered(string group, ClassicMember member) => new()
    {
        Group = group,
        InstanceId = member.InstanceId,
        Assignors = [.. member.Protocols.Select(p => p.Name).Concat(new GroupJoin { Group = group }.Assignors).Where(a => Assignor.Find(a) is not null).Distinct(StringComparer.Ordinal)],
        SessionTimeout = TimeSpan.FromMilliseconds(member.SessionTimeoutMs),
        RebalanceTimeout = TimeSpan.FromMilliseconds(member.RebalanceTimeoutMs),
        ClientId = member.ClientId,
        ClientHost = member.ClientHost,
    };

    private static MemberSubscription Subscription(JoinedMember member)
    {
        try
        {
            var said = ConsumerSubscription.Parse(member.Metadata);
            return new MemberSubscription(member.MemberId, member.InstanceId, said.Topics, TopicPartitions.Flatten(said.OwnedPartitions), said.Generation);
        }
        catch (CorruptGroupRecordException)
        {
            // Wants something that nobody understands, so it gets nothing.
            return new MemberSubscription(member.MemberId, member.InstanceId, [], [], -1);
        }
    }

    private static void CheckName(string group)
    {
        if (FindProblem(group) is { } problem)
            throw new BrokerException(ErrorCode.InvalidGroupId, problem) { Subject = "group" };
    }

    /// <summary>As in Kafka any text: the group of a sink has its connector's name. What a client may call a new group is up to the host. Never repeats the name.</summary>
    private static string? FindProblem(string group) =>
        group.Length == 0 ? "A group name must not be empty."
        : group.Any(char.IsControl) ? "A group name has no control characters."
        : System.Text.Encoding.UTF8.GetByteCount(group) > MaxNameBytes ? $"A group name has at most {MaxNameBytes} bytes."
        : null;

    private void Check(GroupJoin join)
    {
        CheckTopics(join.Topics);
        if (join.SessionTimeout < Options.MinSessionTimeout || join.SessionTimeout > Options.MaxSessionTimeout)
        {
            throw new BrokerException(
                ErrorCode.InvalidSessionTimeout,
                $"The session timeout must be between {Options.MinSessionTimeout.TotalMilliseconds} and {Options.MaxSessionTimeout.TotalMilliseconds} ms (RestStream:Groups:MinSessionTimeout, MaxSessionTimeout), not {join.SessionTimeout.TotalMilliseconds}.")
            {
                Subject = "session_timeout",
            };
        }

        if (join.RebalanceTimeout <= TimeSpan.Zero)
            throw new BrokerException(ErrorCode.InvalidRequest, "The rebalance timeout must be longer than nothing.") { Subject = "rebalance_timeout" };
        if (join.Assignors.Count == 0 || join.Assignors.FirstOrDefault(a => Assignor.Find(a) is null) is { })
        {
            throw new BrokerException(ErrorCode.InvalidRequest, $"The assignors must be some of {string.Join(", ", Assignor.Names)}.") { Subject = "assignors" };
        }

        if (join.InstanceId is { } name && (name.Length == 0 || System.Text.Encoding.UTF8.GetByteCount(name) > TopicNames.MaxLength))
            throw new BrokerException(ErrorCode.InvalidRequest, $"A member's name has 1 to {TopicNames.MaxLength} bytes.") { Subject = "member" };
    }
}
