using System.Net;
using System.Text;
using RestStream.Broker.Topics;

namespace RestStream.Tests.Produce;

/// <summary>Kafka's idempotent producer over HTTP: ids from <c>POST /producers</c>, then three headers with every request.</summary>
[Collection(ProduceCollection.Name)]
public sealed class ProducerTests(ProduceServer server)
{
    private const string V2Json = "application/vnd.kafka.json.v2+json";

    [Fact]
    public async Task A_repeated_request_is_written_once_and_answered_as_the_first_time()
    {
        var (topic, id) = (await server.CreateTopicAsync(), await NewIdAsync());

        var first = await SendAsync(topic, "[{\"value\":1},{\"value\":2,\"timestamp\":6}]", id, 0, 0);
        var again = await SendAsync(topic, "[{\"value\":1},{\"value\":2,\"timestamp\":6}]", id, 0, 0);
        var next = await SendAsync(topic, "{\"value\":3}", id, 0, 2);

        first.Is(HttpStatusCode.OK);
        Assert.False(first.Headers.Contains("Idempotent-Replayed"));
        Assert.Equal((200, first.Body), (again.Status, again.Body));
        Assert.Equal(["true"], again.Headers.GetValues("Idempotent-Replayed"));
        Assert.Equal(2, next.Offsets[0].GetProperty("offset").GetInt64());
        Assert.Equal(["1", "2", "3"], server.Read(topic).Select(r => r.ValueText));
    }

    [Theory]
    [InlineData("text/plain", "raw")]
    [InlineData("application/json", """{"records":[{"value":1}]}""")]
    public async Task Every_form_of_body_but_a_stream_can_be_repeated(string type, string body)
    {
        var (topic, id) = (await server.CreateTopicAsync(partitions: 2), await NewIdAsync());
        var path = $"/topics/{topic}/partitions/1/records";

        (await server.PostAsync(path, body, type, Stamp(id, 0, 0))).Is(HttpStatusCode.OK);
        var again = await server.PostAsync(path + "?atomic=true", body, type, Stamp(id, 0, 0));

        again.Is(HttpStatusCode.OK);
        Assert.True(again.Headers.Contains("Idempotent-Replayed"));
        Assert.Equal(1, server.CountOf(topic));
        (await server.PostAsync(path, "{\"value\":1}\n", "application/x-ndjson", Stamp(id, 0, 1))).IsError(415, 41500);
        (await server.PostAsync(path + "?strict=true", "{\"value\":1}\n", "application/x-ndjson", Stamp(id, 0, 1))).IsError(415, 41500);
    }

    [Fact]
    public async Task A_gap_is_409_and_says_what_is_expected()
    {
        var (topic, id) = (await server.CreateTopicAsync(), await NewIdAsync());
        await SendAsync(topic, "[{\"value\":1},{\"value\":2}]", id, 0, 0);

        var gap = await SendAsync(topic, "{\"value\":9}", id, 0, 7);

        gap.IsError(409, 40912);
        Assert.Equal(("2", "7"), (gap.Headers.GetValues("Producer-Expected-Seq").Single(), gap.Headers.GetValues("Producer-Received-Seq").Single()));
        Assert.Equal((2, 7), (gap.Json.GetProperty("expected_seq").GetInt32(), gap.Json.GetProperty("received_seq").GetInt32()));
        Assert.Equal(2, server.CountOf(topic));
    }

    [Fact]
    public async Task A_raised_epoch_fences_the_one_before()
    {
        var (topic, id) = (await server.CreateTopicAsync(), await NewIdAsync());
        await SendAsync(topic, "{\"value\":1}", id, 0, 0);

        var raised = await server.PostAsync("/producers", $$"""{"producer_id":{{id}},"producer_epoch":0}""");
        var retried = await server.PostAsync("/producers", $$"""{"producer_id":{{id}},"producer_epoch":0}""");
        (await SendAsync(topic, "{\"value\":2}", id, 1, 5)).IsError(409, 40912);
        (await SendAsync(topic, "{\"value\":2}", id, 1, 0)).Is(HttpStatusCode.OK);
        var stale = await SendAsync(topic, "{\"value\":9}", id, 0, 1);

        Assert.Equal($$"""{"producer_id":{{id}},"producer_epoch":1}""", raised.Is(HttpStatusCode.OK).Body);
        Assert.Equal(raised.Body, retried.Body);
        stale.IsError(403, 40303);
        Assert.Equal("1", stale.Headers.GetValues("Producer-Epoch").Single());
        Assert.Equal(1, stale.Json.GetProperty("producer_epoch").GetInt32());
        await server.PostAsync("/producers", $$"""{"producer_id":{{id}},"producer_epoch":1}""");
        var fenced = await server.PostAsync("/producers", $$"""{"producer_id":{{id}},"producer_epoch":0}""");
        fenced.IsError(403, 40303);
        Assert.Equal("2", fenced.Headers.GetValues("Producer-Epoch").Single());
        Assert.Equal(2, server.CountOf(topic));
    }

