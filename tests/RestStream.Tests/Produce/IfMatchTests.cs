using System.Net;

namespace RestStream.Tests.Produce;

/// <summary><c>If-Match</c>: records are appended at the offset that the client expects, or not at all.</summary>
[Collection(ProduceCollection.Name)]
public sealed class IfMatchTests(ProduceServer server)
{
    [Theory]
    [InlineData("\"0\"", "application/json", "[{\"value\":1},{\"value\":2}]")]
    [InlineData("0", "application/x-ndjson", "{\"value\":1}\n{\"value\":2}\n")]
    public async Task Records_are_appended_where_they_are_expected_and_only_once(string condition, string type, string body)
    {
        var topic = await server.CreateTopicAsync();

        (await SendAsync(topic, condition, body, type)).Is(HttpStatusCode.OK);
        var again = await SendAsync(topic, condition, body, type);

        again.IsError(412, 41201);
        Assert.Equal(2, again.Json.GetProperty("latest").GetInt64());
        Assert.Equal(["1", "2"], server.Read(topic).Select(r => r.ValueText));
        (await SendAsync(topic, "\"2\"", "raw", "text/plain")).Is(HttpStatusCode.OK);
        Assert.Equal(3, server.CountOf(topic));
    }

    [Fact]
    public async Task Of_many_writers_that_expect_the_same_offset_one_gets_it()
    {
        var topic = await server.CreateTopicAsync();

        for (var offset = 0; offset < 10; offset++)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => SendAsync(topic, $"\"{offset}\"", $"{{\"value\":{writer}}}")));
            Assert.Single(answers, a => a.Status == 200);
            Assert.Equal(7, answers.Count(a => a.Status == 412));
        }

        Assert.Equal(10, server.CountOf(topic));
    }

    [Fact]
    public async Task Nothing_is_written_when_one_record_is_refused()
    {
        var topic = await server.CreateTopicAsync();

        (await SendAsync(topic, "\"0\"", "[{\"value\":1},{\"value\":2,\"partition\":7}]")).IsError(404, 40402, "records[1].partition");

        Assert.Equal(0, server.CountOf(topic));
    }

    [Fact]
    public async Task Records_for_several_partitions_or_batches_have_no_one_offset_to_match()
    {
        var two = await server.CreateTopicAsync(partitions: 2);
        var small = await server.CreateTopicAsync(configs: ("max.message.bytes", "1000"));
        var large = $"[{string.Join(',', Enumerable.Repeat($"{{\"value\":\"{new string('x', 400)}\"}}", 5))}]";

        (await SendAsync(two, "\"0\"", "[{\"value\":1,\"partition\":0},{\"value\":2,\"partition\":1}]")).IsError(422, 42200, "If-Match");
        (await SendAsync(small, "\"0\"", large)).IsError(422, 42200, "If-Match");

        Assert.Equal((0, 0), (server.CountOf(two), server.CountOf(small)));
        (await server.PostAsync($"/topics/{two}/partitions/1/records", "{\"value\":1}", "application/json", ("If-Match", "\"0\""))).Is(HttpStatusCode.OK);
        (await SendAsync(small, "\"0\"", "{\"value\":1}")).Is(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("*", "")]
    [InlineData("\"\"", "")]
    [InlineData("\"-1\"", "")]
    [InlineData("W/\"1\"", "")]
    [InlineData("\"99999999999999999999\"", "")]
    [InlineData("\"0\", \"1\"", "")]
    [InlineData("\"0\"", "?acks=0")]
    public async Task A_condition_that_cannot_be_is_400(string condition, string query)
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync($"/topics/{topic}/records{query}", "{\"value\":1}", "application/json", ("If-Match", condition))).IsError(400, 40001, "If-Match");

        Assert.Equal(0, server.CountOf(topic));
    }

    private Task<Answer> SendAsync(string topic, string condition, string body, string type = "application/json") =>
        server.PostAsync($"/topics/{topic}/records", body, type, ("If-Match", condition));
}
