using RestStream.Broker.Groups.Classic;
using RestStream.Broker.Groups.Formats;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Groups;

/// <summary>
/// One consumer group: Kafka's classic group, its committed offsets and its records on the way to the log. Everything is decided under the group's own lock, which is held for
/// microseconds: nothing waits inside, appends are queued there (so the log has them in the order of the decisions) and their effects come later, in that order again.
/// A refused append changes nothing that the log would have to know; a stopped disk stops rebalances and commits, not reading.
/// </summary>
/// <remarks>
/// Parts: this file has the lane to the log and what others may ask; Group.Rebalancing joins, syncs and leaves; Group.Sessions time; Group.Offsets commits; Group.Consumers the HTTP members.
/// </remarks>
internal sealed partial class Group : IHasDeadlines
{
    private readonly GroupCoordinator _coordinator;
    private readonly Partition _log;
    private readonly Lock _lock = new();
    private readonly GroupMembers _members = new();
    private readonly Queue<PendingWrite> _writes = new();
    private GroupState _state = GroupState.Empty;
    private GroupState _previousState = GroupState.Dead;
    private long _stateTimestamp;
    private int _generation;
    private string _protocolType = "";
    private string? _protocol;

    /// <summary>Answers of the log that nobody has looked at yet.</summary>
    private int _answers;

    /// <summary>The group's last record is on its way: nothing new may begin.</summary>
    private PendingWrite? _ending;

    public Group(GroupCoordinator coordinator, string name, Partition log)
    {
        (_coordinator, Name, _log) = (coordinator, name, log);
        _stateTimestamp = NowMs;
    }

    public string Name { get; }

    /// <summary>Counts members for the metrics, without the lock.</summary>
    public int MemberCount => _members.Count;

    public GroupListing List()
    {
        lock (_lock)
            return new GroupListing(Name, _state, _protocolType, _members.Count);
    }

    /// <exception cref="BrokerException"><see cref="ErrorCode.GroupIdNotFound"/>: it has just gone.</exception>
    public GroupDescription Describe()
    {
        lock (_lock)
        {
            if (_state == GroupState.Dead)
                throw GroupCoordinator.NoSuchGroup(Name);

            // As in Kafka, what members said for a protocol is only shown while it is the one in use.
            var shown = _state == GroupState.Stable ? _protocol : null;
            return new GroupDescription(
                Name, _state, _protocolType, shown ?? "", _generation, _members.Leader?.Id ?? "",
                [.. _members.All.Select(m => new GroupMember(m.Id, m.InstanceId, m.ClientId, m.ClientHost, TopicsOf(m), PartitionsOf(m.Assignment)))]);
        }
    }

    /// <summary>Takes the group and its offsets away. Null when it is gone already; else completes with the refusal of the log, or null.</summary>
    /// <exception cref="BrokerException"><see cref="ErrorCode.NonEmptyGroup"/>.</exception>
    public Task<BrokerException?>? Delete()
    {
        lock (_lock)
        {
            if (_state == GroupState.Dead)
                return null;
            if (_ending is not null)
                return _ending.Settled;
            if (_state != GroupState.Empty)
            {
                throw new BrokerException(ErrorCode.NonEmptyGroup, $"Group '{Name}' has {_members.Count} members. Stop them (or wait until their sessions end) and try again.") { Subject = Name };
            }

            using var records = new RecordBatchBuilder();
            foreach (var entry in _offsets.All)
                AppendTombstone(records, entry.Key);
            return End(records).Settled;
        }
    }

    /// <summary>Completes when the group has come to its end or lives on; at once when it is not about to end.</summary>
    public Task Ended
    {
        get
        {
            lock (_lock)
                return _ending?.Settled ?? Task.CompletedTask;
        }
    }

    public bool IsDead
    {
        get
        {
            lock (_lock)
                return _state == GroupState.Dead;
        }
    }

