using RestStream.Storage;

namespace RestStream.Broker.Groups;

/// <summary>Kafka's states of a classic group.</summary>
public enum GroupState
{
    Empty,
    PreparingRebalance,
    CompletingRebalance,
    Stable,
    Dead,
}

/// <summary>A group in a list.</summary>
public sealed record GroupListing(string Group, GroupState State, string ProtocolType, int Members);

/// <summary>A group as it is now.</summary>
/// <param name="Group">Its name.</param>
/// <param name="State">Kafka's state.</param>
/// <param name="ProtocolType"><c>consumer</c>, or empty for a group that only has offsets.</param>
/// <param name="Protocol">The way of assignment in use, such as <c>range</c>; empty unless the group is stable.</param>
/// <param name="Generation">Counts the rebalances.</param>
/// <param name="LeaderId">Member id of the leader; empty without members.</param>
/// <param name="Members">In the order in which they joined.</param>
public sealed record GroupDescription(
    string Group, GroupState State, string ProtocolType, string Protocol, int Generation, string LeaderId, IReadOnlyList<GroupMember> Members);

/// <summary>A member of a group; <paramref name="Topics"/> is its subscription.</summary>
public sealed record GroupMember(
    string MemberId, string? InstanceId, string ClientId, string ClientHost, IReadOnlyList<string> Topics, IReadOnlyList<TopicPartition> Assignment);
