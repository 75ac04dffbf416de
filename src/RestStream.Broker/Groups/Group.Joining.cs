using RestStream.Broker.Groups.Classic;

namespace RestStream.Broker.Groups;

// Kafka's classic protocol, who is in: joining for the first time, again, in place of an earlier self, and leaving.
internal sealed partial class Group
{
    /// <summary>A new member that waits in its first join for longer than this is taken for gone: it has no heartbeat yet. Kafka's 5 minutes.</summary>
    private static readonly TimeSpan NewMemberJoinTimeout = TimeSpan.FromMinutes(5);

    public Task<JoinGroupResponse> JoinAsync(JoinGroupRequest request)
    {
        lock (_lock)
        {
            if (_state == GroupState.Dead || _ending is not null)
                return Refused(ErrorCode.CoordinatorNotAvailable, request.MemberId);
            if (!Accepts(request.MemberId))
            {
                _members.PendingJoin.Remove(request.MemberId);
                if (_members.Find(request.MemberId) is { } tooMany)
                    Drop(tooMany, ErrorCode.GroupMaxSizeReached);
                return Refused(ErrorCode.GroupMaxSizeReached, "");
            }

            return request.MemberId.Length == 0 ? JoinNew(request) : JoinAgain(request);
        }
    }

    /// <summary>Members go. Completes when the log knows that the group is empty, if it is.</summary>
    public async Task<LeaveGroupResponse> LeaveAsync(IReadOnlyList<LeavingMember> leaving)
    {
        Task written;
        LeftMember[] left;
        lock (_lock)
        {
            if (_state == GroupState.Dead)
                return new LeaveGroupResponse(ErrorCode.CoordinatorNotAvailable, []);
            left = [.. leaving.Select(m => new LeftMember(m.MemberId, m.InstanceId, Leave(m)))];
            if (left.Any(m => m.Error is null))
            {
                if (_state is GroupState.Stable or GroupState.CompletingRebalance)
                    PrepareRebalance($"{left.Count(m => m.Error is null)} members left");
                else
                    MaybeCompleteJoin();
            }

            written = _state == GroupState.Empty && _writes.Count > 0 ? _writes.Last().Settled : Task.CompletedTask;
        }

        await written.ConfigureAwait(false);
        return new LeaveGroupResponse(null, left);
    }

    private static Task<JoinGroupResponse> Refused(ErrorCode error, string memberId) => Task.FromResult(new JoinGroupResponse(error, memberId));

    /// <summary>Joining members count while a rebalance is prepared, because those that do not come back will be gone.</summary>
    private bool Accepts(string memberId) => _state switch
    {
        GroupState.PreparingRebalance => _members.Find(memberId) is { AwaitingJoin: not null } || _members.AwaitingJoin < _coordinator.Options.MaxGroupSize,
        GroupState.Stable or GroupState.CompletingRebalance => _members.Find(memberId) is not null || _members.Count < _coordinator.Options.MaxGroupSize,
        _ => true,
    };

    /// <summary>As in Kafka what the member offered so far counts too. Not for an HTTP member, which is never started anew and so could not offer something else otherwise.</summary>
    private bool Supports(JoinGroupRequest request) => _state == GroupState.Empty
        ? request.ProtocolType.Length > 0 && request.Protocols.Count > 0
        : request.ProtocolType == _protocolType && _members.SupportsAny(request.Protocols, but: request.Consumer is null ? null : _members.Find(request.MemberId));

    private Task<JoinGroupResponse> JoinNew(JoinGroupRequest request)
    {
        if (!Supports(request))
            return Refused(ErrorCode.InconsistentGroupProtocol, "");
        var id = $"{request.InstanceId ?? request.ClientId}-{Guid.NewGuid()}";
        if (request.InstanceId is { } instance)
            return _members.FindStatic(instance) is { } old ? JoinInPlaceOf(old, id, request) : AddMember(id, request);
        if (!request.RequiresKnownMemberId)
            return AddMember(id, request);

        var forgotten = _coordinator.Deadlines.After(TimeSpan.FromMilliseconds(request.SessionTimeoutMs));
        _members.PendingJoin.Add(id, forgotten);
        WakeAt(forgotten);
        return Refused(ErrorCode.MemberIdRequired, id);
    }

    private Task<JoinGroupResponse> JoinAgain(JoinGroupRequest request)
    {
        if (!Supports(request))
            return Refused(ErrorCode.InconsistentGroupProtocol, request.MemberId);
        if (request.InstanceId is null && _members.PendingJoin.ContainsKey(request.MemberId))
            return AddMember(request.MemberId, request);
        if (CheckMember(request.MemberId, request.InstanceId) is { } error)
            return Refused(error, request.MemberId);

        var member = _members.Find(request.MemberId)!;
        SpokenFor(member);
        var same = member.Matches(request.Protocols);
        var nothingNew = _state switch
        {
            GroupState.CompletingRebalance => same,

            // A leader comes back because something outside the members changed, such as the number of partitions.
            GroupState.Stable => same && member != _members.Leader,
            _ => false,
        };
        if (nothingNew)
            return Task.FromResult(Joined(member));

        Update(member, request);
        var waiter = NewWaiter<JoinGroupResponse>();
        _members.SetAwaitingJoin(member, waiter);
        PrepareRebalanceOrCompleteJoin($"member {member.Id} joined again{Because(request)}");
        return waiter.Task;
    }

