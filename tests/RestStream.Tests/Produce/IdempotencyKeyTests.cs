using System.Net;
using Microsoft.AspNetCore.Http;
using RestStream.Broker.Topics;
using RestStream.Http.Produce;

namespace RestStream.Tests.Produce;

/// <summary><c>Idempotency-Key</c>: a request is done once, and a repeat gets the first answer.</summary>
[Collection(ProduceCollection.Name)]
public sealed class IdempotencyKeyTests(ProduceServer server)
{
    private const string V2Json = "application/vnd.kafka.json.v2+json";
    private const string V2Binary = "application/vnd.kafka.binary.v2+json";

    [Theory]
    [InlineData("/topics/{0}/records", "application/json", """{"value":1}""", 1)]
    [InlineData("/topics/{0}/records", "application/json", """[{"value":1},{"value":2},{"key":"a","value":3},{"key":"b","value":4,"timestamp":5}]""", 4)]
    [InlineData("/topics/{0}/records?atomic=true", "application/json", """{"records":[{"value":1,"partition":0},{"value":2,"partition":2}]}""", 2)]
    [InlineData("/topics/{0}/records?key=k", "text/plain", "raw", 1)]
    [InlineData("/topics/{0}/partitions/1/records", "application/json", """[{"value":1},{"value":2}]""", 2)]
    [InlineData("/records", "application/json", """[{"topic":"{0}","value":1,"partition":1},{"topic":"{0}","value":2,"partition":0}]""", 2)]
    [InlineData("/topics/{0}", V2Json, """{"records":[{"value":1},{"key":"a","value":2}]}""", 2)]
    [InlineData("/topics/{0}", "application/json", """{"records":[{"value":1}]}""", 1)]
    [InlineData("/topics/{0}/partitions/2", V2Binary, """{"records":[{"value":"AAE="}]}""", 1)]
    public async Task A_repeat_is_answered_as_the_first_time_and_writes_nothing(string path, string type, string body, int records)
    {
        var topic = await server.CreateTopicAsync(partitions: 3);
        (path, body) = (path.Replace("{0}", topic), body.Replace("{0}", topic));
        var key = Guid.NewGuid().ToString();

        var first = await server.PostAsync(path, body, type, (IdempotencyKey.Header, key));
        var again = await server.PostAsync(path, body, type, (IdempotencyKey.Header, key));

        first.Is(HttpStatusCode.OK);
        Assert.False(first.Headers.Contains("Idempotent-Replayed"));
        Assert.Equal((200, first.Body, first.ContentType), (again.Status, again.Body, again.ContentType));
        Assert.Equal(["true"], again.Headers.GetValues("Idempotent-Replayed"));
        Assert.Equal(records, server.CountOf(topic));
    }

    [Fact]
    public async Task A_stamped_topic_repeats_its_stamps()
    {
        var topic = await server.CreateTopicAsync(configs: ("message.timestamp.type", "LogAppendTime"));

        var first = await SendAsync(topic, """[{"value":1,"timestamp":5},{"value":2}]""", "k");
        var again = await SendAsync(topic, """[{"value":1,"timestamp":5},{"value":2}]""", "k");

        Assert.Equal(first.Is(HttpStatusCode.OK).Body, again.Body);
        Assert.NotEqual(5, again.Offsets[0].GetProperty("timestamp").GetInt64());
    }

