using RestStream.Broker.Groups.Assignors;
using RestStream.Storage;

namespace RestStream.Broker.Tests.Groups;

public class StickyAssignorTests
{
    private static readonly Assignor Sticky = Assignor.Find("sticky")!;
    private static readonly Assignor Cooperative = Assignor.Find("cooperative-sticky")!;

    [Fact]
    public void Every_round_of_every_history_is_balanced_at_least_as_well_as_Kafkas_and_moves_no_more()
    {
        var rounds = HistoryRound.Read("sticky").ToList();

        Assert.True(rounds.Count > 100);
        foreach (var round in rounds)
        {
            var assignment = Sticky.Assign(round.PartitionCounts, round.Members);

            AssignorTests.AssertEveryPartitionOnce(round.PartitionCounts, round.Members, assignment);
            Assert.True(Balance(assignment) <= round.Balance, $"{round.Name}: balance {Balance(assignment)}, Kafka's {round.Balance}");
            Assert.True(Moved(round.Members, assignment) <= round.Moved, $"{round.Name}: {Moved(round.Members, assignment)} moved, Kafka's {round.Moved}");
        }
    }

    [Fact]
    public void Every_cooperative_round_withholds_only_what_others_own_and_is_never_behind_Kafkas()
    {
        var rounds = HistoryRound.Read("cooperative-sticky").ToList();
        var trades = new List<string>();

        Assert.True(rounds.Count > 150);
        foreach (var round in rounds)
        {
            var assignment = Cooperative.Assign(round.PartitionCounts, round.Members);
            var goal = Sticky.Assign(round.PartitionCounts, round.Members);

            AssertPartOf(goal, assignment);
            Assert.All(Withheld(goal, assignment), w => Assert.Contains(round.Members, m => m.MemberId != w.MemberId && m.Owned.Contains(w.Partition)));
            var (balance, moved) = (Balance(assignment), Moved(round.Members, goal));
            if (balance > round.Balance || moved > round.Moved)
            {
                // Kafka's improvements of one step each miss the best goal: where ours is behind in one respect it is ahead in the other.
                Assert.True(balance < round.Balance || moved < round.Moved, $"{round.Name}: balance {balance}, Kafka's {round.Balance}; {moved} moved, Kafka's {round.Moved}");
                trades.Add(round.Name);
            }
        }

        Assert.True(trades.Count <= 5, string.Join('\n', trades));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void No_other_assignment_is_better_balanced_or_as_well_balanced_with_fewer_moves(bool equalSubscriptions)
    {
        var random = new Random(5);
        for (var group = 0; group < 400; group++)
        {
            string[] topics = ["a", "b", "c"];
            var counts = topics.ToDictionary(t => t, _ => random.Next(0, 3));
            var wanted = RandomGroup.Subset(random, topics);
            var members = new MemberSubscription[random.Next(1, 5)];
            for (var i = 0; i < members.Length; i++)
                members[i] = new MemberSubscription($"m{i}", null, equalSubscriptions ? wanted : RandomGroup.Subset(random, topics), RandomlyOwned(random, counts), random.Next(-1, 4));

            var assignment = Sticky.Assign(counts, members);

            AssignorTests.AssertEveryPartitionOnce(counts, members, assignment);
            Assert.Equal(BestByTryingAll(counts, members), (Balance(assignment), Moved(members, assignment)));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Two_cooperative_rounds_always_reach_the_goal_and_no_partition_is_ever_given_to_two(bool equalSubscriptions)
    {
        var random = new Random(6);
        var withheld = 0;
        foreach (var (counts, first) in RandomGroup.Many(seed: 6, groups: 300, equalSubscriptions))
        {
            var members = Settle(counts, first, generation: 1);
            for (var generation = 2; generation < 20; generation += 2)
            {
                members = Disturb(random, counts, members, generation, equalSubscriptions);
                var goal = Sticky.Assign(counts, members);

                var one = Cooperative.Assign(counts, members);
                AssertPartOf(goal, one);
                foreach (var member in members)
                    Assert.DoesNotContain(one[member.MemberId], p => !member.Owned.Contains(p) && members.Any(m => m.Owned.Contains(p)));
                withheld += Withheld(goal, one).Count;

                members = [.. members.Select(m => m with { Owned = one[m.MemberId], Generation = generation })];
                var two = Cooperative.Assign(counts, members);
                AssignorTests.AssertEveryPartitionOnce(counts, members, two);
                Assert.All(members, m => Assert.Empty(m.Owned.Except(two[m.MemberId])));
                Assert.Equal(Balance(goal), Balance(two));
                members = [.. members.Select(m => m with { Owned = two[m.MemberId], Generation = generation + 1 })];
            }
        }

        Assert.True(withheld > 1000);
    }

    [Fact]
    public void Nothing_moves_when_nothing_changed()
    {
        foreach (var (counts, first) in RandomGroup.Many(seed: 7, groups: 200))
        {
            var members = Settle(counts, first, generation: 1);
            var again = Sticky.Assign(counts, members);
            Assert.All(members, m => Assert.Equal(m.Owned, again[m.MemberId]));
        }
    }

    [Fact]
    public void A_member_that_comes_back_with_an_old_generation_does_not_get_back_what_others_have_since()
    {
        var counts = new Dictionary<string, int> { ["t"] = 4 };
        MemberSubscription[] members =
        [
            new("a", null, ["t"], [new("t", 0), new("t", 1)], 3),
            new("b", null, ["t"], [new("t", 1), new("t", 2)], 2),
            new("c", null, ["t"], [], -1),
        ];

        var assignment = Sticky.Assign(counts, members);

        Assert.Equal([new("t", 0), new("t", 1)], assignment["a"]);
        Assert.Contains(new TopicPartition("t", 2), assignment["b"]);
    }

    [Fact]
    public void A_chain_of_moves_is_found_where_no_single_move_helps()
    {
        // 'a' has one too many and shares a topic only with 'b', who shares another one with 'c'.
        var counts = new Dictionary<string, int> { ["ab"] = 2, ["bc"] = 1 };
        MemberSubscription[] members =
        [
            new("a", null, ["ab"], [new("ab", 0), new("ab", 1)], 1),
            new("b", null, ["ab", "bc"], [new("bc", 0)], 1),
            new("c", null, ["bc"], [], -1),
        ];

        var assignment = Sticky.Assign(counts, members);

        Assert.All(assignment.Values, partitions => Assert.Single(partitions));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_thousand_members_share_ten_thousand_partitions_and_a_hundred_more_join(bool equalSubscriptions)
    {
        var counts = Enumerable.Range(0, 20).ToDictionary(t => $"t{t:00}", _ => 500);
        var random = new Random(8);
        string[] Topics() => equalSubscriptions ? [.. counts.Keys] : [.. counts.Keys.Where(_ => random.Next(2) == 0).Prepend("t00").Distinct()];
        var members = Settle(counts, [.. Enumerable.Range(0, 1000).Select(i => new MemberSubscription($"m{i:0000}", null, Topics(), [], -1))], generation: 1);
        Assert.All(members, m => Assert.Equal(10, m.Owned.Count));

        MemberSubscription[] more = [.. members, .. Enumerable.Range(1000, 100).Select(i => new MemberSubscription($"m{i:0000}", null, Topics(), [], -1))];
        var assignment = Sticky.Assign(counts, more);

        Assert.All(assignment.Values, partitions => Assert.InRange(partitions.Count, 9, 10));
        Assert.Equal(Enumerable.Range(1000, 100).Sum(i => assignment[$"m{i:0000}"].Count), Moved(more, assignment));
    }

    private static MemberSubscription[] Settle(IReadOnlyDictionary<string, int> counts, MemberSubscription[] members, int generation)
    {
        var assignment = Sticky.Assign(counts, members);
        return [.. members.Select(m => m with { Owned = assignment[m.MemberId], Generation = generation })];
    }

    /// <summary>Somebody joins, leaves or wants other topics, or a topic grows.</summary>
    private static MemberSubscription[] Disturb(Random random, Dictionary<string, int> counts, MemberSubscription[] members, int generation, bool equalSubscriptions)
    {
        string[] topics = [.. members.SelectMany(m => m.Topics).Distinct()];
        switch (random.Next(4))
        {
            case 0 when members.Length > 1:
                var gone = random.Next(members.Length);
                return [.. members.Where((_, i) => i != gone)];
            case 1 when counts.Count > 0:
                counts[counts.Keys.First()] += random.Next(1, 4);
                return members;
            case 2 when !equalSubscriptions:
                var changed = random.Next(members.Length);
                return [.. members.Select((m, i) => i == changed ? m with { Topics = RandomGroup.Subset(random, topics) } : m)];
            default:
                return [.. members, new MemberSubscription($"n{generation}", null, equalSubscriptions ? members[0].Topics : RandomGroup.Subset(random, topics), [], -1)];
        }
    }

    private static List<TopicPartition> RandomlyOwned(Random random, Dictionary<string, int> counts) =>
        [.. counts.SelectMany(c => Enumerable.Range(0, c.Value + 1).Select(p => new TopicPartition(c.Key, p))).Where(_ => random.Next(3) == 0)];

    private static (int Balance, int Moved) BestByTryingAll(Dictionary<string, int> counts, MemberSubscription[] members)
    {
        var partitions = counts.SelectMany(c => Enumerable.Range(0, c.Value).Select(p => new TopicPartition(c.Key, p))).Where(p => members.Any(m => m.Topics.Contains(p.Topic))).ToList();
        var holders = members.ToDictionary(m => m.MemberId, IReadOnlyList<TopicPartition> (_) => new List<TopicPartition>());
        var best = (Balance: int.MaxValue, Moved: int.MaxValue);
        Try(0);
        return best;

        void Try(int next)
        {
            if (next == partitions.Count)
            {
                var candidate = (Balance(holders), Moved(members, holders));
                best = candidate.CompareTo(best) < 0 ? candidate : best;
                return;
            }
            foreach (var member in members.Where(m => m.Topics.Contains(partitions[next].Topic)))
            {
                var held = (List<TopicPartition>)holders[member.MemberId];
                held.Add(partitions[next]);
                Try(next + 1);
                held.RemoveAt(held.Count - 1);
            }
        }
    }

    /// <summary>Kafka's measure: the sum of the differences between all pairs of members.</summary>
    private static int Balance(IReadOnlyDictionary<string, IReadOnlyList<TopicPartition>> assignment)
    {
        var shares = assignment.Values.Select(p => p.Count).ToList();
        return shares.SelectMany((share, i) => shares.Skip(i + 1).Select(other => Math.Abs(share - other))).Sum();
    }

    /// <summary>Partitions whose owner of the newest generation still wants them and does not get them.</summary>
    private static int Moved(IReadOnlyList<MemberSubscription> members, IReadOnlyDictionary<string, IReadOnlyList<TopicPartition>> goal)
    {
        var owners = members.Select((m, order) => (m, order)).SelectMany(x => x.m.Owned.Select(p => (p, x.m, x.order)))
            .GroupBy(o => o.p, (p, claims) => (Partition: p, Owner: claims.OrderByDescending(c => c.m.Generation).ThenBy(c => c.order).First().m));
        var given = goal.SelectMany(a => a.Value).ToHashSet();
        var kept = goal.ToDictionary(a => a.Key, a => a.Value.ToHashSet());
        return owners.Count(o => o.Owner.Topics.Contains(o.Partition.Topic) && given.Contains(o.Partition) && !kept[o.Owner.MemberId].Contains(o.Partition));
    }

    private static void AssertPartOf(IReadOnlyDictionary<string, IReadOnlyList<TopicPartition>> goal, IReadOnlyDictionary<string, IReadOnlyList<TopicPartition>> part) =>
        Assert.All(goal, g => Assert.Empty(part[g.Key].Except(g.Value)));

    private static List<(string MemberId, TopicPartition Partition)> Withheld(
        IReadOnlyDictionary<string, IReadOnlyList<TopicPartition>> goal, IReadOnlyDictionary<string, IReadOnlyList<TopicPartition>> part) =>
        [.. goal.SelectMany(g => g.Value.Except(part[g.Key]).Select(p => (g.Key, p)))];
}