    private Task<JoinGroupResponse> AddMember(string id, JoinGroupRequest request)
    {
        var waiter = NewWaiter<JoinGroupResponse>();
        var member = new ClassicMember(id, request.InstanceId, request.ClientId, request.ClientHost)
        {
            SessionTimeoutMs = request.SessionTimeoutMs,
            RebalanceTimeoutMs = request.RebalanceTimeoutMs,
            Protocols = request.Protocols,
            IsNew = true,
            AwaitingJoin = waiter,
            Consumer = request.Consumer,
        };
        if (_members.Count == 0)
            _protocolType = request.ProtocolType;
        if (_state == GroupState.PreparingRebalance && _previousState == GroupState.Empty)
            _newMemberAdded = true;
        _members.Add(member);
        member.Consumer?.Joining(this, member.Id);
        member.Deadline = _coordinator.Deadlines.After(NewMemberJoinTimeout);
        WakeAt(member.Deadline);
        PrepareRebalanceOrCompleteJoin($"member {id} joined{Because(request)}");
        return waiter.Task;
    }

    /// <summary>A static member came without its member id: it was started anew. It takes its own place under a new id, and whoever still uses the old one is fenced.</summary>
    private Task<JoinGroupResponse> JoinInPlaceOf(ClassicMember old, string id, JoinGroupRequest request)
    {
        Answer(old, new JoinGroupResponse(ErrorCode.FencedInstanceId, old.Id));
        Answer(old, new SyncGroupResponse(ErrorCode.FencedInstanceId));
        old.Consumer?.Ended(old.Id, fenced: true);
        var waiter = NewWaiter<JoinGroupResponse>();
        var member = new ClassicMember(id, old.InstanceId, old.ClientId, old.ClientHost)
        {
            SessionTimeoutMs = request.SessionTimeoutMs,
            RebalanceTimeoutMs = request.RebalanceTimeoutMs,
            Protocols = request.Protocols,
            Assignment = old.Assignment,
            AwaitingJoin = waiter,
            Consumer = request.Consumer,
        };
        _members.Replace(old, member);
        member.Consumer?.Joining(this, member.Id);
        RestartSession(member);
        if (_state == GroupState.CompletingRebalance)
            PrepareRebalance($"static member {member.InstanceId} was started anew while the leader assigned");
        else if (_state != GroupState.Stable)
            MaybeCompleteJoin();
        else if (_members.SelectProtocol() != _protocol)
            PrepareRebalance($"static member {member.InstanceId} was started anew with another protocol");
        else
            StoreReplacement(old, member);
        return waiter.Task;
    }

    /// <summary>Nothing but the id changes: no rebalance, but the log must know before the member does.</summary>
    private void StoreReplacement(ClassicMember old, ClassicMember member) => WriteMetadata(Metadata(m => m.Assignment), new GroupWrite(
        () =>
        {
            var leads = member == _members.Leader;
            if (_state == GroupState.Stable)
                Answer(member, Joined(member) with { SkipAssignment = leads });
            member.Consumer?.Assigned(_generation, _protocol!, PartitionsOf(member.Assignment));
        },
        refusal =>
        {
            if (_members.Find(member.Id) != member)
                return;
            Answer(member, new JoinGroupResponse(AsAppendError(refusal), ""));
            member.Consumer?.Ended(member.Id);
            old.Consumer = null;
            _members.Replace(member, old);
            RestartSession(old);
        }));

    /// <summary>What a member gets to know of the generation.</summary>
    private JoinGroupResponse Joined(ClassicMember member) => new(null, member.Id)
    {
        Generation = _generation,
        ProtocolType = _protocolType,
        Protocol = _protocol,
        Leader = _members.Leader?.Id ?? "",
        Members = member == _members.Leader ? [.. _members.All.Select(m => new JoinedMember(m.Id, m.InstanceId, m.Metadata(_protocol)))] : [],
    };

    private void Update(ClassicMember member, JoinGroupRequest request)
    {
        _members.SetProtocols(member, request.Protocols);
        member.SessionTimeoutMs = request.SessionTimeoutMs;
        member.RebalanceTimeoutMs = request.RebalanceTimeoutMs;
        if (request.Consumer is { } consumer)
        {
            member.Consumer = consumer;
            consumer.Joining(this, member.Id);
        }
    }

    private ErrorCode? Leave(LeavingMember leaving)
    {
        if (leaving.MemberId.Length == 0)
        {
            if (leaving.InstanceId is null || _members.FindStatic(leaving.InstanceId) is not { } named)
                return ErrorCode.UnknownMemberId;
            Drop(named, ErrorCode.UnknownMemberId);
            return null;
        }

        if (_members.PendingJoin.Remove(leaving.MemberId))
            return null;
        if (CheckMember(leaving.MemberId, leaving.InstanceId) is { } error)
            return error;
        Drop(_members.Find(leaving.MemberId)!, ErrorCode.UnknownMemberId);
        return null;
    }

    private static string Because(JoinGroupRequest request) => request.Reason is { Length: > 0 } reason ? $": {reason}" : "";
}
