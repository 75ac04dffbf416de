using RestStream.Broker.Groups.Assignors;
using RestStream.Storage;

namespace RestStream.Broker.Tests.Groups;

public class AssignorTests
{
    [Fact]
    public void Assignors_are_found_by_the_names_that_Kafkas_consumers_advertise()
    {
        Assert.All(Assignor.Names, name => Assert.Equal(name, Assignor.Find(name)?.Name));
        Assert.Equal("range", Assignor.Names[0]);
        Assert.Null(Assignor.Find("Range"));
    }

    [Theory]
    [InlineData("range")]
    [InlineData("roundrobin")]
    public void Every_round_of_every_history_is_assigned_as_Kafka_assigns_it(string name)
    {
        var rounds = HistoryRound.Read(name).ToList();

        Assert.True(rounds.Count > 100);
        foreach (var round in rounds)
        {
            var assignment = Assignor.Find(name)!.Assign(round.PartitionCounts, round.Members);
            Assert.Equal(Text(round.Assignment.ToDictionary(a => a.Key, IReadOnlyList<TopicPartition> (a) => a.Value), round), Text(assignment, round));
        }
    }

    [Fact]
    public void Random_groups_get_every_partition_that_has_a_subscriber_exactly_once_whatever_the_order_of_the_members()
    {
        foreach (var (counts, members) in RandomGroup.Many(seed: 1, groups: 500))
        {
            foreach (var assignor in Assignor.Names.Select(n => Assignor.Find(n)!))
            {
                var assignment = assignor.Assign(counts, members);
                AssertEveryPartitionOnce(counts, members, assignment);
                Assert.All(assignment.Values, partitions => Assert.Equal(partitions.OrderBy(p => p.Topic, StringComparer.Ordinal).ThenBy(p => p.Partition), partitions));

                var reversed = assignor.Assign(counts, [.. members.Reverse()]);
                Assert.All(assignment, a => Assert.Equal(a.Value, reversed[a.Key]));
            }
        }
    }

    [Fact]
    public void Range_gives_the_subscribers_of_a_topic_equally_many_give_or_take_one_and_the_same_numbers_of_equal_topics()
    {
        foreach (var (counts, members) in RandomGroup.Many(seed: 2, groups: 500))
        {
            var assignment = Assignor.Find("range")!.Assign(counts, members);

            foreach (var topic in counts.Keys)
            {
                var shares = members.Where(m => m.Topics.Contains(topic)).Select(m => assignment[m.MemberId].Count(p => p.Topic == topic)).ToList();
                Assert.True(shares.Count == 0 || shares.Max() - shares.Min() <= 1);
            }
        }

        var equal = Assignor.Find("range")!.Assign(
            new Dictionary<string, int> { ["left"] = 7, ["right"] = 7 }, [Member("a", "left", "right"), Member("b", "left", "right"), Member("c", "left", "right")]);
        Assert.All(equal.Values, p => Assert.Equal(p.Where(x => x.Topic == "left").Select(x => x.Partition), p.Where(x => x.Topic == "right").Select(x => x.Partition)));
    }

    [Fact]
    public void Roundrobin_gives_members_of_equal_subscriptions_equally_many_partitions_give_or_take_one()
    {
        foreach (var (counts, members) in RandomGroup.Many(seed: 3, groups: 500, equalSubscriptions: true))
        {
            var shares = Assignor.Find("roundrobin")!.Assign(counts, members).Values.Select(p => p.Count).ToList();
            Assert.True(shares.Max() - shares.Min() <= 1);
        }
    }

    [Theory]
    [InlineData("range")]
    [InlineData("roundrobin")]
    public void A_static_member_gets_the_same_after_a_restart_under_another_member_id(string name)
    {
        var counts = new Dictionary<string, int> { ["t"] = 5 };
        MemberSubscription[] others = [Member("b", "t"), new("z", "second", ["t"], [], -1)];

        var before = Assignor.Find(name)!.Assign(counts, [new("a-1", "first", ["t"], [], -1), .. others]);
        var after = Assignor.Find(name)!.Assign(counts, [new("y-2", "first", ["t"], [], -1), .. others]);

        Assert.Equal(before["a-1"], after["y-2"]);
        Assert.Equal(before["z"], after["z"]);
        Assert.Equal(new TopicPartition("t", 0), before["a-1"][0]);
    }

    internal static void AssertEveryPartitionOnce(
        IReadOnlyDictionary<string, int> counts, IReadOnlyList<MemberSubscription> members, IReadOnlyDictionary<string, IReadOnlyList<TopicPartition>> assignment)
    {
        var wanted = members.SelectMany(m => m.Topics).Distinct().Where(counts.ContainsKey).SelectMany(t => Enumerable.Range(0, counts[t]).Select(p => new TopicPartition(t, p)));
        Assert.Equal(
            wanted.OrderBy(p => p.Topic, StringComparer.Ordinal).ThenBy(p => p.Partition),
            assignment.Values.SelectMany(p => p).OrderBy(p => p.Topic, StringComparer.Ordinal).ThenBy(p => p.Partition));
        Assert.Equal(members.Select(m => m.MemberId).Order(), assignment.Keys.Order());
        Assert.All(members, m => Assert.All(assignment[m.MemberId], p => Assert.Contains(p.Topic, m.Topics)));
    }

    private static MemberSubscription Member(string id, params string[] topics) => new(id, null, topics, [], -1);

    private static string Text(IReadOnlyDictionary<string, IReadOnlyList<TopicPartition>> assignment, HistoryRound round) =>
        round.Name + string.Concat(assignment.Where(a => a.Value.Count > 0).OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $"\n{a.Key}: {string.Join(' ', a.Value)}"));
}
