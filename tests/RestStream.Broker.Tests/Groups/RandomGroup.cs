using RestStream.Broker.Groups.Assignors;

namespace RestStream.Broker.Tests.Groups;

/// <summary>Made-up groups: a few members, static ones among them, and a few topics, some of which do not exist.</summary>
internal static class RandomGroup
{
    public static IEnumerable<(Dictionary<string, int> PartitionCounts, MemberSubscription[] Members)> Many(int seed, int groups, bool equalSubscriptions = false)
    {
        var random = new Random(seed);
        for (var group = 0; group < groups; group++)
        {
            var topics = Enumerable.Range(0, random.Next(1, 7)).Select(t => $"t{t}").ToArray();
            var counts = topics.Where(_ => random.Next(8) > 0).ToDictionary(t => t, _ => random.Next(1, 13));
            var wanted = Subset(random, topics);
            var members = new MemberSubscription[random.Next(1, 9)];
            for (var i = 0; i < members.Length; i++)
                members[i] = new MemberSubscription($"m{random.Next(100):00}{i}", random.Next(4) == 0 ? $"i{i}" : null, equalSubscriptions ? wanted : Subset(random, topics), [], -1);
            yield return (counts, members);
        }
    }

    public static string[] Subset(Random random, string[] topics) => [.. topics.Where(_ => random.Next(3) > 0).DefaultIfEmpty(topics[0])];
}
