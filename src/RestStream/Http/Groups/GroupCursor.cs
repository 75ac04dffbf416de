using System.Globalization;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Broker.Topics;
using RestStream.Http.Errors;
using RestStream.Http.Records;
using RestStream.Storage;

namespace RestStream.Http.Groups;

/// <summary>
/// A place in a group's partitions as text: <c>g3;@k3f9a1,orders/0:45,orders/1:7</c>, the generation in which the records were handed out and behind it the <see cref="Cursor"/>
/// with the next offsets. Sent back it is the ack of everything before it. Without <c>g3;</c> it counts for the generation of now; without partitions (<c>g3;</c>) it says nothing.
/// </summary>
/// <param name="Generation">-1: the one of now.</param>
/// <param name="Incarnation">See <see cref="Cursor"/>.</param>
/// <param name="Items">Each names its topic.</param>
internal sealed record GroupCursor(int Generation, string? Incarnation, IReadOnlyList<CursorItem> Items)
{
    /// <exception cref="HttpError">400 naming <paramref name="parameter"/> and what is wrong.</exception>
    public static GroupCursor Parse(string text, string parameter)
    {
        var generation = -1;
        var places = text;
        if (text.IndexOf(';') is >= 0 and var at)
        {
            if (text[0] != 'g' || !ReadPlace.TryNumber(text.AsSpan(1, at - 1), out var number) || number > int.MaxValue)
                throw HttpError.BadParameter(parameter, $"{parameter} is not a group's cursor: it begins with neither a generation such as g3; nor a partition. Use one that an answer gave you.");
            generation = (int)number;
            places = text[(at + 1)..];
            if (places.Length == 0)
                return new GroupCursor(generation, null, []);
        }

        var cursor = Cursor.Parse(places, parameter);
        if (cursor.Items[0].Topic is null)
            throw HttpError.BadParameter(parameter, $"{parameter} is not a group's cursor: its items must name their topics, as in g3;orders/0:45. Use one that an answer gave you.");
        return new GroupCursor(generation, cursor.Incarnation, cursor.Items);
    }

    /// <summary>What stands before the partitions.</summary>
    /// <param name="generation">Of the assignment.</param>
    /// <param name="topicIds">Of the topics in their order, each once.</param>
    public static string Head(int generation, IReadOnlyCollection<Guid> topicIds) =>
        string.Create(CultureInfo.InvariantCulture, $"g{Math.Max(0, generation)};{(topicIds.Count == 0 ? "" : "@" + Records.Incarnation.Of(topicIds))}");

    /// <summary>The offsets, checked against the topics as they are now.</summary>
    /// <exception cref="HttpError">422: no such topic or partition, or beyond its end. 409: the topics were deleted, or made again, since the cursor was handed out.</exception>
    public IReadOnlyList<OffsetCommit> ToOffsets(IBroker broker, string parameter)
    {
        var topics = new List<TopicDescription>();
        var offsets = new OffsetCommit[Items.Count];
        for (var i = 0; i < offsets.Length; i++)
        {
            var item = Items[i];
            var topic = topics.Find(t => t.Name == item.Topic);
            if (topic is null)
                topics.Add(topic = Describe(broker, item.Topic!, parameter));
            if (item.Partition >= topic.Partitions.Count)
            {
                throw Incarnation is not null
                    ? Recreated()
                    : HttpError.Invalid(parameter, $"{parameter} names partition {item.Partition} of '{item.Topic}', which has partitions 0 to {topic.Partitions.Count - 1}.");
            }

            offsets[i] = new OffsetCommit(new TopicPartition(topic.Name, item.Partition), item.Offset);
        }

        if (Incarnation is not null && Incarnation != Records.Incarnation.Of(topics.Select(t => t.TopicId)))
            throw Recreated();
        foreach (var offset in offsets)
        {
            var end = topics.Find(t => t.Name == offset.Partition.Topic)!.Partitions[offset.Partition.Partition].HighWatermark;
            if (offset.Offset > end)
                throw HttpError.Invalid(parameter, $"{parameter} names offset {offset.Offset} of {offset.Partition}, which ends at {end}. Nothing was stored.");
        }

        return offsets;
    }

    /// <summary>
    /// For a client that came back by itself and can do nothing about an error: the offsets that fit the topics as they are now, and why the others do not. When a topic was deleted, or made
    /// again, the cursor does not tell which one; then an offset counts only as far as the group has committed, so that nothing is passed over.
    /// </summary>
    public IReadOnlyList<OffsetCommit> Fitting(IBroker broker, string group, out IReadOnlyList<RefusedCommit> refused)
    {
        var topics = Items.Select(i => i.Topic!).Distinct().ToDictionary(t => t, t => GroupFeed.Find(broker, t), StringComparer.Ordinal);
        var isOfToday = Incarnation is null
            || (topics.Values.All(t => t is not null) && Incarnation == Records.Incarnation.Of(Items.Select(i => i.Topic!).Distinct().Select(t => topics[t]!.TopicId)));
        var offsets = new List<OffsetCommit>(Items.Count);
        var others = new List<RefusedCommit>();
        foreach (var item in Items)
        {
            var id = new TopicPartition(item.Topic!, item.Partition);
            if (FindProblem(topics[id.Topic], id) is { } problem)
                others.Add(new RefusedCommit(id, item.Offset, problem));
            else
                offsets.Add(new OffsetCommit(id, item.Offset));

            ErrorCode? FindProblem(TopicDescription? topic, TopicPartition partition) =>
                topic is null || partition.Partition >= topic.Partitions.Count ? ErrorCode.UnknownTopicOrPartition
                : !isOfToday && !(broker.CommittedOffset(group, partition)?.Offset >= item.Offset) ? ErrorCode.TopicRecreated
                : item.Offset > topic.Partitions[partition.Partition].HighWatermark ? ErrorCode.OffsetOutOfRange
                : null;
        }

        refused = others;
        return offsets;
    }

    private TopicDescription Describe(IBroker broker, string topic, string parameter)
    {
        try
        {
            return broker.DescribeTopic(topic);
        }
        catch (BrokerException unknown) when (unknown.Code == ErrorCode.UnknownTopicOrPartition)
        {
            // An answer of ours names topics that existed: this one was deleted since. Text that a person wrote is a mistake.
            throw Incarnation is not null ? Recreated() : HttpError.Invalid(parameter, $"{parameter} names topic '{topic}', which does not exist. Nothing was stored.");
        }
    }

    private static HttpError Recreated() =>
        new(409, 40905, "topic-recreated", "Topic recreated",
            "A topic of this cursor was deleted, and perhaps made again, since the cursor was handed out. Nothing was stored. Poll without it to go on where the group stands.")
        {
            Extra = new Dictionary<string, object?> { ["reason"] = "topic_recreated" },
        };
}
