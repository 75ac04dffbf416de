using RestStream.Broker.Groups.Classic;
using RestStream.Broker.Groups.Formats;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Groups;

// Committed offsets: who may commit what, deletion, retention. Durable before they are acknowledged, and before anybody sees them.
internal sealed partial class Group
{
    private readonly GroupOffsets _offsets = new();

    /// <summary>Kafka's OffsetCommit: one error per offset, in their order.</summary>
    public async Task<IReadOnlyList<ErrorCode?>> CommitAsync(OffsetCommitRequest request)
    {
        var errors = new ErrorCode?[request.Offsets.Count];
        CommitWrite? write;
        lock (_lock)
        {
            if (CheckCommit(request) is { } error)
            {
                Array.Fill(errors, error);
                return errors;
            }

            if (_members.Find(request.MemberId) is { } member)
            {
                SpokenFor(member);
                RestartSession(member);
            }

            var accepted = new List<(OffsetCommit Commit, Guid TopicId)>(request.Offsets.Count);
            for (var i = 0; i < errors.Length; i++)
            {
                var commit = request.Offsets[i];
                if (!_coordinator.TryFindPartition(commit.Partition, out var topicId))
                    errors[i] = ErrorCode.UnknownTopicOrPartition;
                else if (_coordinator.IsTooLarge(commit.Metadata))
                    errors[i] = ErrorCode.OffsetMetadataTooLarge;
                else
                    accepted.Add((commit, topicId));
            }

            write = WriteCommits(accepted);
        }

        if (write is not null && await write.Settled.ConfigureAwait(false) is { } refusal)
        {
            for (var i = 0; i < errors.Length; i++)
                errors[i] ??= AsAppendError(refusal);
        }

        return errors;
    }

    /// <summary>Commits of somebody who is no member. Null when the group is dead or about to be: look it up again.</summary>
    /// <exception cref="BrokerException"><see cref="ErrorCode.NonEmptyGroup"/>, <see cref="ErrorCode.UnknownTopicOrPartition"/>.</exception>
    public Task<BrokerException?>? CommitFromOutside(IReadOnlyList<OffsetCommit> offsets)
    {
        lock (_lock)
        {
            if (_state == GroupState.Dead || _ending is not null)
                return null;
            if (_members.Count > 0)
            {
                throw new BrokerException(ErrorCode.NonEmptyGroup, $"Group '{Name}' has {_members.Count} members; only they may commit. Stop them (or wait until their sessions end) and try again.")
                {
                    Subject = Name,
                };
            }

            var accepted = new List<(OffsetCommit Commit, Guid TopicId)>(offsets.Count);
            foreach (var commit in offsets)
                accepted.Add((commit, _coordinator.TopicIdOf(commit.Partition)));
            return WriteCommits(accepted)?.Settled ?? Task.FromResult<BrokerException?>(null);
        }
    }

    /// <summary>Forgets offsets. An answer for each: null, or why not. Completes when the log has it.</summary>
    public async Task<IReadOnlyList<ErrorCode?>> DeleteOffsetsAsync(IReadOnlyList<TopicPartition> partitions)
    {
        var errors = new ErrorCode?[partitions.Count];
        Task<BrokerException?> settled;
        lock (_lock)
        {
            if (_state == GroupState.Dead)
                throw GroupCoordinator.NoSuchGroup(Name);
            if (_members.Count > 0 && _protocolType != ConsumerProtocolType)
                throw new BrokerException(ErrorCode.NonEmptyGroup, $"Group '{Name}' has {_members.Count} members of type '{_protocolType}'. Stop them and try again.") { Subject = Name };

            var gone = new List<OffsetEntry>();
            for (var i = 0; i < errors.Length; i++)
            {
                if (IsSubscribedTo(partitions[i].Topic))
                    errors[i] = ErrorCode.GroupSubscribedToTopic;
                else if (_offsets.Find(partitions[i]) is { } entry)
                    gone.Add(entry);
                else if (!_coordinator.TryFindPartition(partitions[i], out _))
                    errors[i] = ErrorCode.UnknownTopicOrPartition;
            }

            settled = gone.Count == 0 ? Task.FromResult<BrokerException?>(null) : WriteTombstones(gone).Settled;
        }

        return await settled.ConfigureAwait(false) is { } refusal ? throw refusal : errors;
    }

