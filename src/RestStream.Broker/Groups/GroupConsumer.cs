using RestStream.Broker.Groups.Assignors;
using RestStream.Broker.Groups.Classic;
using RestStream.Broker.Groups.Formats;
using RestStream.Storage;

namespace RestStream.Broker.Groups;

/// <summary>
/// An HTTP member: the consumer's side of Kafka's classic protocol, run inside the coordinator. It joins while somebody waits in <see cref="ReadyAsync"/>, asks for its assignment itself,
/// and computes everybody's when it is the leader. What it owns is told by the group at the moment a generation becomes stable, for all members at once.
/// </summary>
/// <remarks>Its own lock is a leaf: taken inside the group's, and nothing else is taken inside it.</remarks>
internal sealed class GroupConsumer : IGroupConsumer, IHasDeadlines
{
    private readonly GroupCoordinator _coordinator;
    private volatile GroupJoin _join;
    private readonly Lock _lock = new();

    /// <summary>What it owns, and since which generation without a break.</summary>
    private Dictionary<TopicPartition, int> _owned = [];
    private GroupAssignment _assigned = GroupAssignment.None;
    private volatile GroupAssignment _taken = GroupAssignment.None;
    private TaskCompletionSource _rebalanceWanted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile GroupSubscription _subscription;
    private volatile Group? _group;
    private volatile string _memberId = "";
    private Task? _joining;
    private int _waiters;

    /// <summary>How often it was taken out: whoever waited then must not bring it back.</summary>
    private int _leaves;
    private int _heldOpen;
    private long _lastCall;

    /// <summary>The way of assignment in use.</summary>
    private string? _protocol;

    /// <summary>It must join again although nobody else wants a rebalance: other topics, or partitions to hand on.</summary>
    private bool _mustJoin;

    private volatile bool _fenced;

    public GroupConsumer(GroupCoordinator coordinator, GroupJoin join, GroupSubscription subscription)
    {
        (_coordinator, _join, _subscription) = (coordinator, join, subscription);
        _lastCall = coordinator.Deadlines.Now;
        ForgetLater();
    }

    public string Group => _join.Group;
    public string MemberId => _memberId;
    public string? InstanceId => _join.InstanceId;
    public IReadOnlyList<string> Topics => _subscription.Topics;
    public string? TopicPattern => _subscription.Pattern;
    public GroupAssignment Assignment => _taken;

    public Task RebalanceWanted
    {
        get
        {
            lock (_lock)
                return _rebalanceWanted.Task;
        }
    }

    public GroupSubscription Subscription => _subscription;

    /// <summary>Somebody reads for this member on an open connection.</summary>
    public bool IsHeldOpen => Volatile.Read(ref _heldOpen) > 0;

