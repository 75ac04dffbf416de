using System.Text.Json;
using RestStream.Tests.Read;

namespace RestStream.Tests.Groups;

/// <summary>The calls of a worker, as its HTTP client would make them.</summary>
internal static class GroupCalls
{
    public static async Task<(int Status, JsonElement Body)> PollAsync(this ReadServer server, string group, string body)
    {
        var (status, answer, _) = await server.SendAsync(HttpMethod.Post, $"/groups/{group}/poll", body);
        return (status, answer);
    }

    /// <summary>A poll for topic <c>orders</c> that must be answered with 200.</summary>
    public static async Task<JsonElement> PollAsync(this ReadServer server, string group, string member, string? ack, string more = "")
    {
        var acked = ack is null ? "" : $",\"ack\":\"{ack}\"";
        var (status, body) = await server.PollAsync(group, $"{{\"topics\":[\"orders\"],\"member\":\"{member}\"{acked}{more}}}");
        Assert.True(status == 200, $"{status} {body}");
        return body;
    }

    public static async Task<(int Status, JsonElement Body)> AckAsync(this ReadServer server, string group, string member, string cursor)
    {
        var (status, body, _) = await server.SendAsync(HttpMethod.Post, $"/groups/{group}/ack", $"{{\"member\":\"{member}\",\"cursor\":\"{cursor}\"}}");
        return (status, body);
    }

    /// <summary>The workers poll, each as fast as it can, until the group has settled and each owns so many partitions; the answers of their last polls.</summary>
    public static Task<JsonElement[]> SettleAsync(this ReadServer server, string group, params (string Member, int Partitions)[] members) => server.SettleAsync(group, "", members);

    /// <summary>The same with something more in each poll.</summary>
    public static async Task<JsonElement[]> SettleAsync(this ReadServer server, string group, string more, params (string Member, int Partitions)[] members)
    {
        var last = new JsonElement[members.Length];
        var settled = 0;
        await Task.WhenAll(members.Select((member, i) => WorkAsync(member.Member, i)));
        return last;

        // A rebalance waits for every member, so none may stop before all have settled.
        async Task WorkAsync(string member, int i)
        {
            while (Volatile.Read(ref settled) == 0)
            {
                var answer = await server.PollAsync(group, member, null, more);
                lock (last)
                {
                    last[i] = answer;
                    if (Array.TrueForAll(last, a => a.ValueKind == JsonValueKind.Object && Generation(a) == Generation(answer))
                        && last.Zip(members).All(a => Partitions(a.First).Length == a.Second.Partitions))
                        Volatile.Write(ref settled, 1);
                }
            }
        }
    }

    public static string Cursor(JsonElement answer) => answer.GetProperty("cursor").GetString()!;

    public static int Generation(JsonElement answer) => answer.GetProperty("generation").GetInt32();

    /// <summary>Of topic <c>orders</c>.</summary>
    public static int[] Partitions(JsonElement answer) =>
        answer.GetProperty("assignment").TryGetProperty("orders", out var list) ? [.. list.EnumerateArray().Select(p => p.GetInt32())] : [];

    public static string[] Values(JsonElement answer) => [.. answer.GetProperty("records").EnumerateArray().Select(r => r.GetProperty("value").GetRawText())];

    /// <summary>The committed offset, as an operator sees it; null when there is none.</summary>
    public static long? Committed(this ReadServer server, string group, int partition = 0) => server.Broker.CommittedOffset(group, new("orders", partition))?.Offset;
}
