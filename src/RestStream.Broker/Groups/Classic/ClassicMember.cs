namespace RestStream.Broker.Groups.Classic;

/// <summary>A member of a group, touched under the group's lock only.</summary>
internal sealed class ClassicMember(string id, string? instanceId, string clientId, string clientHost)
{
    public string Id { get; } = id;
    public string? InstanceId { get; } = instanceId;
    public string ClientId { get; } = clientId;
    public string ClientHost { get; } = clientHost;
    public required int SessionTimeoutMs { get; set; }
    public required int RebalanceTimeoutMs { get; set; }

    /// <summary>Best first. Changed through <see cref="GroupMembers.SetProtocols"/>, which counts them.</summary>
    public required IReadOnlyList<GroupProtocol> Protocols { get; set; }

    /// <summary>Empty until the leader assigned something.</summary>
    public byte[] Assignment { get; set; } = [];

    /// <summary>The member waits for the rebalance to go on.</summary>
    public TaskCompletionSource<JoinGroupResponse>? AwaitingJoin { get; set; }

    /// <summary>The member waits for the leader's assignment.</summary>
    public TaskCompletionSource<SyncGroupResponse>? AwaitingSync { get; set; }

    /// <summary>In its first join it has no heartbeat yet, so a parked request does not count as one.</summary>
    public bool IsNew { get; set; }

    /// <summary>When the session ends (ticks of the clock's timestamp). A heartbeat moves it and nothing else.</summary>
    public long Deadline { get; set; }

    /// <summary>The HTTP member that it is.</summary>
    public GroupConsumer? Consumer { get; set; }

    /// <summary>Read from the log, and nobody has spoken for it since.</summary>
    public bool FromLog { get; set; }

    public bool IsStatic => InstanceId is not null;

    public bool IsAlive => !IsNew && (AwaitingJoin is not null || AwaitingSync is not null);

    public byte[] Metadata(string? protocol) => Protocols.FirstOrDefault(p => p.Name == protocol)?.Metadata ?? [];

    /// <summary>Says the same as before.</summary>
    public bool Matches(IReadOnlyList<GroupProtocol> protocols) =>
        Protocols.Count == protocols.Count && Protocols.Zip(protocols).All(p => p.First.Name == p.Second.Name && p.First.Metadata.AsSpan().SequenceEqual(p.Second.Metadata));

    public string? Vote(Func<string, bool> isCandidate) => Protocols.FirstOrDefault(p => isCandidate(p.Name))?.Name;
}