    /// <summary>The topic is gone: so are its offsets, whether the log takes the tombstones now or not (a topic made again has another id).</summary>
    public void ForgetTopic(string topic)
    {
        lock (_lock)
        {
            var gone = _offsets.All.Where(e => e.Partition.Topic == topic).ToList();
            if (gone.Count > 0 && _state != GroupState.Dead && _ending is null)
                WriteTombstones(gone);
        }
    }

    /// <summary>After a start: offsets of a topic that was made again since. Those of a topic that is missing stay, in case it was lost and comes back.</summary>
    public void ForgetOffsetsOfEarlierTopics()
    {
        lock (_lock)
        {
            var gone = _offsets.All.Where(e => e.Committed is { } value && _coordinator.PartitionCountOf(e.Partition.Topic) > 0 && !IsOfToday(e.Partition, value)).ToList();
            if (gone.Count > 0)
                WriteTombstones(gone);
        }
    }

    /// <summary>
    /// After an unclean stop: a topic that does not flush every record may have lost its newest ones, while a commit is always durable. An offset above the end would then skip
    /// the records that come to stand there next, so it goes back to the end.
    /// </summary>
    public Task GoBackBehindLostRecordsAsync()
    {
        lock (_lock)
        {
            var back = new List<(OffsetCommit, Guid)>();
            foreach (var entry in _offsets.All)
            {
                if (entry.Committed is { } value && IsOfToday(entry.Partition, value) && _coordinator.EndIfRecordsMayBeLost(entry.Partition) is { } end && end < value.Offset)
                    back.Add((new OffsetCommit(entry.Partition, end, value.Metadata), value.TopicId));
            }

            return WriteCommits(back)?.Settled ?? Task.CompletedTask;
        }
    }

    public CommittedOffset? CommittedOffset(TopicPartition partition)
    {
        lock (_lock)
            return _offsets.Find(partition) is { } entry ? Show(entry) : null;
    }

    public IReadOnlyList<CommittedOffset> CommittedOffsets()
    {
        lock (_lock)
        {
            return [.. _offsets.All.Select(Show).OfType<CommittedOffset>()
                .OrderBy(o => o.Partition.Topic, StringComparer.Ordinal).ThenBy(o => o.Partition.Partition)];
        }
    }

    /// <summary>Kafka's rules for offsets that nobody needs any more, and for a group without any. Queues what the log must know.</summary>
    public void Expire(TimeSpan retention)
    {
        lock (_lock)
        {
            if (_ending is not null || _state == GroupState.Dead)
                return;
            var expired = ExpiredAt(NowMs - (long)retention.TotalMilliseconds);
            if (_state == GroupState.Empty && expired.Count == _offsets.Count)
            {
                using var records = new RecordBatchBuilder();
                foreach (var entry in expired)
                    AppendTombstone(records, entry.Key);
                End(records);
                _coordinator.Log.GroupExpired(Name);
            }
            else if (expired.Count > 0)
            {
                WriteTombstones(expired);
                _coordinator.Log.OffsetsExpired(expired.Count, Name);
            }
        }
    }

    /// <summary>What the log says. Before anybody else knows the group.</summary>
    public void RestoreOffset(TopicPartition partition, OffsetCommitValue value) => _offsets.FindOrAdd(Name, partition).Committed = value;

