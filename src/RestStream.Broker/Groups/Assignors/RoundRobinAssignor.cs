using RestStream.Storage;

namespace RestStream.Broker.Groups.Assignors;

/// <summary>All partitions of all topics in a row, dealt to the members in turn; a member that does not subscribe to the topic is passed over and comes on with the next partition.</summary>
internal sealed class RoundRobinAssignor : Assignor
{
    public override string Name => "roundrobin";

    public override IReadOnlyDictionary<string, IReadOnlyList<TopicPartition>> Assign(IReadOnlyDictionary<string, int> partitionCounts, IReadOnlyList<MemberSubscription> members)
    {
        var circle = members.Order(MemberOrder.Instance).Select(m => (Topics: m.Topics.ToHashSet(), m.MemberId, Assigned: new List<TopicPartition>())).ToList();
        var turn = 0;

        // Only topics that somebody wants, else the search for the next subscriber would go round for ever.
        foreach (var topic in circle.SelectMany(m => m.Topics).Distinct().Where(partitionCounts.ContainsKey).Order(StringComparer.Ordinal))
        {
            for (var partition = 0; partition < partitionCounts[topic]; partition++)
            {
                while (!circle[turn].Topics.Contains(topic))
                    turn = (turn + 1) % circle.Count;
                circle[turn].Assigned.Add(new TopicPartition(topic, partition));
                turn = (turn + 1) % circle.Count;
            }
        }

        return circle.ToDictionary(m => m.MemberId, IReadOnlyList<TopicPartition> (m) => m.Assigned);
    }
}
