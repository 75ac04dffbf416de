using RestStream.Broker.Groups.Classic;
using RestStream.Broker.Groups.Formats;

namespace RestStream.Broker.Groups;

// Kafka's classic protocol (its ClassicGroup and the classic part of GroupMetadataManager): who joins, who leads, when a generation begins and when it is stable.
internal sealed partial class Group
{
    /// <summary>A new member that waits in its first join for longer than this is taken for gone: it has no heartbeat yet. Kafka's 5 minutes.</summary>
    private static readonly TimeSpan NewMemberJoinTimeout = TimeSpan.FromMinutes(5);

    private bool _newMemberAdded;

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

    public Task<SyncGroupResponse> SyncAsync(SyncGroupRequest request)
    {
        lock (_lock)
        {
            if (CheckSync(request) is { } error)
                return Task.FromResult(new SyncGroupResponse(error));
            var member = _members.Find(request.MemberId)!;
            SpokenFor(member);
            if (_state == GroupState.PreparingRebalance)
                return Task.FromResult(new SyncGroupResponse(ErrorCode.RebalanceInProgress));

            _members.PendingSync.Remove(member.Id);
            if (_members.PendingSync.Count == 0)
                _syncDeadline = 0;
            if (_state == GroupState.Stable)
                return Task.FromResult(new SyncGroupResponse(null) { ProtocolType = _protocolType, Protocol = _protocol, Assignment = member.Assignment });

            var waiter = NewWaiter<SyncGroupResponse>();
            member.AwaitingSync = waiter;
            if (member == _members.Leader)
                StoreAssignment(request);
            return waiter.Task;
        }
    }