    private ErrorCode? CheckCommit(OffsetCommitRequest request)
    {
        if (_state == GroupState.Dead || _ending is not null)
            return ErrorCode.CoordinatorNotAvailable;

        // An operator, or a consumer that assigns its partitions itself.
        if (request.Generation < 0 && _state == GroupState.Empty)
            return null;
        if (request.Generation < 0 && request.MemberId.Length == 0 && request.InstanceId is null)
            return ErrorCode.UnknownMemberId;
        if (CheckMember(request.MemberId, request.InstanceId) is { } error)
            return error;
        if (request.Generation != _generation)
            return ErrorCode.IllegalGeneration;
        return _state == GroupState.CompletingRebalance ? ErrorCode.RebalanceInProgress : null;
    }

    /// <summary>One batch for all of them; null when there is none.</summary>
    private CommitWrite? WriteCommits(List<(OffsetCommit Commit, Guid TopicId)> commits)
    {
        if (commits.Count == 0)
            return null;
        var now = NowMs;
        var write = new CommitWrite(this, new (OffsetEntry, OffsetCommitValue)[commits.Count]);
        using var records = new RecordBatchBuilder();
        for (var i = 0; i < commits.Count; i++)
        {
            var (commit, topicId) = commits[i];
            var entry = _offsets.FindOrAdd(Name, commit.Partition);
            var value = new OffsetCommitValue(commit.Offset, -1, commit.Metadata, now, topicId);
            write.Offsets[i] = (entry, value);
            (entry.Newest, entry.NewestOffset) = (write, commit.Offset);
            records.Append(now, false, entry.Key, false, value.ToBytes());
        }

        Write(records, write);
        return write;
    }

    private GroupWrite WriteTombstones(List<OffsetEntry> entries)
    {
        using var records = new RecordBatchBuilder();
        foreach (var entry in entries)
            AppendTombstone(records, entry.Key);
        var write = new GroupWrite(() =>
        {
            foreach (var entry in entries)
            {
                // What was committed behind the tombstone is still on its way, and will put the offset back.
                entry.Committed = null;
                _offsets.RemoveIfEmpty(entry);
            }
        });
        Write(records, write);
        return write;
    }

    private List<OffsetEntry> ExpiredAt(long before)
    {
        // Without members: since they left; with members, or never any: since the commit, and then only topics that nobody reads.
        long? since = _protocolType.Length > 0 && _state == GroupState.Empty && _stateTimestamp >= 0 ? _stateTimestamp : null;
        if (_state is not (GroupState.Empty or GroupState.Stable) || (_state == GroupState.Stable && _protocolType != ConsumerProtocolType))
            return [];
        return [.. _offsets.All.Where(e => e.Newest is null && (since ?? e.Committed!.CommitTimestamp) <= before && !IsSubscribedTo(e.Partition.Topic))];
    }

    /// <summary>Null for an offset of a topic that is gone, or was made again since.</summary>
    private CommittedOffset? Show(OffsetEntry entry) =>
        entry.Committed is { } value && IsOfToday(entry.Partition, value)
            ? new CommittedOffset(entry.Partition, value.Offset, value.Metadata, value.CommitTimestamp)
            : null;

    private bool IsOfToday(TopicPartition partition, OffsetCommitValue value) =>
        _coordinator.TryFindPartition(partition, out var topicId) && (value.TopicId == Guid.Empty || value.TopicId == topicId);

    /// <summary>Commits on their way.</summary>
    private sealed class CommitWrite(Group group, (OffsetEntry Entry, OffsetCommitValue Value)[] offsets) : PendingWrite
    {
        public (OffsetEntry Entry, OffsetCommitValue Value)[] Offsets { get; } = offsets;

        protected override void Apply()
        {
            foreach (var (entry, value) in Offsets)
            {
                entry.Committed = value;
                NoLongerOnItsWay(entry);
            }

            group._coordinator.Committed(Offsets.Length);
        }

        protected override void Fail(BrokerException refusal)
        {
            foreach (var (entry, _) in Offsets)
            {
                NoLongerOnItsWay(entry);
                group._offsets.RemoveIfEmpty(entry);
            }
        }

        private void NoLongerOnItsWay(OffsetEntry entry)
        {
            if (entry.Newest == this)
                entry.Newest = null;
        }
    }
}
