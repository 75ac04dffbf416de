using RestStream.Broker.Groups.Classic;

namespace RestStream.Broker.Groups;

// Time: sessions, waits for joins and for syncs. A heartbeat writes one field; the queue is told only of deadlines earlier than the one it knows.
internal sealed partial class Group
{
    /// <summary>When a rebalance goes on without those that did not come; 0 when none is awaited.</summary>
    private long _joinDeadline;

    /// <summary>The first rebalance of an empty group waits on purpose, and for so much longer at most when further members come.</summary>
    private bool _delayed;
    private TimeSpan _delayLeft;

    /// <summary>When members that did not ask for their assignment are taken for gone; 0 when all did.</summary>
    private long _syncDeadline;

    /// <summary>The earliest time for which the queue will wake this group.</summary>
    private long _wakeAt = long.MaxValue;

    public void DeadlineCame()
    {
        lock (_lock)
        {
            _wakeAt = long.MaxValue;
            var now = _coordinator.Deadlines.Now;
            ExpirePendingJoins(now);
            ExpireSessions(now);
            if (_joinDeadline != 0 && _joinDeadline <= now)
                JoinsAreOver();
            if (_syncDeadline != 0 && _syncDeadline <= now)
                ExpireSyncs();
            WakeForNext();
        }
    }

    /// <summary>Sessions of loaded members begin when the coordinator does.</summary>
    public void StartSessions()
    {
        lock (_lock)
        {
            foreach (var member in _members.All)
                RestartSession(member);
        }
    }

    private void RestartSession(ClassicMember member)
    {
        member.Deadline = _coordinator.Deadlines.After(TimeSpan.FromMilliseconds(member.SessionTimeoutMs));
        WakeAt(member.Deadline);
    }

    private void WakeAt(long due)
    {
        if (due >= _wakeAt)
            return;
        _wakeAt = due;
        _coordinator.Deadlines.Register(this, due);
    }

    private void WakeForNext()
    {
        var next = long.MaxValue;
        foreach (var member in _members.All)
            next = Math.Min(next, member.Deadline);
        foreach (var forgotten in _members.PendingJoin.Values)
            next = Math.Min(next, forgotten);
        if (_joinDeadline != 0)
            next = Math.Min(next, _joinDeadline);
        if (_syncDeadline != 0)
            next = Math.Min(next, _syncDeadline);
        if (next != long.MaxValue)
            WakeAt(next);
    }

    private void ExpirePendingJoins(long now)
    {
        foreach (var (id, _) in _members.PendingJoin.Where(p => p.Value <= now).ToList())
        {
            _members.PendingJoin.Remove(id);
            if (_state == GroupState.PreparingRebalance && _members.HaveAllJoined)
                CompleteJoin();
        }
    }

    private void ExpireSessions(long now)
    {
        foreach (var member in _members.All.Where(m => m.Deadline <= now).ToList())
        {
            if (member.IsAlive)
            {
                // Parked here; its session begins anew with the answer.
                member.Deadline = long.MaxValue;
            }
            else if (member.Consumer is { IsHeldOpen: true })
            {
                RestartSession(member);
            }
            else if (_members.Find(member.Id) == member && member.Deadline <= now)
            {
                _coordinator.Log.MemberDropped(member.Id, Name, "its session ended");
                Drop(member, ErrorCode.UnknownMemberId);
                if (_state is GroupState.Stable or GroupState.CompletingRebalance)
                    PrepareRebalance($"the session of {member.Id} ended");
                else if (_state == GroupState.PreparingRebalance && _members.HaveAllJoined)
                    CompleteJoin();
            }
        }
    }

    private void DelayInitialRebalance(int rebalanceTimeoutMs)
    {
        var delay = _coordinator.Options.InitialRebalanceDelay;
        _delayed = true;
        _delayLeft = TimeSpan.FromMilliseconds(Math.Max(0, rebalanceTimeoutMs - delay.TotalMilliseconds));
        _newMemberAdded = false;
        _joinDeadline = _coordinator.Deadlines.After(delay);
        WakeAt(_joinDeadline);
    }

    private void JoinsAreOver()
    {
        if (_delayed && _newMemberAdded && _delayLeft > TimeSpan.Zero)
        {
            // Members still arrive: wait as long again, until the rebalance timeout is used up.
            var delay = _coordinator.Options.InitialRebalanceDelay < _delayLeft ? _coordinator.Options.InitialRebalanceDelay : _delayLeft;
            _newMemberAdded = false;
            _delayLeft -= delay;
            _joinDeadline = _coordinator.Deadlines.After(delay);
            WakeAt(_joinDeadline);
            return;
        }

        CompleteJoin();
    }

    private void ExpireSyncs()
    {
        _syncDeadline = 0;
        if (_state is not (GroupState.CompletingRebalance or GroupState.Stable) || _members.PendingSync.Count == 0)
            return;
        foreach (var id in _members.PendingSync.ToList())
        {
            _coordinator.Log.MemberDropped(id, Name, "it did not ask for its assignment in time");
            Drop(_members.Find(id)!, ErrorCode.UnknownMemberId);
        }

        PrepareRebalance("members did not ask for their assignment in time");
    }
}