    [Fact]
    public async Task Ids_are_all_different()
    {
        var ids = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => NewIdAsync()));

        Assert.Equal(100, ids.Distinct().Count());
    }

    [Theory]
    [InlineData("""{"producer_id":0}""", 422, 42200, "producer_id")]
    [InlineData("""{"producer_epoch":0}""", 422, 42200, "producer_id")]
    [InlineData("""{"producer_id":-1,"producer_epoch":0}""", 422, 42200, "producer_id")]
    [InlineData("""{"producer_id":0,"producer_epoch":32768}""", 422, 42200, "producer_epoch")]
    [InlineData("""{"producer_id":9223372036854775808,"producer_epoch":0}""", 422, 42200, "producer_id")]
    [InlineData("""{"producer_id":"0","producer_epoch":0}""", 422, 42200, "producer_id")]
    [InlineData("""{"producer_id":9000000000000000000,"producer_epoch":0}""", 422, 42221, "producer_id")]
    [InlineData("{", 400, 40000, null)]
    public async Task A_body_of_producers_that_cannot_be_is_refused(string body, int status, int errorCode, string? field) =>
        (await server.PostAsync("/producers", body)).IsError(status, errorCode, field is null ? [] : [field]);

    [Theory]
    [InlineData(null, "0", "0", "Producer-Id")]
    [InlineData("1", null, "0", "Producer-Epoch")]
    [InlineData("1", "0", null, "Producer-Seq")]
    [InlineData("-1", "0", "0", "Producer-Id")]
    [InlineData("1", "-1", "0", "Producer-Epoch")]
    [InlineData("1", "0", "-1", "Producer-Seq")]
    [InlineData("9223372036854775808", "0", "0", "Producer-Id")]
    [InlineData("1", "32768", "0", "Producer-Epoch")]
    [InlineData("1", "0", "2147483648", "Producer-Seq")]
    [InlineData("a", "0", "0", "Producer-Id")]
    [InlineData("1", "0.5", "0", "Producer-Epoch")]
    [InlineData("1", "0", "1e3", "Producer-Seq")]
    [InlineData("", "0", "0", "Producer-Id")]
    [InlineData("1", "0", "1, 2", "Producer-Seq")]
    public async Task Headers_that_are_missing_or_no_numbers_are_400(string? id, string? epoch, string? sequence, string field)
    {
        var topic = await server.CreateTopicAsync();
        (string, string)[] headers = [.. new[] { ("Producer-Id", id), ("Producer-Epoch", epoch), ("Producer-Seq", sequence) }.Where(h => h.Item2 is not null).Select(h => (h.Item1, h.Item2!))];

        (await server.PostAsync($"/topics/{topic}/records", "{\"value\":1}", "application/json", headers)).IsError(400, 40001, field);
        Assert.Equal(400, (await server.PostAsync($"/topics/{topic}", """{"records":[{"value":1}]}""", V2Json, headers)).Status);

        Assert.Equal(0, server.CountOf(topic));
    }

    [Fact]
    public async Task The_records_of_a_request_go_to_one_partition_and_are_one_batch()
    {
        var (two, small, id) = (await server.CreateTopicAsync(partitions: 2), await server.CreateTopicAsync(configs: ("max.message.bytes", "1000")), await NewIdAsync());
        var large = $"[{string.Join(',', Enumerable.Repeat($"{{\"value\":\"{new string('x', 400)}\"}}", 5))}]";

        (await SendAsync(two, "[{\"value\":1,\"partition\":0},{\"value\":2,\"partition\":1}]", id, 0, 0)).IsError(422, 42200, "Producer-Id");
        (await SendAsync(two, "[{\"value\":1,\"partition\":0},{\"value\":2}]", id, 0, 0)).IsError(422, 42200, "records[1].partition");
        (await server.PostAsync("/records?atomic=true", $$"""[{"topic":"{{two}}","value":1,"partition":0},{"topic":"{{small}}","value":2}]""", "application/json", Stamp(id, 0, 0)))
            .IsError(422, 42200, "Producer-Id");
        (await SendAsync(small, large, id, 0, 0)).IsError(413, 41306);
        (await SendAsync(small, "[{\"value\":1},{\"other\":2}]", id, 0, 0)).IsError(422, 42200, "records[1].other");
        Assert.Equal((0, 0), (server.CountOf(two), server.CountOf(small)));

        (await SendAsync(two, "[{\"value\":1,\"key\":\"a\"},{\"value\":2,\"key\":\"a\"}]", id, 0, 0)).Is(HttpStatusCode.OK);
        (await server.PostAsync("/records", $$"""[{"topic":"{{small}}","value":2}]""", "application/json", Stamp(id, 0, 0))).Is(HttpStatusCode.OK);
        Assert.Equal((2, 1), (server.CountOf(two), server.CountOf(small)));
    }

    [Fact]
    public async Task Without_waiting_a_repeat_is_written_once_too()
    {
        var (topic, id) = (await server.CreateTopicAsync(), await NewIdAsync());

        for (var i = 0; i < 3; i++)
            (await server.PostAsync($"/topics/{topic}/records?acks=0", "{\"value\":1}", "application/json", Stamp(id, 0, 0))).Is(HttpStatusCode.Accepted);
        (await SendAsync(topic, "{\"value\":2}", id, 0, 1)).Is(HttpStatusCode.OK);

        Assert.Equal(["1", "2"], server.Read(topic).Select(r => r.ValueText));
    }

    [Fact]
    public async Task A_repeat_that_also_names_its_offset_is_answered_as_the_first_time()
    {
        var (topic, id) = (await server.CreateTopicAsync(), await NewIdAsync());
        (string, string)[] headers = [.. Stamp(id, 0, 0), ("If-Match", "\"0\"")];

        (await server.PostAsync($"/topics/{topic}/records", "{\"value\":1}", "application/json", headers)).Is(HttpStatusCode.OK);
        (await server.PostAsync($"/topics/{topic}/records", "{\"value\":1}", "application/json", headers)).Is(HttpStatusCode.OK);

        Assert.Equal(1, server.CountOf(topic));
    }

    [Fact]
    public async Task V2_produce_takes_the_headers_too()
    {
        var (topic, id) = (await server.CreateTopicAsync(partitions: 2), await NewIdAsync());
        const string body = """{"records":[{"value":1},{"value":2}]}""";
        var path = $"/topics/{topic}/partitions/1";

        var first = await server.PostAsync(path, body, V2Json, Stamp(id, 0, 0));
        var again = await server.PostAsync(path, body, V2Json, Stamp(id, 0, 0));
        var gap = await server.PostAsync(path, body, V2Json, Stamp(id, 0, 9));
        var nowhere = await server.PostAsync($"/topics/{topic}", body, V2Json, Stamp(id, 0, 2));

        Assert.Equal((200, first.Body, true), (again.Status, again.Body, again.Headers.Contains("Idempotent-Replayed")));
        Assert.Equal((409, "2", "application/vnd.kafka.v2+json"), (gap.Status, gap.Headers.GetValues("Producer-Expected-Seq").Single(), gap.ContentType));
        Assert.Equal(422, nowhere.Status);
        Assert.Equal(2, server.CountOf(topic));
    }

    [Fact]
    public async Task Of_many_who_send_the_same_at_once_one_writes()
    {
        var (topic, id) = (await server.CreateTopicAsync(), await NewIdAsync());

        for (var sequence = 0; sequence < 10; sequence++)
        {
            var at = sequence;
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => SendAsync(topic, "{\"value\":1}", id, 0, at)));
            Assert.Single(answers.Select(a => a.Body).Distinct());
            Assert.Single(answers, a => !a.Headers.Contains("Idempotent-Replayed"));
        }

        Assert.Equal(10, server.CountOf(topic));
    }

    [Fact]
    public async Task A_repeat_whose_key_belongs_to_another_partition_since_the_topic_grew_must_name_its_partition()
    {
        var (topic, id) = (await server.CreateTopicAsync(), await NewIdAsync());
        var key = Enumerable.Range(0, 100).Select(i => $"k{i}").First(k => Partitioner.ForKey(Encoding.UTF8.GetBytes(k), 4) == 1);
        var body = $"{{\"key\":\"{key}\",\"value\":1}}";
        var first = await SendAsync(topic, body, id, 0, 1);
        await server.Broker.AlterTopicAsync(topic, new TopicChange(4, new Dictionary<string, string?>()), default);

        var again = await SendAsync(topic, body, id, 0, 1);
        (await server.PostAsync($"/topics/{topic}/records?acks=0", body, "application/json", Stamp(id, 0, 1))).Is(HttpStatusCode.Accepted);
        var there = await server.PostAsync($"/topics/{topic}/partitions/0/records", body, "application/json", Stamp(id, 0, 1));

        again.IsError(422, 42200, "partition");
        Assert.Contains("partition: 0 if this request repeats that one, 1 if not", again.Json.GetProperty("detail").GetString());
        Assert.Equal((first.Body, true), (there.Body, there.Headers.Contains("Idempotent-Replayed")));
        (await SendAsync(topic, body, id, 0, 2)).Is(HttpStatusCode.OK);
        (await server.PostAsync($"/topics/{topic}/partitions/1/records", body, "application/json", Stamp(id, 0, 3))).Is(HttpStatusCode.OK);
        Assert.Equal(3, server.CountOf(topic));
    }

    private async Task<long> NewIdAsync()
    {
        var answer = await server.PostAsync("/producers", "", null);
        Assert.Equal(0, answer.Is(HttpStatusCode.OK).Json.GetProperty("producer_epoch").GetInt32());
        return answer.Json.GetProperty("producer_id").GetInt64();
    }

    private Task<Answer> SendAsync(string topic, string body, long id, int epoch, int sequence) =>
        server.PostAsync($"/topics/{topic}/records", body, "application/json", Stamp(id, epoch, sequence));

    private static (string, string)[] Stamp(long id, int epoch, int sequence) => [("Producer-Id", $"{id}"), ("Producer-Epoch", $"{epoch}"), ("Producer-Seq", $"{sequence}")];
}
