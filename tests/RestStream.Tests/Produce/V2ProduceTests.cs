using System.Net;
using System.Text;

namespace RestStream.Tests.Produce;

/// <summary>Produce as REST Proxy v2 clients do it: their members and types, no others.</summary>
[Collection(ProduceCollection.Name)]
public sealed class V2ProduceTests(ProduceServer server)
{
    private const string Json = "application/vnd.kafka.json.v2+json", Binary = "application/vnd.kafka.binary.v2+json", Text = "application/vnd.kafka.text.v2+json";

    [Fact]
    public async Task The_answer_has_exactly_the_members_of_v2()
    {
        var topic = await server.CreateTopicAsync();

        var answer = (await server.PostAsync($"/topics/{topic}", """{"records":[{"key":"a","value":{"n":1.50}},{"value":2}]}""", Json)).Is(HttpStatusCode.OK);

        Assert.Equal("application/vnd.kafka.v2+json", answer.ContentType);
        Assert.Equal(
            """{"offsets":[{"partition":0,"offset":0,"error_code":null,"error":null},{"partition":0,"offset":1,"error_code":null,"error":null}],"key_schema_id":null,"value_schema_id":null}""",
            answer.Body);
    }

    [Theory]
    [InlineData(Json, """{"key":{"id":1},"value":{"total":12.50}}""", """{"id":1}""", """{"total":12.50}""")]
    [InlineData(Json, """{"key":"k","value":"text"}""", "\"k\"", "\"text\"")]
    [InlineData(Json, """{"value":0.0}""", null, "0.0")]
    [InlineData(Binary, """{"key":"a2V5","value":"AAECaGk="}""", "key", "\0\u0001\u0002hi")]
    [InlineData(Binary, """{"value":""}""", null, "")]
    [InlineData(Binary, """{"key":"a2V5","value":null}""", "key", null)]
    [InlineData(Text, """{"key":"k","value":"text"}""", "k", "text")]
    public async Task Bytes_are_stored_as_the_format_of_the_type_says(string type, string record, string? key, string? value)
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync($"/topics/{topic}", $"{{\"records\":[{record}]}}", type)).Is(HttpStatusCode.OK);

        var stored = Assert.Single(server.Read(topic));
        Assert.Equal((key, value), (stored.KeyText, stored.ValueText));
    }

    [Fact]
    public async Task The_partition_is_named_by_the_path_or_by_the_record()
    {
        var topic = await server.CreateTopicAsync(partitions: 3);

        (await server.PostAsync($"/topics/{topic}/partitions/2", """{"records":[{"value":"path"}]}""", Json)).Is(HttpStatusCode.OK);
        (await server.PostAsync($"/topics/{topic}", """{"records":[{"value":"record","partition":1},{"value":"null","partition":null}]}""", Json)).Is(HttpStatusCode.OK);

        var stored = server.Read(topic);
        Assert.Contains(stored, r => r is { Partition: 2, ValueText: "\"path\"" });
        Assert.Contains(stored, r => r is { Partition: 1, ValueText: "\"record\"" });
        Assert.Equal(3, stored.Count);
    }

    [Fact]
    public async Task Headers_and_timestamps_of_the_bridge_are_taken()
    {
        var topic = await server.CreateTopicAsync();
        var value = Convert.ToBase64String(Encoding.UTF8.GetBytes("abc"));

        (await server.PostAsync($"/topics/{topic}", $$"""{"records":[{"value":1,"timestamp":1790000000123,"headers":[{"key":"trace","value":"{{value}}"}]}]}""", Json)).Is(HttpStatusCode.OK);

        var stored = Assert.Single(server.Read(topic));
        Assert.Equal(1790000000123, stored.Timestamp);
        Assert.Equal([("trace", "abc")], stored.Headers);
    }

    [Theory]
    [InlineData("{", 400)]
    [InlineData("""{"records":[{"value":1}]} x""", 400)]
    [InlineData("", 422)]
    [InlineData("{}", 422)]
    [InlineData("""{"records":[]}""", 422)]
    [InlineData("""{"records":1}""", 422)]
    [InlineData("[1]", 422)]
    [InlineData("""{"records":[1]}""", 422)]
    public async Task A_body_without_records_is_refused_and_writes_nothing(string body, int status)
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.PostAsync($"/topics/{topic}", body, Json);

        IsV2Error(answer, status);
        Assert.Equal(0, server.CountOf(topic));
        (await server.PostAsync($"/topics/{topic}", """{"records":[{"value":1}]}""", Json)).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Base64_that_is_none_is_400()
    {
        var topic = await server.CreateTopicAsync();

        IsV2Error(await server.PostAsync($"/topics/{topic}", """{"records":[{"value":"AAEC"},{"value":"no base64!"}]}""", Binary), 400);

        Assert.Equal(0, server.CountOf(topic));
    }

    [Fact]
    public async Task A_topic_or_partition_that_is_not_there_is_404()
    {
        var topic = await server.CreateTopicAsync();
        const string body = """{"records":[{"value":1}]}""";

        IsV2Error(await server.PostAsync("/topics/nope", body, Json), 404, 40401);
        IsV2Error(await server.PostAsync($"/topics/{topic}/partitions/1", body, Json), 404, 40402);

        Assert.Equal(0, server.CountOf(topic));
    }

    [Fact]
    public async Task A_record_that_is_refused_has_its_error_in_its_place()
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.PostAsync($"/topics/{topic}", """{"records":[{"value":1},{"value":2,"partition":5},{"value":3}]}""", Json);

        Assert.Equal(200, answer.Status);
        var offsets = answer.Offsets;
        Assert.Equal(3, offsets.Length);
        Assert.Equal([0L, 1L], new[] { offsets[0], offsets[2] }.Select(o => o.GetProperty("offset").GetInt64()));
        Assert.NotEqual(System.Text.Json.JsonValueKind.Null, offsets[1].GetProperty("error_code").ValueKind);
        Assert.NotEmpty(offsets[1].GetProperty("error").GetString()!);
        Assert.Equal(["1", "3"], server.Read(topic).Select(r => r.ValueText));
    }

    [Theory]
    [InlineData("application/vnd.kafka.avro.v2+json")]
    [InlineData("application/vnd.kafka.protobuf.v2+json")]
    [InlineData("application/vnd.kafka.jsonschema.v2+json")]
    public async Task Schema_formats_are_422_until_there_is_a_registry(string type)
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.PostAsync($"/topics/{topic}", """{"value_schema":"{}","records":[{"value":1}]}""", type);

        Assert.Equal(422, answer.Status);
        Assert.Contains(answer.ErrorCode, new[] { 42201, 42202 });
        Assert.Equal(0, server.CountOf(topic));
    }

    [Theory]
    [InlineData("application/json", "{\"n\":1.50}", "{\"n\":1.50}")]
    [InlineData("application/vnd.kafka.json.v2+json; charset=utf-8", "1", "1")]
    [InlineData("application/vnd.kafka.json.v1+json", "1", "1")]
    [InlineData("application/vnd.kafka.v1+json", "\"aGk=\"", "hi")]
    [InlineData("application/vnd.kafka.v2+json", "\"aGk=\"", "hi")]
    public async Task Types_of_older_clients_are_taken(string type, string value, string stored)
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync($"/topics/{topic}", $"{{\"records\":[{{\"value\":{value}}}]}}", type)).Is(HttpStatusCode.OK);

        Assert.Equal([stored], server.Read(topic).Select(r => r.ValueText));
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/vnd.kafka.xml.v2+json")]
    [InlineData("application/x-ndjson")]
    public async Task Another_type_is_415(string type)
    {
        var topic = await server.CreateTopicAsync();

        Assert.Equal(415, (await server.PostAsync($"/topics/{topic}", """{"records":[{"value":1}]}""", type)).Status);

        Assert.Equal(0, server.CountOf(topic));
    }

    private static void IsV2Error(Answer answer, int status, int? code = null)
    {
        Assert.True(status == answer.Status, $"{answer.Status}, not {status}: {answer.Body}");
        Assert.Equal("application/vnd.kafka.v2+json", answer.ContentType);
        Assert.NotEmpty(answer.Json.GetProperty("message").GetString()!);
        Assert.Equal(code ?? answer.ErrorCode, answer.ErrorCode);
    }
}
