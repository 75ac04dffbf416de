using System.Text.Json;
using RestStream.Broker.Groups.Assignors;
using RestStream.Storage;
using RestStream.TestKit;

namespace RestStream.Broker.Tests.Groups;

/// <summary>One round of a golden group history: who asked, and what Kafka's assignor answered.</summary>
internal sealed record HistoryRound(
    string Name, Dictionary<string, int> PartitionCounts, List<MemberSubscription> Members, Dictionary<string, List<TopicPartition>> Assignment, int Balance, int Moved)
{
    public static IEnumerable<HistoryRound> Read(string assignor)
    {
        foreach (var line in File.ReadLines(Path.Combine(Locations.Golden, "log", "assignors", assignor + ".jsonl")))
        {
            using var history = JsonDocument.Parse(line);
            foreach (var round in history.RootElement.GetProperty("rounds").EnumerateArray())
                yield return Parse($"{history.RootElement.GetProperty("id")}, {round.GetProperty("change")}", round);
        }
    }

    private static HistoryRound Parse(string name, JsonElement round) => new(
        name,
        round.GetProperty("topics").EnumerateObject().ToDictionary(t => t.Name, t => t.Value.GetInt32()),
        [.. round.GetProperty("members").EnumerateArray().Select(ParseMember)],
        round.GetProperty("assignment").EnumerateObject().ToDictionary(m => m.Name, m => Partitions(m.Value)),
        round.TryGetProperty("balance", out var balance) ? balance.GetInt32() : -1,
        round.TryGetProperty("moved", out var moved) ? moved.GetInt32() : -1);

    private static MemberSubscription ParseMember(JsonElement member) => new(
        member.GetProperty("id").GetString()!,
        member.TryGetProperty("instance", out var instance) ? instance.GetString() : null,
        [.. member.GetProperty("topics").EnumerateArray().Select(t => t.GetString()!)],
        member.TryGetProperty("owned", out var owned) ? Partitions(owned) : [],
        member.TryGetProperty("generation", out var generation) ? generation.GetInt32() : -1);

    private static List<TopicPartition> Partitions(JsonElement byTopic) =>
        [.. byTopic.EnumerateObject().SelectMany(t => t.Value.EnumerateArray().Select(p => new TopicPartition(t.Name, p.GetInt32())))];
}
