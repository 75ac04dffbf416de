using System.Net;

namespace RestStream.Tests.Produce;

/// <summary><c>atomic=true</c>: all records of a request, over several topics and partitions, or none.</summary>
[Collection(ProduceCollection.Name)]
public sealed class AtomicTests(ProduceServer server)
{
    [Fact]
    public async Task Records_for_several_topics_and_partitions_are_written_together_and_answered_in_their_order()
    {
        var (orders, bills) = (await server.CreateTopicAsync(partitions: 3), await server.CreateTopicAsync());

        var answer = await server.PostAsync("/records?atomic=true",
            $$"""
            [{"topic":"{{orders}}","partition":2,"value":1,"timestamp":1790000000000},{"topic":"{{bills}}","value":2},
             {"topic":"{{orders}}","partition":0,"value":3},{"topic":"{{orders}}","partition":2,"value":4}]
            """);

        answer.Is(HttpStatusCode.OK);
        Assert.Equal(
            [(orders, 2, 0L), (bills, 0, 0L), (orders, 0, 0L), (orders, 2, 1L)],
            answer.Offsets.Select(o => (o.GetProperty("topic").GetString()!, o.GetProperty("partition").GetInt32(), o.GetProperty("offset").GetInt64())));
        Assert.Equal(1790000000000, answer.Offsets[0].GetProperty("timestamp").GetInt64());
        Assert.Equal([(0, "3"), (2, "1"), (2, "4")], server.Read(orders).Select(r => (r.Partition, r.ValueText!)));
        Assert.Equal(["2"], server.Read(bills).Select(r => r.ValueText));
    }

    [Fact]
    public async Task Records_for_several_partitions_of_one_topic_are_written_together()
    {
        var topic = await server.CreateTopicAsync(partitions: 2);

        (await server.PostAsync($"/topics/{topic}/records?atomic", """[{"value":1,"partition":0},{"value":2,"partition":1}]""")).Is(HttpStatusCode.OK);
        (await server.PostAsync($"/topics/{topic}/records?atomic=true&partition=1", "raw", "text/plain")).Is(HttpStatusCode.OK);
        (await server.PostAsync($"/topics/{topic}/partitions/1/records?atomic=true&strict=true", """{"value":3}""")).Is(HttpStatusCode.OK);

        Assert.Equal([(0, "1"), (1, "2"), (1, "raw"), (1, "3")], server.Read(topic).Select(r => (r.Partition, r.ValueText!)));
    }

    [Fact]
    public async Task One_refused_record_refuses_all_and_every_wrong_one_is_named()
    {
        var (good, compacted) = (await server.CreateTopicAsync(), await server.CreateTopicAsync(configs: ("cleanup.policy", "compact")));

        var answer = await server.PostAsync("/records?atomic=true",
            $$"""[{"topic":"{{good}}","value":1},{"topic":"{{compacted}}","value":2},{"topic":"nowhere","value":3},{"topic":"__reststream_metadata","value":4},{"topic":"{{good}}","value":5,"partition":9}]""");

        answer.IsError(422, 42200, "records[1].key", "records[2].topic", "records[3].topic", "records[4].partition");
        Assert.Contains("Nothing was written", answer.Json.GetProperty("detail").GetString());
        Assert.Contains("4 of 5", answer.Json.GetProperty("detail").GetString());
        Assert.Equal((0, 0), (server.CountOf(good), server.CountOf(compacted)));
    }

    [Fact]
    public async Task What_one_partition_refuses_is_written_nowhere()
    {
        var (good, small) = (await server.CreateTopicAsync(), await server.CreateTopicAsync(configs: [("max.message.bytes", "200"), ("compression.type", "gzip")]));
        var noise = Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(3000));

        (await server.PostAsync("/records?atomic=true", $$"""[{"topic":"{{good}}","value":1},{"topic":"{{small}}","value":"{{noise}}"}]""")).IsError(413, 41302);

        Assert.Equal((0, 0), (server.CountOf(good), server.CountOf(small)));
    }

    [Theory]
    [InlineData("atomic=true&acks=0", "acks")]
    [InlineData("acks=0&atomic", "acks")]
    [InlineData("atomic=true&strict=false", "strict")]
    [InlineData("atomic=true", "If-Match")]
    public async Task What_contradicts_all_or_nothing_is_422(string query, string field)
    {
        var topic = await server.CreateTopicAsync();
        (string, string)[] headers = field == "If-Match" ? [("If-Match", "\"0\"")] : [];

        (await server.PostAsync($"/topics/{topic}/records?{query}", """{"value":1}""", "application/json", headers)).IsError(422, 42200, field);

        Assert.Equal(0, server.CountOf(topic));
    }

    [Fact]
    public async Task A_stream_of_lines_cannot_be_all_or_nothing()
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.PostAsync($"/topics/{topic}/records?atomic=true", "{\"value\":1}\n", "application/x-ndjson");

        answer.IsError(415, 41500);
        Assert.Equal("application/json", answer.Json.GetProperty("accepted_types")[0].GetString());
        Assert.Equal(0, server.CountOf(topic));
    }

    [Fact]
    public async Task A_value_that_is_neither_true_nor_false_is_400() =>
        (await server.PostAsync("/records?atomic=yes", "[]")).IsError(400, 40001, "atomic");

    [Fact]
    public async Task Without_records_nothing_happens()
    {
        var answer = await server.PostAsync("/records?atomic=true", "[]");

        answer.Is(HttpStatusCode.OK);
        Assert.Empty(answer.Offsets);
    }
}
