namespace RestStream.Broker.Groups.Classic;

// Kafka's classic group protocol: the fields of its requests and answers, with Kafka's meaning. An error of null is Kafka's NONE.

/// <summary>A member comes, comes back, or wants a rebalance.</summary>
internal sealed record JoinGroupRequest
{
    public required string Group { get; init; }

    /// <summary>Empty: the coordinator makes one up.</summary>
    public required string MemberId { get; init; }

    /// <summary>Not null: a static member.</summary>
    public string? InstanceId { get; init; }

    public required string ProtocolType { get; init; }

    /// <summary>Best first.</summary>
    public required IReadOnlyList<GroupProtocol> Protocols { get; init; }

    public required int SessionTimeoutMs { get; init; }
    public required int RebalanceTimeoutMs { get; init; }
    public string ClientId { get; init; } = "";
    public string ClientHost { get; init; } = "";

    /// <summary>True (requests of version 4 and above): a dynamic member without an id is told one and must join again with it, so that a retried request leaves no ghost behind.</summary>
    public bool RequiresKnownMemberId { get; init; }

    /// <summary>The HTTP member behind it; null for members that speak the protocol themselves.</summary>
    public GroupConsumer? Consumer { get; init; }

    /// <summary>Why, for the log.</summary>
    public string? Reason { get; init; }
}

/// <summary>One way of assignment with what the member tells the leader for it; the coordinator does not look inside.</summary>
internal sealed record GroupProtocol(string Name, byte[] Metadata);

internal sealed record JoinGroupResponse(ErrorCode? Error, string MemberId)
{
    public int Generation { get; init; } = -1;
    public string? ProtocolType { get; init; }
    public string? Protocol { get; init; }
    public string Leader { get; init; } = "";

    /// <summary>The leader of a stable group came back: it need not assign.</summary>
    public bool SkipAssignment { get; init; }

    /// <summary>For the leader: everybody with what they said for the chosen protocol. Empty for the others.</summary>
    public IReadOnlyList<JoinedMember> Members { get; init; } = [];
}

internal sealed record JoinedMember(string MemberId, string? InstanceId, byte[] Metadata);

internal sealed record SyncGroupRequest
{
    public required string Group { get; init; }
    public required int Generation { get; init; }
    public required string MemberId { get; init; }
    public string? InstanceId { get; init; }

    /// <summary>Null (requests below version 5): not checked.</summary>
    public string? ProtocolType { get; init; }

    public string? Protocol { get; init; }

    /// <summary>From the leader: who gets what.</summary>
    public IReadOnlyList<MemberAssignment> Assignments { get; init; } = [];
}

internal sealed record MemberAssignment(string MemberId, byte[] Assignment);

internal sealed record SyncGroupResponse(ErrorCode? Error)
{
    public string? ProtocolType { get; init; }
    public string? Protocol { get; init; }
    public byte[] Assignment { get; init; } = [];

    /// <summary>For HTTP members: why the generation could not be written, in the broker's own words.</summary>
    public BrokerException? Refusal { get; init; }
}

/// <summary>Who leaves: a member id, or (with an empty one) a static member's name, which an operator may send away.</summary>
internal sealed record LeavingMember(string MemberId, string? InstanceId);

internal sealed record LeftMember(string MemberId, string? InstanceId, ErrorCode? Error);

internal sealed record LeaveGroupResponse(ErrorCode? Error, IReadOnlyList<LeftMember> Members);

/// <summary>Commits as a member, or with generation -1 as nobody.</summary>
internal sealed record OffsetCommitRequest
{
    public required string Group { get; init; }
    public required int Generation { get; init; }
    public required string MemberId { get; init; }
    public string? InstanceId { get; init; }
    public required IReadOnlyList<OffsetCommit> Offsets { get; init; }
}