    public ErrorCode? Heartbeat(string memberId, string? instanceId, int generation)
    {
        lock (_lock)
        {
            if (_state == GroupState.Dead)
                return ErrorCode.CoordinatorNotAvailable;
            if (CheckMember(memberId, instanceId) is { } error)
                return error;
            if (generation != _generation)
                return ErrorCode.IllegalGeneration;
            var member = _members.Find(memberId)!;
            SpokenFor(member);
            RestartSession(member);
            return _state == GroupState.PreparingRebalance ? ErrorCode.RebalanceInProgress : null;
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

    private static TaskCompletionSource<T> NewWaiter<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static Task<JoinGroupResponse> Refused(ErrorCode error, string memberId) => Task.FromResult(new JoinGroupResponse(error, memberId));

    /// <summary>Joining members count while a rebalance is prepared, because those that do not come back will be gone.</summary>
    private bool Accepts(string memberId) => _state switch
    {
        GroupState.PreparingRebalance => _members.Find(memberId) is { AwaitingJoin: not null } || _members.AwaitingJoin < _coordinator.Options.MaxGroupSize,
        GroupState.Stable or GroupState.CompletingRebalance => _members.Find(memberId) is not null || _members.Count < _coordinator.Options.MaxGroupSize,
        _ => true,
    };

    private bool Supports(JoinGroupRequest request) => _state == GroupState.Empty
        ? request.ProtocolType.Length > 0 && request.Protocols.Count > 0
        : request.ProtocolType == _protocolType && _members.SupportsAny(request.Protocols);

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

    private void PrepareRebalanceOrCompleteJoin(string reason)
    {
        if (_state == GroupState.PreparingRebalance)
            MaybeCompleteJoin();
        else
            PrepareRebalance(reason);
    }

    /// <summary>Calls all members together.</summary>
    private void PrepareRebalance(string reason)
    {
        if (_state == GroupState.CompletingRebalance)
            WithdrawAssignments(new SyncGroupResponse(ErrorCode.RebalanceInProgress));
        _members.PendingSync.Clear();
        _syncDeadline = 0;
        var initial = _state == GroupState.Empty;
        Become(GroupState.PreparingRebalance);
        _coordinator.Log.RebalanceStarted(Name, _generation, reason);
        foreach (var member in _members.All)
            member.Consumer?.RebalanceStarted();

        if (initial && _coordinator.Options.InitialRebalanceDelay > TimeSpan.Zero)
            DelayInitialRebalance(_members.RebalanceTimeoutMs);
        else if (initial || _members.HaveAllJoined)
            CompleteJoin();
        else
            ExpectJoins();
    }

    private void ExpectJoins()
    {
        _joinDeadline = _coordinator.Deadlines.After(TimeSpan.FromMilliseconds(_members.RebalanceTimeoutMs));
        WakeAt(_joinDeadline);
    }

    /// <summary>The first rebalance goes on when its delay is over, not before.</summary>
    private void MaybeCompleteJoin()
    {
        if (_state == GroupState.PreparingRebalance && _previousState != GroupState.Empty && _members.HaveAllJoined)
            CompleteJoin();
    }

    /// <summary>Begins the next generation with those who came back.</summary>
    private void CompleteJoin()
    {
        (_joinDeadline, _delayed) = (0, false);
        foreach (var missing in _members.All.Where(m => m.AwaitingJoin is null && !m.IsStatic).ToList())
        {
            _coordinator.Log.MemberDropped(missing.Id, Name, "it did not join the rebalance in time");
            Drop(missing, ErrorCode.UnknownMemberId);
        }

        if (!_members.ElectLeader() && _members.Count > 0)
        {
            // Only static members are left, all of them away: their sessions will tell.
            ExpectJoins();
            return;
        }

        _generation++;
        _members.PendingSync.Clear();
        if (_members.Count == 0)
        {
            _protocol = null;
            NoteSubscriptions();
            Become(GroupState.Empty);
            _coordinator.Log.GroupEmpty(Name, _generation);
            WriteMetadata(Metadata(_ => []), new GroupWrite(() => { }, e => _coordinator.Log.GroupNotWritten(Name, e.Message)));
            return;
        }

        foreach (var member in _members.All)
            RefreshSubscription(member);
        _protocol = _members.SelectProtocol();
        NoteSubscriptions();
        Become(GroupState.CompletingRebalance);
        foreach (var member in _members.All)
        {
            Answer(member, Joined(member));
            RestartSession(member);
            member.IsNew = false;
            _members.PendingSync.Add(member.Id);
        }

        _syncDeadline = _coordinator.Deadlines.After(TimeSpan.FromMilliseconds(_members.RebalanceTimeoutMs));
        WakeAt(_syncDeadline);
    }

    /// <summary>The leader has assigned; the generation is stable once that is on disk.</summary>
    private void StoreAssignment(SyncGroupRequest request)
    {
        var generation = _generation;
        var assignments = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var (member, assignment) in request.Assignments)
            assignments[member] = assignment;
        WriteMetadata(Metadata(m => assignments.GetValueOrDefault(m.Id, [])), new GroupWrite(
            () =>
            {
                // Somebody may have come or gone meanwhile.
                if (_state != GroupState.CompletingRebalance || _generation != generation)
                    return;
                foreach (var member in _members.All)
                {
                    member.Assignment = assignments.GetValueOrDefault(member.Id, []);
                    member.Consumer?.Assigned(_generation, _protocol!, PartitionsOf(member.Assignment));
                    Answer(member, new SyncGroupResponse(null) { ProtocolType = _protocolType, Protocol = _protocol, Assignment = member.Assignment });
                }

                Become(GroupState.Stable);
                _coordinator.Rebalanced();
                _coordinator.Log.RebalanceCompleted(Name, _generation, _members.Count, _protocol!);
            },
            refusal =>
            {
                if (_state != GroupState.CompletingRebalance || _generation != generation)
                    return;
                WithdrawAssignments(new SyncGroupResponse(AsAppendError(refusal)) { Refusal = refusal });
                PrepareRebalance($"the assignment could not be written: {refusal.Message}");
            }));
    }

    private GroupMetadataValue Metadata(Func<ClassicMember, byte[]> assignment) => new(
        _protocolType, _generation, _protocol, _members.Leader?.Id, _stateTimestamp,
        [.. _members.All.Select(m => new GroupMetadataMember(
            m.Id, m.InstanceId, m.ClientId, m.ClientHost, m.RebalanceTimeoutMs, m.SessionTimeoutMs, m.Metadata(_protocol), assignment(m)))]);

    private void WithdrawAssignments(SyncGroupResponse answer)
    {
        foreach (var member in _members.All)
        {
            member.Assignment = [];
            Answer(member, answer);
        }
    }

    private void Answer(ClassicMember member, JoinGroupResponse response)
    {
        var waiter = member.AwaitingJoin;
        _members.SetAwaitingJoin(member, null);
        waiter?.SetResult(response);
    }

    private void Answer(ClassicMember member, SyncGroupResponse response)
    {
        if (member.AwaitingSync is not { } waiter)
            return;
        member.AwaitingSync = null;

        // While it waited its session was not looked at.
        RestartSession(member);
        waiter.SetResult(response);
    }

    /// <summary>Takes a member out; whatever it waits for is answered.</summary>
    private void Drop(ClassicMember member, ErrorCode error)
    {
        Answer(member, new JoinGroupResponse(error, ""));
        Answer(member, new SyncGroupResponse(error));
        _members.Remove(member);
        member.Consumer?.Ended(member.Id);
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

    private ErrorCode? CheckSync(SyncGroupRequest request)
    {
        if (_state == GroupState.Dead)
            return ErrorCode.CoordinatorNotAvailable;
        if (CheckMember(request.MemberId, request.InstanceId) is { } error)
            return error;
        if (request.Generation != _generation)
            return ErrorCode.IllegalGeneration;
        var inconsistent = (request.ProtocolType is { } type && type != _protocolType) || (request.Protocol is { } protocol && _protocol is not null && protocol != _protocol);
        return inconsistent ? ErrorCode.InconsistentGroupProtocol : null;
    }

    private ErrorCode? CheckMember(string memberId, string? instanceId)
    {
        if (instanceId is not null)
        {
            if (_members.FindStatic(instanceId) is not { } named)
                return ErrorCode.UnknownMemberId;
            if (named.Id != memberId)
                return ErrorCode.FencedInstanceId;
        }

        return _members.Find(memberId) is null ? ErrorCode.UnknownMemberId : null;
    }

    /// <summary>A member that speaks the protocol itself has spoken, so it is not an HTTP member that waits to be found again.</summary>
    private static void SpokenFor(ClassicMember member) => member.FromLog = false;

    /// <summary>Kafka's code for a generation that could not be written.</summary>
    private static ErrorCode AsAppendError(BrokerException refusal) => refusal.Code switch
    {
        ErrorCode.KafkaStorageError => ErrorCode.NotCoordinator,
        ErrorCode.MessageTooLarge => ErrorCode.UnknownServerError,
        _ => ErrorCode.CoordinatorNotAvailable,
    };

    private static string Because(JoinGroupRequest request) => request.Reason is { Length: > 0 } reason ? $": {reason}" : "";
}