    public async ValueTask<bool> ReadyAsync(TimeSpan maxWait, CancellationToken cancellationToken)
    {
        var started = Called();
        var leaves = Volatile.Read(ref _leaves);
        while (!IsReady())
        {
            if (leaves != Volatile.Read(ref _leaves))
                return false;
            Task joining;
            lock (_lock)
            {
                joining = _joining ??= JoinAsync(leaves);
                Interlocked.Increment(ref _waiters);
            }

            try
            {
                var left = maxWait - _coordinator.Clock.GetElapsedTime(started);
                if (!joining.IsCompleted && left <= TimeSpan.Zero)
                    return false;
                await joining.WaitAsync(TimeSpan.FromTicks(Math.Clamp(left.Ticks, 0, LongestWait.Ticks)), _coordinator.Clock, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                return false;
            }
            finally
            {
                Interlocked.Decrement(ref _waiters);
                Called();
            }
        }

        return true;
    }

    public IDisposable KeepAlive() => new Life(this);

    public void Subscribe(IReadOnlyList<string> topics, string? topicPattern)
    {
        // Asked with every request of some clients, and nearly always for the same.
        if (_subscription.Says(topics, topicPattern))
            return;
        GroupCoordinator.CheckTopics(topics);
        var subscription = new GroupSubscription(topics, topicPattern);
        lock (_lock)
        {
            if (_subscription.Equals(subscription))
                return;
            _subscription = subscription;
            _mustJoin = true;
            _rebalanceWanted.TrySetResult();
        }
    }

    /// <summary>Whether it has these timeouts and offers these ways of assignment.</summary>
    public bool Has(GroupJoin join) =>
        _join.SessionTimeout == join.SessionTimeout && _join.RebalanceTimeout == join.RebalanceTimeout && _join.Assignors.SequenceEqual(join.Assignors);

    /// <summary>
    /// Has the timeouts of <paramref name="join"/> from now on, and offers its ways of assignment. It joins again at the next <see cref="ReadyAsync"/> when the one in use is not among them.
    /// </summary>
    public void Take(GroupJoin join)
    {
        lock (_lock)
        {
            _join = _join with { SessionTimeout = join.SessionTimeout, RebalanceTimeout = join.RebalanceTimeout, Assignors = join.Assignors };
            if (!OffersProtocol)
                _rebalanceWanted.TrySetResult();
        }

        _group?.TakeTimeouts(this, _memberId, join);
    }

    public async Task<IReadOnlyList<RefusedCommit>> CommitAsync(IReadOnlyList<OffsetCommit> offsets, int generation, CancellationToken cancellationToken)
    {
        Called();
        _coordinator.CheckCommits(offsets);
        while (true)
        {
            if (_group is not { } group)
                return [.. offsets.Select(o => new RefusedCommit(o.Partition, o.Offset, ErrorCode.UnknownMemberId))];
            var commit = group.CommitAs(this, _memberId, offsets, generation);
            if (commit.AskAgainAfter is { } ahead)
            {
                await ahead.WaitAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }

            if (commit.Written is not null && await commit.Written.WaitAsync(cancellationToken).ConfigureAwait(false) is { } refusal)
                throw refusal;
            return commit.Refused;
        }
    }

    public Task LeaveAsync()
    {
        Interlocked.Increment(ref _leaves);
        return TakeOutAsync();
    }

    /// <summary>For its assignors, best first: what it wants and what it has.</summary>
    public IReadOnlyList<GroupProtocol> Protocols()
    {
        lock (_lock)
        {
            var topics = _subscription.Resolve(_coordinator.PublicTopics);
            var userData = _subscription.ToUserData();
            var owned = TopicPartitions.From(_owned.Keys);
            var plain = new ConsumerSubscription(topics, userData, []).ToBytes();
            var keeping = new ConsumerSubscription(topics, userData, owned, _owned.Count > 0 ? _assigned.Generation : -1).ToBytes();

            // Range and round robin start from nothing, so what is owned would only make members look changed.
            return [.. _join.Assignors.Select(a => new GroupProtocol(a, a is "range" or "roundrobin" ? plain : keeping))];
        }
    }

    public bool HasOwned(TopicPartition partition, int generation)
    {
        lock (_lock)
            return _owned.TryGetValue(partition, out var since) && (generation == -1 || (since <= generation && generation <= _assigned.Generation));
    }

    /// <summary>The group has it as a member under this id. Under the group's lock, as the following.</summary>
    public void Joining(Group group, string memberId)
    {
        lock (_lock)
            (_group, _memberId) = (group, memberId);
    }

    public void RebalanceStarted()
    {
        lock (_lock)
            _rebalanceWanted.TrySetResult();
    }

    /// <summary>A generation is stable, and this is its share.</summary>
    public void Assigned(int generation, string protocol, IReadOnlyList<TopicPartition> partitions)
    {
        lock (_lock)
        {
            var before = _owned;
            _owned = partitions.ToDictionary(p => p, p => before.GetValueOrDefault(p, generation));
            _assigned = new GroupAssignment(generation, partitions);
            _protocol = protocol;

            // What it gave up is free only once it has come back without it.
            if (Assignor.Find(protocol) is { Cooperative: true } && before.Keys.Any(p => !_owned.ContainsKey(p)))
            {
                _mustJoin = true;
                _rebalanceWanted.TrySetResult();
            }
        }
    }

    /// <summary>Publishes the share of this generation, if it has one and need not join for another reason.</summary>
    public bool Take(int generation)
    {
        lock (_lock)
        {
            if (_mustJoin || !OffersProtocol || _assigned.Generation != generation)
                return false;
            _taken = _assigned;
            if (_rebalanceWanted.Task.IsCompleted)
                _rebalanceWanted = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return true;
        }
    }

    /// <summary>The membership is over: it left, or its session ended. Fenced: another client took its name, so it must not come back by itself.</summary>
    public void Ended(string memberId, bool fenced = false)
    {
        lock (_lock)
        {
            if (_memberId != memberId)
                return;
            _fenced = fenced;
            (_group, _memberId, _assigned, _protocol) = (null, "", GroupAssignment.None, null);
            _owned = [];
            _rebalanceWanted.TrySetResult();
        }

        ForgetLater();
    }

    public void DeadlineCame()
    {
        if (_group is not null)
            return;
        var forgotten = _coordinator.Deadlines.After(Volatile.Read(ref _lastCall), _coordinator.Options.ConsumerRetention);
        if (IsHeldOpen || forgotten > _coordinator.Deadlines.Now)
            ForgetLater();
        else
            _coordinator.Forget(this);
    }

    /// <summary>Longer than any caller waits, shorter than what a timer can hold.</summary>
    private static TimeSpan LongestWait { get; } = TimeSpan.FromDays(1);

    private void ForgetLater()
    {
        // Nobody could find one without a name.
        if (InstanceId is not null)
            _coordinator.Deadlines.Register(this, _coordinator.Deadlines.After(_coordinator.Options.ConsumerRetention));
    }

    private long Called()
    {
        var now = _coordinator.Deadlines.Now;
        Volatile.Write(ref _lastCall, now);
        return now;
    }

    private async Task TakeOutAsync()
    {
        _coordinator.Forget(this);
        if (_group is { } group && _memberId is { Length: > 0 } memberId)
            await group.LeaveAsync([new LeavingMember(memberId, InstanceId)]).ConfigureAwait(false);
    }

    private bool OffersProtocol => string.IsNullOrEmpty(_protocol) || _join.Assignors.Contains(_protocol);

    private bool IsReady() => _group is { } group && group.IsReady(this, _memberId);

    /// <summary>
    /// Joins until it has a place in a generation, is taken out, or nobody waits for it any more. One at a time; it outlives the caller that started it, because a parked join is
    /// part of the rebalance.
    /// </summary>
    /// <param name="leaves">How often it had been taken out when the caller came.</param>
    private async Task JoinAsync(int leaves)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            if (_fenced)
            {
                // Whoever asks for the name from now on gets a membership of its own, and takes it back if that is what it wants.
                _coordinator.Forget(this);
                throw Refusal(ErrorCode.FencedInstanceId);
            }

            _coordinator.Remember(this);
            while (leaves == Volatile.Read(ref _leaves))
            {
                var joined = await _coordinator.JoinAsync(Request()).ConfigureAwait(false);
                if (joined.Error is null && await SyncAsync(joined).ConfigureAwait(false))
                {
                    if (leaves == Volatile.Read(ref _leaves))
                        return;
                    break;
                }

                if (joined.Error is { } error && error is not (ErrorCode.UnknownMemberId or ErrorCode.CoordinatorNotAvailable))
                    throw Refusal(error);
                if (joined.Error is ErrorCode.CoordinatorNotAvailable)
                    await _coordinator.EndedAsync(Group).ConfigureAwait(false);
                if (Volatile.Read(ref _waiters) == 0)
                    return;
            }

            // The order to leave came while the group did not know it yet.
            await TakeOutAsync().ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
                _joining = null;
        }
    }

    private JoinGroupRequest Request()
    {
        lock (_lock)
            _mustJoin = false;
        var join = _join;
        return new JoinGroupRequest
        {
            Group = Group,
            MemberId = _memberId,
            InstanceId = InstanceId,
            ProtocolType = Groups.Group.ConsumerProtocolType,
            Protocols = Protocols(),
            SessionTimeoutMs = join.TimeoutsMs.Session,
            RebalanceTimeoutMs = join.TimeoutsMs.Rebalance,
            ClientId = join.ClientId,
            ClientHost = join.ClientHost,
            Consumer = this,
        };
    }

    /// <summary>Fetches the assignment, after giving out everybody's when it leads. False: the generation was over before it was stable.</summary>
    private async Task<bool> SyncAsync(JoinGroupResponse joined)
    {
        var synced = await _coordinator.SyncAsync(new SyncGroupRequest
        {
            Group = Group,
            Generation = joined.Generation,
            MemberId = joined.MemberId,
            InstanceId = InstanceId,
            ProtocolType = joined.ProtocolType,
            Protocol = joined.Protocol,
            Assignments = joined.Leader == joined.MemberId && !joined.SkipAssignment ? _coordinator.Assign(joined) : [],
        }).ConfigureAwait(false);
        return synced switch
        {
            { Error: null } => true,
            { Refusal: { } refusal } => throw refusal,
            { Error: ErrorCode.RebalanceInProgress or ErrorCode.IllegalGeneration or ErrorCode.UnknownMemberId or ErrorCode.CoordinatorNotAvailable } => false,
            { Error: { } error } => throw Refusal(error),
        };
    }

    private BrokerException Refusal(ErrorCode error) => new(error, error switch
    {
        ErrorCode.FencedInstanceId => $"Another client took the name '{InstanceId}' in group '{Group}'. Use another name, or stop that client.",
        ErrorCode.GroupMaxSizeReached => $"Group '{Group}' has {_coordinator.Options.MaxGroupSize} members, the most allowed (RestStream:Groups:MaxGroupSize).",
        ErrorCode.InconsistentGroupProtocol =>
            $"The members of group '{Group}' have no way of assignment in common with this one ({string.Join(", ", _join.Assignors)}), or are no consumers. Use the assignors of the others, or another group.",
        _ => $"Joining group '{Group}' failed: {error}.",
    })
    {
        Subject = Group,
    };

    /// <summary>An open connection.</summary>
    private sealed class Life : IDisposable
    {
        private GroupConsumer? _consumer;

        public Life(GroupConsumer consumer)
        {
            _consumer = consumer;
            Interlocked.Increment(ref consumer._heldOpen);
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _consumer, null) is not { } consumer)
                return;
            consumer.Called();
            if (consumer._group is { } group)
                group.Touch(consumer, consumer._memberId);
            Interlocked.Decrement(ref consumer._heldOpen);
        }
    }
}
