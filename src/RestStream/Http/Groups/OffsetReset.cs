using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Broker.Topics;
using RestStream.Http.Errors;
using RestStream.Http.Records;
using RestStream.Storage;

namespace RestStream.Http.Groups;

/// <summary>Puts a group's committed offsets somewhere else, as Kafka's <c>kafka-consumer-groups --reset-offsets</c> does; only while nobody reads.</summary>
internal static class OffsetReset
{
    /// <summary>What is, or with <c>dry_run</c> would be, changed, in the order of topic and partition.</summary>
    /// <exception cref="HttpError">400, 422: the place does not fit.</exception>
    /// <exception cref="BrokerException"><see cref="ErrorCode.NonEmptyGroup"/>, <see cref="ErrorCode.GroupIdNotFound"/>, <see cref="ErrorCode.UnknownTopicOrPartition"/>.</exception>
    public static async Task<IReadOnlyList<ResetOffsetJson>> RunAsync(IBroker broker, string group, ResetBody body, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var current = broker.CommittedOffsets(group).ToDictionary(o => o.Partition, o => o.Offset);
        var offsets = IsPlace(body.To!)
            ? AtPlace(broker, TopicsOf(broker, group, body, current), ReadPlace.Parse(body.To!, "to", now))
            : AtCursor(broker, GroupCursor.Parse(body.To!, "to"), body.Topics);
        RefuseMembers(broker, group);
        if (body.DryRun != true)
            await broker.CommitOffsetsAsync(group, offsets, cancellationToken);
        return [.. offsets.Select(o => new ResetOffsetJson(o.Partition.Topic, o.Partition.Partition, current.TryGetValue(o.Partition, out var offset) ? offset : null, o.Offset))];
    }

    private static bool IsPlace(string to) =>
        to is "earliest" or "latest" || to is ['t', '=', ..] or ['-', ..] || ReadPlace.TryTime(to, out _) || !to.Contains(':');

    /// <summary>The topics of the request; else those of which the group has offsets.</summary>
    private static List<TopicDescription> TopicsOf(IBroker broker, string group, ResetBody body, Dictionary<TopicPartition, long> current)
    {
        if (body.Topics is not null)
            return [.. body.Topics.Order(StringComparer.Ordinal).Select(broker.DescribeTopic)];
        if (current.Count == 0)
        {
            // A group that has only members, or none at all: 404 tells which.
            broker.DescribeGroup(group);
            throw HttpError.Invalid("topics", $"Group '{group}' has committed nothing yet. Name the topics, as in {{\"to\":\"earliest\",\"topics\":[\"orders\"]}}.");
        }

        return [.. current.Keys.Select(p => p.Topic).Distinct().Order(StringComparer.Ordinal).Select(broker.DescribeTopic)];
    }

    private static List<OffsetCommit> AtPlace(IBroker broker, List<TopicDescription> topics, ReadPlace place)
    {
        if (place.Kind == ReadPlaceKind.Offset)
            throw HttpError.Invalid("to", $"An offset belongs to one partition: write it as a cursor, such as orders/0:{place.Number}.");
        var offsets = new List<OffsetCommit>();
        foreach (var topic in topics)
        {
            foreach (var partition in topic.Partitions)
            {
                var id = new TopicPartition(topic.Name, partition.Partition);
                offsets.Add(new OffsetCommit(id, place.Kind switch
                {
                    ReadPlaceKind.Earliest => partition.LogStartOffset,
                    ReadPlaceKind.Latest => partition.HighWatermark,
                    ReadPlaceKind.Time => broker.FindOffset(id, place.Number)?.Offset ?? partition.HighWatermark,
                    _ => Math.Max(partition.LogStartOffset, partition.HighWatermark - place.Number),
                }));
            }
        }

        return offsets;
    }

    private static List<OffsetCommit> AtCursor(IBroker broker, GroupCursor cursor, IReadOnlyList<string>? topics)
    {
        if (topics is not null && cursor.Items.FirstOrDefault(i => !topics.Contains(i.Topic)).Topic is { } other)
            throw HttpError.Invalid("topics", $"to names topic '{other}', topics does not. Leave topics out: a cursor names what it is about.");
        return [.. cursor.ToOffsets(broker, "to").OrderBy(o => o.Partition.Topic, StringComparer.Ordinal).ThenBy(o => o.Partition.Partition)];
    }

    /// <summary>Said for a dry run too: what it shows must be what would happen.</summary>
    private static void RefuseMembers(IBroker broker, string group)
    {
        try
        {
            if (broker.DescribeGroup(group).Members is { Count: > 0 } members)
            {
                throw new BrokerException(
                    ErrorCode.NonEmptyGroup,
                    $"Group '{group}' has {members.Count} members, who would not notice. Stop them first, and remove what is left with DELETE /groups/{group}/members/<member>.");
            }
        }
        catch (BrokerException unknown) when (unknown.Code == ErrorCode.GroupIdNotFound)
        {
            // The commit makes it.
        }
    }
}
