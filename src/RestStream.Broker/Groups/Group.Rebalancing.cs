using RestStream.Broker.Groups.Classic;
using RestStream.Broker.Groups.Formats;

namespace RestStream.Broker.Groups;

// Kafka's classic protocol (its ClassicGroup and the classic part of GroupMetadataManager): who leads, when a generation begins and when it is stable.
internal sealed partial class Group
{
    private bool _newMemberAdded;

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

    private static TaskCompletionSource<T> NewWaiter<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);

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
}
