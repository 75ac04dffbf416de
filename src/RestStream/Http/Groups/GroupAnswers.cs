using System.Text.Json.Serialization;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Http.Records;
using RestStream.Storage;

namespace RestStream.Http.Groups;

/// <summary>A page of groups; <c>next_page_token</c> is null on the last one.</summary>
internal sealed record GroupPageJson(
    [property: JsonPropertyName("groups")] IReadOnlyList<GroupSummaryJson> Groups,
    [property: JsonPropertyName("next_page_token")] string? NextPageToken);

/// <summary>A group in a list. <c>state</c> is Kafka's: Empty, PreparingRebalance, CompletingRebalance, Stable.</summary>
internal sealed record GroupSummaryJson(
    [property: JsonPropertyName("group")] string Group,
    [property: JsonPropertyName("state")] string State,
    [property: JsonPropertyName("protocol_type")] string ProtocolType,
    [property: JsonPropertyName("members")] int Members)
{
    public static GroupSummaryJson From(GroupListing group) => new(group.Group, group.State.ToString(), group.ProtocolType, group.Members);
}

/// <summary>A group as it is now; <c>protocol</c> is the way of assignment in use.</summary>
internal sealed record GroupJson(
    [property: JsonPropertyName("group")] string Group,
    [property: JsonPropertyName("state")] string State,
    [property: JsonPropertyName("protocol_type")] string ProtocolType,
    [property: JsonPropertyName("protocol")] string Protocol,
    [property: JsonPropertyName("generation")] int Generation,
    [property: JsonPropertyName("leader")] string Leader,
    [property: JsonPropertyName("members")] IReadOnlyList<GroupMemberJson> Members)
{
    public static GroupJson From(GroupDescription group) => new(
        group.Group, group.State.ToString(), group.ProtocolType, group.Protocol, group.Generation, group.LeaderId, [.. group.Members.Select(GroupMemberJson.From)]);
}

/// <summary>A member; <c>member</c> is the name under which it polls, null for members that have none.</summary>
internal sealed record GroupMemberJson(
    [property: JsonPropertyName("member")] string? Member,
    [property: JsonPropertyName("member_id")] string MemberId,
    [property: JsonPropertyName("client_id")] string ClientId,
    [property: JsonPropertyName("client_host")] string ClientHost,
    [property: JsonPropertyName("topics")] IReadOnlyList<string> Topics,
    [property: JsonPropertyName("assignment")] IReadOnlyDictionary<string, int[]> Assignment)
{
    public static GroupMemberJson From(GroupMember member) => new(
        member.InstanceId, member.MemberId, member.ClientId, member.ClientHost, member.Topics, Grouped(member.Assignment));

    /// <summary><c>{"orders":[0,1]}</c>.</summary>
    public static IReadOnlyDictionary<string, int[]> Grouped(IReadOnlyList<TopicPartition> partitions) =>
        partitions.GroupBy(p => p.Topic, StringComparer.Ordinal).ToDictionary(t => t.Key, t => t.Select(p => p.Partition).ToArray(), StringComparer.Ordinal);
}

