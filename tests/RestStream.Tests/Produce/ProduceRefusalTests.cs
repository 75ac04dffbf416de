using System.Net;
using System.Text;

namespace RestStream.Tests.Produce;

/// <summary>Bad input: the exact error, nothing written, and the next request works.</summary>
[Collection(ProduceCollection.Name)]
public sealed class ProduceRefusalTests(ProduceServer server)
{
    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("{")]
    [InlineData("""{"value":}""")]
    [InlineData("""{"value":1,}""")]
    [InlineData("""{"value":1} x""")]
    [InlineData("""{"value":1}{"value":2}""")]
    [InlineData("""[{"value":1},]""")]
    [InlineData("""[{"value":1}""")]
    [InlineData("""{"records":[{"value":1}]""")]
    [InlineData("""{"value":01}""")]
    [InlineData("""{"value":NaN}""")]
    [InlineData("""{"value":'a'}""")]
    [InlineData("""{"value":"a}""")]
    [InlineData("{\"value\":\"a\nb\"}")]
    [InlineData("{\"value\":\"a\0b\"}")]
    [InlineData("""{"value":"\x"}""")]
    [InlineData("""{"value":"\ud800"}""")]
    [InlineData("""{"value":"\udc00\ud800"}""")]
    [InlineData("""{"value":{"\ud800":1}}""")]
    [InlineData("""{"value":1,"key":"\ud800x"}""")]
    [InlineData("""{"value":1,"\ud800":1}""")]
    [InlineData("""{"value":1,"headers":{"\ud800":1}}""")]
    [InlineData("""{/* no */"value":1}""")]
    public async Task What_is_no_json_is_400(string body)
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync($"/topics/{topic}/records", body)).IsError(400, 40000);

        await StillWorks(topic);
    }

    [Theory]
    [InlineData("""{"value":1,"value":2}""", "value")]
    [InlineData("""{"value":1,"v\u0061lue":2}""", "value")]
    [InlineData("""{"key":1,"value":1,"key":2}""", "key")]
    [InlineData("""[{"value":1},{"value":1,"partition":0,"partition":0}]""", "records[1].partition")]
    [InlineData("""{"records":[{"value":1}],"records":[]}""", "records")]
    public async Task What_stands_twice_is_400(string body, string field)
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync($"/topics/{topic}/records", body)).IsError(400, 40000, field);

        await StillWorks(topic);
    }

    [Theory]
    [InlineData("""{"total":12}""", "total")]
    [InlineData("{}", "value")]
    [InlineData("""{"key":"a"}""", "value")]
    [InlineData("17", "value")]
    [InlineData("\"text\"", "value")]
    [InlineData("null", "value")]
    [InlineData("[1]", "records[0]")]
    [InlineData("[[]]", "records[0]")]
    [InlineData("""{"records":1}""", "records")]
    [InlineData("""{"records":[{"value":1}],"key":"a"}""", "key")]
    [InlineData("""{"value":1,"records":[]}""", "records")]
    [InlineData("""{"value":1,"partition":-1}""", "partition")]
    [InlineData("""{"value":1,"partition":"0"}""", "partition")]
    [InlineData("""{"value":1,"partition":0.5}""", "partition")]
    [InlineData("""{"value":1,"partition":1e0}""", "partition")]
    [InlineData("""{"value":1,"partition":99999999999999999999}""", "partition")]
    [InlineData("""{"value":1,"partition":{"a":[1]}}""", "partition")]
    [InlineData("""{"value":1,"timestamp":-1}""", "timestamp")]
    [InlineData("""{"value":1,"timestamp":"2026-01-01"}""", "timestamp")]
    [InlineData("""{"value":1,"timestamp":9223372036854775808}""", "timestamp")]
    [InlineData("""{"value":1,"timestamp":1e400}""", "timestamp")]
    [InlineData("""{"value":1,"key_format":"xml"}""", "key_format")]
    [InlineData("""{"value":1,"value_format":7}""", "value_format")]
    [InlineData("""{"value":1,"value_format":"base64"}""", "value")]
    [InlineData("""{"value":"%%%","value_format":"base64"}""", "value")]
    [InlineData("""{"value":"aGk","value_format":"base64"}""", "value")]
    [InlineData("""{"value":1,"key":{},"key_format":"base64"}""", "key")]
    [InlineData("""{"value":1,"headers":"x"}""", "headers")]
    [InlineData("""{"value":1,"headers":[1]}""", "headers[0]")]
    [InlineData("""{"value":1,"headers":[{"value":"x"}]}""", "headers[0].key")]
    [InlineData("""{"value":1,"headers":[{"key":"a","value":"x"},{"key":"b","value":"%","value_format":"base64"}]}""", "headers[1].value")]
    [InlineData("""{"value":1,"headers":[{"key":"a","name":"x"}]}""", "headers[0].name")]
    [InlineData("""{"value":1,"headers":[{"key":"a","key":"b"}]}""", "headers[0].key")]
    [InlineData("""{"value":1,"headers":{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}}""", "headers")]
    [InlineData("""{"value":1,"topic":"other"}""", "topic")]
    [InlineData("""{"value":1,"topic":7}""", "topic")]
    [InlineData("""[{"value":1,"headers":{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}}]""", "records[0].headers")]
    public async Task What_means_nothing_is_422_and_names_the_field(string body, string field)
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync($"/topics/{topic}/records", body)).IsError(422, 42200, field);

        await StillWorks(topic);
    }

    [Fact]
    public async Task An_object_that_is_no_record_is_told_how_to_be_one()
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.PostAsync($"/topics/{topic}/records", """{"total":12,"id":3}""");

        answer.IsError(422, 42200, "total", "id");
        Assert.Contains("""wrap it: {"value": …}""", answer.Json.GetProperty("detail").GetString());
    }

    [Theory]
    [InlineData("?acks=2", "acks")]
    [InlineData("?strict=yes", "strict")]
    [InlineData("?key_format=xml", "key_format")]
    [InlineData("?value_format=", "value_format")]
    [InlineData("?key=a", "key")]
    [InlineData("?partition=0", "partition")]
    [InlineData("?partition=-1", "partition")]
    [InlineData("?partition=99999999999", "partition")]
    [InlineData("?timestamp=x", "timestamp")]
    public async Task A_bad_parameter_is_400_and_named(string query, string parameter)
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync($"/topics/{topic}/records{query}", """{"value":1}""")).IsError(400, 40001, parameter);

        await StillWorks(topic);
    }

    [Fact]
    public async Task A_raw_body_is_refused_what_only_json_has()
    {
        var topic = await server.CreateTopicAsync(2);

        (await server.PostAsync($"/topics/{topic}/records?value_format=text", "x", "text/plain")).IsError(400, 40001, "value_format");
        (await server.PostAsync($"/topics/{topic}/records?key=%25&key_format=base64", "x", "text/plain")).IsError(400, 40001, "key");
        (await server.PostAsync($"/topics/{topic}/partitions/0/records?partition=1", "x", "text/plain")).IsError(400, 40001, "partition");
        (await server.PostAsync($"/topics/{topic}/records?partition=2", "x", "text/plain")).IsError(404, 40402, "partition");
        (await server.PostAsync("/records", "x", "text/plain")).IsError(422, 42200, "topic");
        Assert.Equal(0, server.CountOf(topic));
    }

    [Fact]
    public async Task A_wrong_topic_or_partition_is_404_and_a_bad_name_422()
    {
        var topic = await server.CreateTopicAsync(2);

        (await server.PostAsync("/topics/nowhere/records", """{"value":1}""")).IsError(404, 40401);
        (await server.PostAsync("/topics/a%20b/records", """{"value":1}""")).IsError(422, 42210, "topic");
        (await server.PostAsync($"/topics/{new string('a', 250)}/records", """{"value":1}""")).IsError(422, 42210, "topic");
        (await server.PostAsync($"/topics/{topic}/partitions/2/records", """{"value":1}""")).IsError(404, 40402);
        (await server.PostAsync($"/topics/{topic}/partitions/x/records", """{"value":1}""")).IsError(400, 40001, "partition");
        (await server.PostAsync($"/topics/{topic}/partitions/-1/records", """{"value":1}""")).IsError(400, 40001, "partition");
        (await server.PostAsync($"/topics/{topic}/partitions/1/records", """{"value":1,"partition":0}""")).IsError(422, 42200, "partition");
        (await server.PostAsync("/records", """[{"value":1}]""")).IsError(422, 42200, "records[0].topic");
        (await server.PostAsync("/records", """[{"value":1,"topic":"nowhere"}]""")).IsError(404, 40401, "records[0].topic");
        (await server.PostAsync("/records", """[{"value":1,"topic":"a b"}]""")).IsError(422, 42210, "records[0].topic");
        (await server.PostAsync("/topics/__reststream_metadata/records", """{"value":1}""")).IsError(403, 40302);
        Assert.Equal(0, server.CountOf(topic));
    }

    [Fact]
    public async Task A_topic_refuses_single_records_that_would_spoil_their_batch()
    {
        var topic = await server.CreateTopicAsync(1, ("cleanup.policy", "compact"), ("message.timestamp.before.max.ms", "60000"));

        var answer = (await server.PostAsync($"/topics/{topic}/records", """[{"value":1,"key":"a"},{"value":2},{"value":3,"key":"b","timestamp":5}]""")).Is(HttpStatusCode.MultiStatus);

        Assert.Equal(["records[1].key", "records[2].timestamp"], answer.Offsets[1..].SelectMany(o => Answer.FieldsOf(o.GetProperty("error"))));
        Assert.Equal("a", Assert.Single(server.Read(topic)).KeyText);
    }

    [Fact]
    public async Task Invalid_utf8_is_400()
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync($"/topics/{topic}/records", [.. "{\"value\":\""u8, 0xC3, 0x28, .. "\"}"u8], "application/json")).IsError(400, 40000);

        await StillWorks(topic);
    }

    [Theory]
    [InlineData(64, true)]
    [InlineData(65, false)]
    [InlineData(100_000, false)]
    public async Task A_value_may_be_nested_64_deep(int depth, bool taken)
    {
        var topic = await server.CreateTopicAsync();
        var body = $$"""[{"value":{{new string('[', depth)}}{{new string(']', depth)}}}]""";

        var answer = await server.PostAsync($"/topics/{topic}/records", body);

        if (taken)
        {
            answer.Is(HttpStatusCode.OK);
            return;
        }

        answer.IsError(400, 40000);
        await StillWorks(topic);
    }

    [Fact]
    public async Task Limits_are_413_and_name_their_setting()
    {
        var topic = await server.CreateTopicAsync();
        var tooMany = "[" + string.Join(',', Enumerable.Repeat("""{"value":1}""", ProduceServer.MaxRecords + 1)) + "]";

        var body = await server.PostAsync($"/topics/{topic}/records", new byte[ProduceServer.MaxRequestBytes + 1], "application/octet-stream");
        var chunked = await server.PostAsync($"/topics/{topic}/records", new byte[ProduceServer.MaxRequestBytes + 1], "application/octet-stream", ("Transfer-Encoding", "chunked"));
        var records = await server.PostAsync($"/topics/{topic}/records", tooMany);
        var key = await server.PostAsync($"/topics/{topic}/records", $$"""{"value":1,"key":"{{new string('k', ProduceServer.MaxKeyBytes + 1)}}"}""");

        body.IsError(413, 41300);
        Assert.Contains("RestStream:Limits:MaxRequestBytes", body.Body);
        chunked.IsError(413, 41300);
        records.IsError(413, 41304);
        Assert.Contains("RestStream:Limits:MaxRecordsPerRequest", records.Body);
        key.IsError(422, 42200, "key");
        await StillWorks(topic);
    }

    [Fact]
    public async Task A_record_above_max_message_bytes_is_413()
    {
        var topic = await server.CreateTopicAsync(1, ("max.message.bytes", "1000"));

        (await server.PostAsync($"/topics/{topic}/records", $$"""{"value":"{{new string('x', 2000)}}"}""")).IsError(413, 41302, "value");
        (await server.PostAsync($"/topics/{topic}/records", new byte[2000], "application/octet-stream")).IsError(413, 41302, "value");

        await StillWorks(topic);
    }

    [Theory]
    [InlineData("/topics/{0}/records", "application/json; charset=latin1")]
    [InlineData("/topics/{0}/records", "application/vnd.kafka.json.v2+json")]
    public async Task A_type_that_cannot_be_taken_is_415_and_the_others_are_named(string path, string contentType)
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.PostAsync(string.Format(null, path, topic), """{"value":1}""", contentType);

        Assert.Equal(415, answer.Status);
        Assert.Contains("application/x-ndjson", answer.Json.GetProperty("accepted_types").EnumerateArray().Select(t => t.GetString()));
        Assert.Equal(0, server.CountOf(topic));
    }

    [Fact]
    public async Task Errors_of_routing_have_the_same_body()
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync("/nothing/here", "{}")).IsError(404, 40400);
        using var put = await server.Client.PutAsync("/records", new StringContent("x"));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, put.StatusCode);
        Assert.Equal("application/problem+json", put.Content.Headers.ContentType?.MediaType);
        Assert.Contains("POST", put.Content.Headers.Allow);
        var v2 = await server.PostAsync($"/topics/{topic}", "{", "application/vnd.kafka.json.v2+json");
        Assert.Equal((400, "application/vnd.kafka.v2+json"), (v2.Status, v2.ContentType));
    }

    private async Task StillWorks(string topic)
    {
        Assert.Equal(0, server.CountOf(topic));
        (await server.PostAsync($"/topics/{topic}/records", """{"value":"next","key":"k"}""")).Is(HttpStatusCode.OK);
        Assert.Equal(Encoding.UTF8.GetBytes("\"next\""), Assert.Single(server.Read(topic)).Value);
    }
}
