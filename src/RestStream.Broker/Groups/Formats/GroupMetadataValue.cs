namespace RestStream.Broker.Groups.Formats;

/// <summary>A group of the classic protocol as <c>__consumer_offsets</c> keeps it. Versions 0 to 3 are read, 3 is written.</summary>
/// <param name="ProtocolType"><c>consumer</c>; empty for a group that never had members.</param>
/// <param name="Generation">Counts the rebalances.</param>
/// <param name="Protocol">Name of the assignor; null without members.</param>
/// <param name="Leader">Member id of the leader; null without members.</param>
/// <param name="CurrentStateTimestamp">When the group entered its state, in milliseconds since 1970; -1 when not known (versions below 2).</param>
/// <param name="Members">In the order in which they joined.</param>
internal sealed record GroupMetadataValue(
    string ProtocolType, int Generation, string? Protocol, string? Leader, long CurrentStateTimestamp, IReadOnlyList<GroupMetadataMember> Members)
{
    private const short WrittenVersion = 3;

    /// <summary>A member with empty strings and no bytes: three lengths of int16, one timeout and two lengths of int32.</summary>
    private const int LeastMemberBytes = 18;

    public byte[] ToBytes()
    {
        var writer = new MessageWriter().Int16(WrittenVersion)
            .String(ProtocolType).Int32(Generation).String(Protocol).String(Leader).Int64(CurrentStateTimestamp).Int32(Members.Count);
        foreach (var member in Members)
        {
            writer.String(member.MemberId).String(member.InstanceId).String(member.ClientId).String(member.ClientHost)
                .Int32(member.RebalanceTimeoutMs).Int32(member.SessionTimeoutMs).Bytes(member.Subscription).Bytes(member.Assignment);
        }
        return writer.ToArray();
    }

    /// <exception cref="CorruptGroupRecordException">Not the bytes of a version that is known.</exception>
    public static GroupMetadataValue Parse(ReadOnlySpan<byte> bytes)
    {
        var reader = new MessageReader(bytes, nameof(GroupMetadataValue));
        var version = reader.Version(highest: WrittenVersion);
        var protocolType = reader.String("protocolType");
        var generation = reader.Int32("generation");
        var protocol = reader.NullableString("protocol");
        var leader = reader.NullableString("leader");
        var currentStateTimestamp = version >= 2 ? reader.Int64("currentStateTimestamp") : -1;

        var members = new GroupMetadataMember[reader.Count(LeastMemberBytes, "members")];
        for (var i = 0; i < members.Length; i++)
            members[i] = ParseMember(ref reader, version);
        reader.End();
        return new GroupMetadataValue(protocolType, generation, protocol, leader, currentStateTimestamp, members);
    }

    private static GroupMetadataMember ParseMember(ref MessageReader reader, short version)
    {
        var memberId = reader.String("memberId");
        var instanceId = version >= 3 ? reader.NullableString("groupInstanceId") : null;
        var clientId = reader.String("clientId");
        var clientHost = reader.String("clientHost");
        int? rebalanceTimeout = version >= 1 ? reader.Int32("rebalanceTimeout") : null;
        var sessionTimeout = reader.Int32("sessionTimeout");

        // Before version 1 one timeout served for both.
        return new GroupMetadataMember(
            memberId, instanceId, clientId, clientHost, rebalanceTimeout ?? sessionTimeout, sessionTimeout, reader.Bytes("subscription"), reader.Bytes("assignment"));
    }
}

/// <summary>A member of a stored group.</summary>
/// <param name="MemberId">The coordinator's id of it.</param>
/// <param name="InstanceId">Kafka's <c>group.instance.id</c> of a static member; null otherwise.</param>
/// <param name="ClientId">What it calls itself.</param>
/// <param name="ClientHost">Where it called from, such as <c>/127.0.0.1</c>.</param>
/// <param name="RebalanceTimeoutMs">How long a rebalance waits for it.</param>
/// <param name="SessionTimeoutMs">How long it may be silent.</param>
/// <param name="Subscription">Its own bytes, a <see cref="ConsumerSubscription"/> when the protocol type is <c>consumer</c>.</param>
/// <param name="Assignment">What it was given, a <see cref="ConsumerAssignment"/>; empty (no bytes) when it was given nothing.</param>
internal sealed record GroupMetadataMember(
    string MemberId, string? InstanceId, string ClientId, string ClientHost, int RebalanceTimeoutMs, int SessionTimeoutMs, byte[] Subscription, byte[] Assignment);
