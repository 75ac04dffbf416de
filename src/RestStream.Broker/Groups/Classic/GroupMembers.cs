namespace RestStream.Broker.Groups.Classic;

/// <summary>
/// Who is in a group, in the order of joining, and what they have in common. Knows nothing of states, time and the log. Touched under the group's lock only.
/// </summary>
internal sealed class GroupMembers
{
    private readonly List<ClassicMember> _members = [];
    private readonly Dictionary<string, ClassicMember> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ClassicMember> _byInstance = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _protocols = new(StringComparer.Ordinal);

    /// <summary>In the order in which they joined.</summary>
    public IReadOnlyList<ClassicMember> All => _members;

    public int Count => _members.Count;

    /// <summary>How many wait for the rebalance to go on.</summary>
    public int AwaitingJoin { get; private set; }

    /// <summary>Null only while there is no member.</summary>
    public ClassicMember? Leader { get; private set; }

    /// <summary>Ids that were handed out and not joined with yet, and when they are forgotten.</summary>
    public Dictionary<string, long> PendingJoin { get; } = new(StringComparer.Ordinal);

    /// <summary>Members of the current generation that have not asked for their assignment yet.</summary>
    public HashSet<string> PendingSync { get; } = new(StringComparer.Ordinal);

    public bool HaveAllJoined => Count == AwaitingJoin && PendingJoin.Count == 0;

    /// <summary>As long as the most patient member says.</summary>
    public int RebalanceTimeoutMs => _members.Count == 0 ? 0 : _members.Max(m => m.RebalanceTimeoutMs);

    public ClassicMember? Find(string id) => _byId.GetValueOrDefault(id);

    public ClassicMember? FindStatic(string instanceId) => _byInstance.GetValueOrDefault(instanceId);

    public void Add(ClassicMember member)
    {
        _members.Add(member);
        _byId.Add(member.Id, member);
        if (member.InstanceId is { } instance)
            _byInstance.Add(instance, member);
        CountProtocols(member, 1);
        if (member.AwaitingJoin is not null)
            AwaitingJoin++;
        Leader ??= member;
        PendingJoin.Remove(member.Id);
    }

    public void Remove(ClassicMember member)
    {
        if (!_byId.Remove(member.Id))
            return;
        _members.Remove(member);
        if (member.InstanceId is { } instance)
            _byInstance.Remove(instance);
        CountProtocols(member, -1);
        if (member.AwaitingJoin is not null)
            AwaitingJoin--;
        PendingSync.Remove(member.Id);
        if (Leader == member)
            Leader = _members.FirstOrDefault();
    }

    /// <summary>A static member came under a new id; takes the old one's place, as leader too.</summary>
    public void Replace(ClassicMember old, ClassicMember now)
    {
        _members[_members.IndexOf(old)] = now;
        _byId.Remove(old.Id);
        _byId.Add(now.Id, now);
        _byInstance[now.InstanceId!] = now;
        CountProtocols(old, -1);
        CountProtocols(now, 1);
        if (old.AwaitingJoin is not null)
            AwaitingJoin--;
        if (now.AwaitingJoin is not null)
            AwaitingJoin++;
        if (Leader == old)
            Leader = now;
        if (PendingSync.Remove(old.Id))
            PendingSync.Add(now.Id);
    }

    public void SetProtocols(ClassicMember member, IReadOnlyList<GroupProtocol> protocols)
    {
        CountProtocols(member, -1);
        member.Protocols = protocols;
        CountProtocols(member, 1);
    }

    /// <summary>The member waits for the rebalance, or (null) no longer does.</summary>
    public void SetAwaitingJoin(ClassicMember member, TaskCompletionSource<JoinGroupResponse>? waiter)
    {
        AwaitingJoin += (waiter is null ? 0 : 1) - (member.AwaitingJoin is null ? 0 : 1);
        member.AwaitingJoin = waiter;
    }

    /// <summary>A leader who came back in time leads on, else the first one who did. False when nobody did.</summary>
    public bool ElectLeader()
    {
        if (Leader is { AwaitingJoin: not null })
            return true;
        if (_members.Find(m => m.AwaitingJoin is not null) is not { } joined)
            return false;
        Leader = joined;
        return true;
    }

    /// <summary>Puts a stored leader back.</summary>
    public void RestoreLeader(string? id) => Leader = (id is null ? null : Find(id)) ?? _members.FirstOrDefault();

    /// <summary>Whether all members, <paramref name="but"/> this one, could live with one of these.</summary>
    public bool SupportsAny(IReadOnlyList<GroupProtocol> protocols, ClassicMember? but = null) => but is null
        ? protocols.Any(p => IsCommon(p.Name))
        : protocols.Any(p => _protocols.GetValueOrDefault(p.Name) - (but.Protocols.Any(own => own.Name == p.Name) ? 1 : 0) == Count - 1);

    /// <summary>
    /// The protocol with the most votes of those that everybody has; each member votes for the first one on its own list. Of equal ones that of the member who joined first
    /// (Kafka's choice among equals depends on a hash table).
    /// </summary>
    public string? SelectProtocol()
    {
        var votes = new Dictionary<string, int>(StringComparer.Ordinal);
        string? best = null;
        foreach (var vote in _members.Select(m => m.Vote(IsCommon)).OfType<string>())
            votes[vote] = votes.GetValueOrDefault(vote) + 1;
        foreach (var vote in _members.Select(m => m.Vote(IsCommon)).OfType<string>())
        {
            if (best is null || votes[vote] > votes[best])
                best = vote;
        }

        return best;
    }

    private bool IsCommon(string protocol) => _protocols.GetValueOrDefault(protocol) == Count;

    private void CountProtocols(ClassicMember member, int by)
    {
        // A name that a member lists twice counts once, or it could never be everybody's.
        foreach (var name in member.Protocols.Select(p => p.Name).Distinct(StringComparer.Ordinal))
        {
            if ((_protocols[name] = _protocols.GetValueOrDefault(name) + by) == 0)
                _protocols.Remove(name);
        }
    }
}
