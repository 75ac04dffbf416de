using System.Text.Json;
using RestStream.Broker.Groups;
using RestStream.Tests.Read;
using static RestStream.Tests.Groups.GroupCalls;

namespace RestStream.Tests.Groups;

public sealed class GroupLimitTests
{
    private const int Limit = 20;
    private const int Names = 1_000;

    [Fact]
    public async Task However_many_names_clients_make_up_there_are_no_more_groups_than_the_limit_and_those_go_on()
    {
        await using var server = await ReadServer.StartAsync(groups: new GroupOptions { MaxGroups = Limit, OffsetsTopicPartitions = 1 });
        await server.CreateAsync("orders");
        await server.ProduceAsync("orders", 0, "1");
        var first = await server.PollAsync("billing", "w1", null);

        var refused = new List<string>();
        await Parallel.ForAsync(0, Names, async (i, _) =>
        {
            var (status, refusal) = await server.PollAsync($"g{i}", """{"topics":["orders"],"member":"w1"}""");
            if (status == 200)
                return;
            Assert.Equal((422, 42216), (status, Code(refusal)));
            Assert.Contains("RestStream:Groups:MaxGroups", refusal.GetProperty("detail").GetString());
            lock (refused)
                refused.Add($"g{i}");
        });

        Assert.Equal(Names + 1 - Limit, refused.Count);
        await Parallel.ForEachAsync(refused, async (group, _) =>
        {
            Assert.Equal((422, 42216), await AnswerAsync(HttpMethod.Get, $"/groups/{group}/stream?topics=orders&member=w2"));
            Assert.Equal((422, 42216), await AnswerAsync(HttpMethod.Put, $"/groups/{group}/offsets", """{"to":"earliest","topics":["orders"]}"""));
            Assert.Equal((404, 40406), await AnswerAsync(HttpMethod.Post, $"/groups/{group}/ack", """{"member":"w2","cursor":"orders/0:1"}"""));
            Assert.Equal((404, 40406), await AnswerAsync(HttpMethod.Delete, $"/groups/{group}/members/w2"));
            Assert.Equal((404, 40405), await AnswerAsync(HttpMethod.Get, $"/groups/{group}/lag"));
            Assert.Null(server.Broker.FindGroupConsumer(group, "w2"));
        });
        Assert.Equal(Limit, server.Broker.ListGroups(null, Names).Count);

        Assert.Equal(200, (await server.AckAsync("billing", "w1", Cursor(first))).Status);
        await server.SendAsync(HttpMethod.Delete, "/groups/billing/members/w1", null);
        await server.SendAsync(HttpMethod.Delete, "/groups/billing", null);
        var last = await server.PollAsync(refused[0], "w1", null);
        Assert.Equal([0], Partitions(last));

        async Task<(int, int)> AnswerAsync(HttpMethod method, string path, string? body = null)
        {
            var (status, refusal, _) = await server.SendAsync(method, path, body);
            return (status, Code(refusal));
        }
    }

    private static int Code(JsonElement refusal) => refusal.GetProperty("error_code").GetInt32();
}