/// <summary>Records that a reader wanted and cannot have: they are deleted, or (with a reason) damaged or never came back after a crash. It goes on at <c>resumed</c>.</summary>
internal sealed record GroupGapJson(
    [property: JsonPropertyName("topic")] string Topic,
    [property: JsonPropertyName("partition")] int Partition,
    [property: JsonPropertyName("requested")] long Requested,
    [property: JsonPropertyName("resumed")] long Resumed,
    [property: JsonPropertyName("reason"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Reason)
{
    public static GroupGapJson From(Gap gap, TopicPartition partition) => new(partition.Topic, partition.Partition, gap.Requested, gap.Resumed, gap.Reason);
}

/// <summary>An offset that was not taken.</summary>
internal sealed record RefusedJson(
    [property: JsonPropertyName("topic")] string Topic,
    [property: JsonPropertyName("partition")] int Partition,
    [property: JsonPropertyName("offset")] long Offset,
    [property: JsonPropertyName("reason")] string Reason)
{
    public static RefusedJson From(RefusedCommit refused) => new(
        refused.Partition.Topic, refused.Partition.Partition, refused.Offset,
        refused.Reason switch
        {
            ErrorCode.IllegalGeneration => "stale_generation",
            ErrorCode.UnknownMemberId => "unknown_member",
            ErrorCode.FencedInstanceId => "member_fenced",
            ErrorCode.UnknownTopicOrPartition => "unknown_topic_or_partition",
            ErrorCode.TopicRecreated => "topic_recreated",
            ErrorCode.OffsetOutOfRange => "beyond_end",
            var other => other.ToString(),
        });
}

/// <summary>What is committed now of the partitions of an ack; it can be more than was acked, never less.</summary>
internal sealed record AckedJson([property: JsonPropertyName("committed")] string Committed);

/// <summary>A committed offset: the next record to be read.</summary>
internal sealed record CommittedOffsetJson(
    [property: JsonPropertyName("topic")] string Topic,
    [property: JsonPropertyName("partition")] int Partition,
    [property: JsonPropertyName("offset")] long Offset,
    [property: JsonPropertyName("metadata")] string Metadata,
    [property: JsonPropertyName("committed_at")] DateTimeOffset CommittedAt)
{
    public static CommittedOffsetJson From(CommittedOffset offset) => new(
        offset.Partition.Topic, offset.Partition.Partition, offset.Offset, offset.Metadata, DateTimeOffset.FromUnixTimeMilliseconds(offset.CommittedAtMs));
}

internal sealed record CommittedOffsetsJson([property: JsonPropertyName("offsets")] IReadOnlyList<CommittedOffsetJson> Offsets);

/// <summary>What a reset does to a partition; <c>current</c> is null where nothing was committed.</summary>
internal sealed record ResetOffsetJson(
    [property: JsonPropertyName("topic")] string Topic,
    [property: JsonPropertyName("partition")] int Partition,
    [property: JsonPropertyName("current")] long? Current,
    [property: JsonPropertyName("new")] long New);

/// <summary>How far a group is behind: records in all, and the age of the oldest one that nobody acked, in milliseconds.</summary>
internal sealed record LagJson(
    [property: JsonPropertyName("group")] string Group,
    [property: JsonPropertyName("lag")] long Lag,
    [property: JsonPropertyName("lag_ms")] long LagMs,
    [property: JsonPropertyName("partitions")] IReadOnlyList<PartitionLagJson> Partitions);

/// <summary>
/// How far a group is behind in one partition. <c>committed</c> is null where nothing was committed yet: then everything kept is still to be read.
/// <c>lag_ms</c> is 0 when nothing is left. <c>member</c> is who reads it now.
/// </summary>
internal sealed record PartitionLagJson(
    [property: JsonPropertyName("topic")] string Topic,
    [property: JsonPropertyName("partition")] int Partition,
    [property: JsonPropertyName("committed")] long? Committed,
    [property: JsonPropertyName("end")] long End,
    [property: JsonPropertyName("lag")] long Lag,
    [property: JsonPropertyName("lag_ms")] long LagMs,
    [property: JsonPropertyName("member")] string? Member);

[JsonSerializable(typeof(PollBody))]
[JsonSerializable(typeof(AckBody))]
[JsonSerializable(typeof(ResetBody))]
[JsonSerializable(typeof(GroupPageJson))]
[JsonSerializable(typeof(GroupJson))]
[JsonSerializable(typeof(AckedJson))]
[JsonSerializable(typeof(CommittedOffsetsJson))]
[JsonSerializable(typeof(IReadOnlyList<ResetOffsetJson>))]
[JsonSerializable(typeof(GroupGapJson))]
[JsonSerializable(typeof(IReadOnlyList<GroupGapJson>))]
[JsonSerializable(typeof(IReadOnlyList<RefusedJson>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, int[]>))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(LagJson))]
internal sealed partial class GroupJsonContext : JsonSerializerContext;