    /// <summary>For a group that a join made: the log shall know of it, even if nobody comes in the end.</summary>
    public void WriteAppearance()
    {
        lock (_lock)
        {
            if (_state == GroupState.Empty && _ending is null)
                WriteMetadata(new GroupMetadataValue("", 0, null, null, _stateTimestamp, []), new GroupWrite(() => { }, e => _coordinator.Log.GroupNotWritten(Name, e.Message)));
        }
    }

    /// <summary>Takes over what the log says. Before anybody else knows the group.</summary>
    public void Restore(GroupMetadataValue stored)
    {
        (_generation, _protocolType, _protocol) = (stored.Generation, stored.ProtocolType, stored.Protocol);
        _stateTimestamp = stored.CurrentStateTimestamp;
        foreach (var m in stored.Members)
        {
            _members.Add(new ClassicMember(m.MemberId, m.InstanceId, m.ClientId, m.ClientHost)
            {
                SessionTimeoutMs = m.SessionTimeoutMs,
                RebalanceTimeoutMs = m.RebalanceTimeoutMs,
                Protocols = [new GroupProtocol(stored.Protocol ?? "", m.Subscription)],
                Assignment = m.Assignment,
                FromLog = true,
            });
        }

        _members.RestoreLeader(stored.Leader);
        NoteSubscriptions();
        _state = stored.Members.Count > 0 ? GroupState.Stable : GroupState.Empty;
    }

    private long NowMs => _coordinator.Clock.GetUtcNow().ToUnixTimeMilliseconds();

    private void Become(GroupState state)
    {
        (_previousState, _state) = (_state, state);
        _stateTimestamp = NowMs;
    }

    /// <summary>Writes the records and the group's own tombstone; then the group is dead.</summary>
    private GroupWrite End(RecordBatchBuilder records)
    {
        AppendTombstone(records, new GroupMetadataKey(Name).ToBytes());
        var write = new GroupWrite(
            () =>
            {
                _ending = null;
                Become(GroupState.Dead);
                _coordinator.Forget(this);
            },
            _ => _ending = null);
        _ending = write;
        Write(records, write);
        return write;
    }

    private void WriteMetadata(GroupMetadataValue value, PendingWrite write)
    {
        using var records = new RecordBatchBuilder();
        records.Append(NowMs, false, new GroupMetadataKey(Name).ToBytes(), false, value.ToBytes());
        Write(records, write);
    }

    private void AppendTombstone(RecordBatchBuilder records, byte[] key) => records.Append(NowMs, false, key, true, default);

    /// <summary>Queues the records. Under the lock; the effects never come before it is let go.</summary>
    private void Write(RecordBatchBuilder records, PendingWrite write)
    {
        _writes.Enqueue(write);
        _ = SettleAsync(write, _coordinator.Topic.AppendAsync(_log, records));
    }

    private async Task SettleAsync(PendingWrite write, ValueTask<AppendResult> append)
    {
        // An append that was refused on the spot must not have its effects in the middle of the decision that made it.
        if (append.IsCompleted)
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        BrokerException? refusal = null;
        try
        {
            await append.ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            refusal = BrokerException.From(e, _log.Id, _log.Log);
        }

        write.Answer(refusal);

        // A flush of the log answers many at a time, each on a thread of its own: the first one settles for all, the others need not wait for the lock.
        var answers = Interlocked.Increment(ref _answers);
        if (answers > 1)
            return;
        do
            SettleAnswered();
        while ((answers = Interlocked.Add(ref _answers, -answers)) > 0);
    }

    private void SettleAnswered()
    {
        PendingWrite? settled = null;
        lock (_lock)
        {
            while (_writes.TryPeek(out var oldest) && oldest.Answered)
            {
                _writes.Dequeue();
                oldest.Settle();
                oldest.SettledBefore = settled;
                settled = oldest;
            }
        }

        while (settled is not null)
        {
            var before = settled.SettledBefore;
            if (before is null)
                settled.Announce();
            else
                ThreadPool.UnsafeQueueUserWorkItem(settled, preferLocal: false);
            settled = before;
        }
    }
}
