using RestStream.Storage;

namespace RestStream.Broker.Groups.Assignors;

/// <summary>
/// Topic by topic: its partitions in a row, cut into as many ranges as it has subscribers, the first ones longer by one where it does not come out even.
/// Members that subscribe to two topics of equal partition count get the same numbers of both (co-partitioning).
/// </summary>
internal sealed class RangeAssignor : Assignor
{
    public override string Name => "range";

    public override IReadOnlyDictionary<string, IReadOnlyList<TopicPartition>> Assign(IReadOnlyDictionary<string, int> partitionCounts, IReadOnlyList<MemberSubscription> members)
    {
        var assigned = members.ToDictionary(m => m.MemberId, _ => new List<TopicPartition>());
        var subscribers = members.Order(MemberOrder.Instance).SelectMany(m => m.Topics.Distinct().Select(topic => (topic, m.MemberId))).ToLookup(s => s.topic, s => s.MemberId);

        foreach (var topic in subscribers.Select(s => s.Key).Where(partitionCounts.ContainsKey).Order(StringComparer.Ordinal))
        {
            var next = 0;
            var membersLeft = subscribers[topic].Count();
            foreach (var memberId in subscribers[topic])
            {
                // Dividing what is left anew, rounded up, makes the first ranges the longer ones.
                var end = next + ((partitionCounts[topic] - next + membersLeft - 1) / membersLeft--);
                for (; next < end; next++)
                    assigned[memberId].Add(new TopicPartition(topic, next));
            }
        }

        return assigned.ToDictionary(a => a.Key, IReadOnlyList<TopicPartition> (a) => a.Value);
    }
}