    [Fact]
    public async Task Records_of_several_batches_are_repeated_with_all_their_offsets()
    {
        var topic = await server.CreateTopicAsync(partitions: 2, configs: ("max.message.bytes", "1000"));
        var body = $"[{string.Join(',', Enumerable.Range(0, 20).Select(i => $"{{\"value\":\"{new string('x', 300)}\",\"partition\":{i % 2}}}"))}]";

        var first = await SendAsync(topic, body, "k");
        var again = await SendAsync(topic, body, "k");

        Assert.Equal((200, first.Body), (again.Status, again.Body));
        Assert.Equal(Enumerable.Range(0, 20).Select(i => (i % 2, (long)(i / 2))), again.Offsets.Select(o => (o.GetProperty("partition").GetInt32(), o.GetProperty("offset").GetInt64())));
        Assert.Equal(20, server.CountOf(topic));
    }

    [Fact]
    public async Task The_same_key_for_another_request_is_422()
    {
        var topic = await server.CreateTopicAsync(partitions: 2);
        (await SendAsync(topic, """{"value":1}""", "k")).Is(HttpStatusCode.OK);

        (await SendAsync(topic, """{"value":2}""", "k")).IsError(422, 42222, "Idempotency-Key");
        (await server.PostAsync($"/topics/{topic}/records?strict=true", """{"value":1}""", "application/json", ("Idempotency-Key", "k"))).IsError(422, 42222, "Idempotency-Key");
        (await server.PostAsync($"/topics/{topic}/partitions/0/records", """{"value":1}""", "application/json", ("Idempotency-Key", "k"))).IsError(422, 42222, "Idempotency-Key");
        (await server.PostAsync($"/topics/{topic}/records", """{"value":1}""", "text/plain", ("Idempotency-Key", "k"))).IsError(422, 42222, "Idempotency-Key");
        Assert.Equal(422, (await server.PostAsync($"/topics/{topic}", """{"records":[{"value":1}]}""", V2Json, ("Idempotency-Key", "k"))).Status);

        Assert.Equal(1, server.CountOf(topic));
    }

    [Fact]
    public async Task Headers_of_a_raw_record_are_part_of_the_request()
    {
        var topic = await server.CreateTopicAsync();
        Task<Answer> Send(string trace) => server.PostAsync($"/topics/{topic}/records", "raw", "text/plain", ("Idempotency-Key", "k"), ("RestStream-Header-trace", trace));

        (await Send("a")).Is(HttpStatusCode.OK);
        (await Send("a")).Is(HttpStatusCode.OK);
        (await Send("b")).IsError(422, 42222, "Idempotency-Key");

        Assert.Equal(1, server.CountOf(topic));
    }

    [Fact]
    public async Task Topics_and_requests_for_several_have_keys_of_their_own()
    {
        var (one, two) = (await server.CreateTopicAsync(), await server.CreateTopicAsync());
        var key = Guid.NewGuid().ToString();

        (await SendAsync(one, """{"value":1}""", key)).Is(HttpStatusCode.OK);
        (await SendAsync(two, """{"value":2}""", key)).Is(HttpStatusCode.OK);
        (await server.PostAsync("/records", $$"""[{"topic":"{{one}}","value":3}]""", "application/json", ("Idempotency-Key", key))).Is(HttpStatusCode.OK);

        Assert.Equal((2, 1), (server.CountOf(one), server.CountOf(two)));
    }

    [Fact]
    public async Task A_topic_that_was_made_again_has_forgotten_its_keys()
    {
        var topic = await server.CreateTopicAsync();
        (await SendAsync(topic, """{"value":1}""", "k")).Is(HttpStatusCode.OK);
        await server.Broker.DeleteTopicAsync(topic, default);
        await server.Broker.CreateTopicAsync(new TopicSpec(topic, 1, new Dictionary<string, string>()), default);

        var after = await SendAsync(topic, """{"value":1}""", "k");

        after.Is(HttpStatusCode.OK);
        Assert.False(after.Headers.Contains("Idempotent-Replayed"));
        Assert.Equal(1, server.CountOf(topic));
    }

    [Fact]
    public async Task What_is_refused_is_not_remembered_and_leaves_nothing_behind()
    {
        var topic = await server.CreateTopicAsync(partitions: 2);

        (await SendAsync(topic, """[{"value":1,"partition":0},{"value":2,"partition":7}]""", "k")).IsError(404, 40402, "records[1].partition");
        (await SendAsync(topic, "{", "k")).IsError(400, 40000);
        (await SendAsync(topic, "[]", "k")).Is(HttpStatusCode.OK);
        Assert.Equal(0, server.CountOf(topic));

        (await SendAsync(topic, """[{"value":1,"partition":0},{"value":2,"partition":1}]""", "k")).Is(HttpStatusCode.OK);
        Assert.Equal(2, server.CountOf(topic));
    }

    [Fact]
    public async Task A_v2_request_of_which_a_part_would_be_refused_is_refused_as_a_whole()
    {
        var topic = await server.CreateTopicAsync(partitions: 2);

        var answer = await server.PostAsync($"/topics/{topic}", """{"records":[{"value":1},{"value":2,"partition":7}]}""", V2Json, ("Idempotency-Key", "k"));

        Assert.Equal((404, "application/vnd.kafka.v2+json"), (answer.Status, answer.ContentType));
        Assert.Equal(0, server.CountOf(topic));
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("129 long")]
    public async Task A_key_that_cannot_be_is_400(string key)
    {
        var topic = await server.CreateTopicAsync();
        var header = ("Idempotency-Key", key == "129 long" ? new string('k', 129) : key);

        (await server.PostAsync($"/topics/{topic}/records", "{\"value\":1}", "application/json", header)).IsError(400, 40001, "Idempotency-Key");
        Assert.Equal(400, (await server.PostAsync($"/topics/{topic}", """{"records":[{"value":1}]}""", V2Json, header)).Status);
        Assert.Equal(0, server.CountOf(topic));
    }

    /// <summary>What the client library of the other tests would not send.</summary>
    [Theory]
    [InlineData("\u00e4")]
    [InlineData("a\tb")]
    [InlineData("a", "b")]
    public void A_key_of_other_characters_and_two_keys_are_refused(params string[] keys) =>
        Assert.Equal("Idempotency-Key", Assert.Throws<Http.Errors.HttpError>(() => IdempotencyKey.Read(new HeaderDictionary { ["Idempotency-Key"] = keys })).Errors[0].Field);

    [Fact]
    public async Task The_longest_key_is_taken()
    {
        var topic = await server.CreateTopicAsync();
        var key = new string('~', 128);

        (await SendAsync(topic, "{\"value\":1}", key)).Is(HttpStatusCode.OK);
        Assert.True((await SendAsync(topic, "{\"value\":1}", key)).Headers.Contains("Idempotent-Replayed"));
    }

    [Fact]
    public async Task What_has_no_answer_to_remember_or_another_way_to_be_repeated_is_refused()
    {
        var topic = await server.CreateTopicAsync();
        (string, string) key = ("Idempotency-Key", "k");
        (string, string)[] producer = [("Producer-Id", "1"), ("Producer-Epoch", "0"), ("Producer-Seq", "0")];

        (await server.PostAsync($"/topics/{topic}/records?acks=0", "{\"value\":1}", "application/json", key)).IsError(422, 42200, "acks");
        (await server.PostAsync($"/topics/{topic}/records", "{\"value\":1}", "application/json", key, ("If-Match", "\"0\""))).IsError(422, 42200, "If-Match");
        (await server.PostAsync($"/topics/{topic}/records", "{\"value\":1}", "application/json", [key, .. producer])).IsError(422, 42200, "Idempotency-Key");
        Assert.Equal(422, (await server.PostAsync($"/topics/{topic}", """{"records":[{"value":1}]}""", V2Json, [key, .. producer])).Status);
        (await server.PostAsync($"/topics/{topic}/records", "{\"value\":1}\n", "application/x-ndjson", key)).IsError(415, 41500);
        (await server.PostAsync($"/topics/{topic}/records?strict=true", "{\"value\":1}\n", "application/x-ndjson", key)).IsError(415, 41500);

        Assert.Equal(0, server.CountOf(topic));
    }

    [Fact]
    public async Task While_the_first_is_being_done_a_repeat_is_409_with_a_time_to_come_back()
    {
        var topic = await server.CreateTopicAsync();
        var request = new DefaultHttpContext().Request;
        (request.Path, request.ContentType) = ($"/topics/{topic}/records", "application/json");
        var body = "{\"value\":1}"u8;
        using (server.Broker.BeginIdempotent(topic, "k", IdempotencyKey.HashOf(request, body)))
        {
            var answer = await SendAsync(topic, "{\"value\":1}", "k");
            answer.IsError(409, 40913);
            Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter!.Delta);
            (await SendAsync(topic, "{\"value\":2}", "k")).IsError(422, 42222, "Idempotency-Key");
        }

        (await SendAsync(topic, "{\"value\":1}", "k")).Is(HttpStatusCode.OK);
        Assert.Equal(1, server.CountOf(topic));
    }

    [Fact]
    public async Task Of_many_who_send_the_same_at_once_one_writes()
    {
        var topic = await server.CreateTopicAsync(partitions: 2);

        for (var i = 0; i < 10; i++)
        {
            var key = $"k{i}";
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => SendAsync(topic, "[{\"value\":1,\"partition\":0},{\"value\":1,\"partition\":1}]", key)));
            Assert.All(answers, a => Assert.True(a.Status is 200 or 409, a.Body));
            Assert.Single(answers.Where(a => a.Status == 200).Select(a => a.Body).Distinct());
        }

        Assert.Equal(20, server.CountOf(topic));
    }

    [Fact]
    public async Task Readers_see_nothing_of_the_keys()
    {
        var topic = await server.CreateTopicAsync();
        await SendAsync(topic, "{\"value\":1}", "secret-key");

        Assert.Empty(Assert.Single(server.Read(topic)).Headers);
        Assert.DoesNotContain("__idempotency_keys", await server.Client.GetStringAsync("/topics"));
        (await server.PostAsync("/topics/__idempotency_keys/records", "{\"value\":1}")).IsError(403, 40302);
    }

    private Task<Answer> SendAsync(string topic, string body, string key) => server.PostAsync($"/topics/{topic}/records", body, "application/json", ("Idempotency-Key", key));
}
