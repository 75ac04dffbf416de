using System.Text.Json;
using RestStream.Tests.Produce;

namespace RestStream.Tests.Compat;

/// <summary>REST Proxy v2 produce, as clients of the family see it: the exact answers, and the exact bytes in the log.</summary>
[Collection(ProduceCollection.Name)]
public sealed class V2ProduceTests(ProduceServer server)
{
    private const string V2 = "application/vnd.kafka.v2+json";
    private const string JsonType = "application/vnd.kafka.json.v2+json";
    private const string BinaryType = "application/vnd.kafka.binary.v2+json";
    private const string TextType = "application/vnd.kafka.text.v2+json";

    [Fact]
    public async Task The_answer_has_exactly_the_members_of_the_family()
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.PostAsync($"/topics/{topic}", """{"records":[{"value":1},{"key":"a","value":2}]}""", JsonType);

        Assert.Equal((200, V2), (answer.Status, answer.ContentType));
        Assert.Equal(
            """{"offsets":[{"partition":0,"offset":0,"error_code":null,"error":null},{"partition":0,"offset":1,"error_code":null,"error":null}],"key_schema_id":null,"value_schema_id":null}""",
            answer.Body);
    }

    [Fact]
    public async Task Json_is_stored_and_read_back_byte_for_byte()
    {
        var topic = await server.CreateTopicAsync();
        const string value = """{"price": 12.50, "big":12345678901234567890123, "e":1E+2, "esc":"\u00e4", "a":[ 1,2 ]}""";

        await server.PostAsync($"/topics/{topic}", $$"""{"records":[{"key":{"id": 1.0},"value":{{value}}}]}""", JsonType);

        var stored = Assert.Single(server.Read(topic));
        Assert.Equal(("""{"id": 1.0}""", value), (stored.KeyText, stored.ValueText));
        var read = await GetAsync($"/topics/{topic}/partitions/0/records?offset=0&timeout=0&max_bytes=100000", JsonType);
        var record = Assert.Single(read.EnumerateArray());
        Assert.Equal(("""{"id": 1.0}""", value), (record.GetProperty("key").GetRawText(), record.GetProperty("value").GetRawText()));
    }

    [Fact]
    public async Task Every_byte_passes_through_binary_and_back()
    {
        var topic = await server.CreateTopicAsync();
        var bytes = Enumerable.Range(0, 256).Select(i => (byte)i).ToArray();
        var text = Convert.ToBase64String(bytes);

        var answer = await server.PostAsync(
            $"/topics/{topic}", $$"""{"records":[{"key":"AP8=","value":"{{text}}"},{"value":""}]}""", BinaryType);

        Assert.Equal((200, V2), (answer.Status, answer.ContentType));
        var stored = server.Read(topic);
        Assert.Equal([0, 255], stored[0].Key!);
        Assert.Equal(bytes, stored[0].Value!);
        Assert.Equal([], stored[1].Value!);
        var read = await GetAsync($"/topics/{topic}/partitions/0/records?offset=0&timeout=0&max_bytes=100000", BinaryType);
        Assert.Equal(["AP8=", null], read.EnumerateArray().Select(r => r.GetProperty("key").GetString()));
        Assert.Equal([text, ""], read.EnumerateArray().Select(r => r.GetProperty("value").GetString()));
    }

    /// <summary>A string key is its JSON text in json format, its bare text in text format.</summary>
    [Theory]
    [InlineData(JsonType, "\"k\"", "\"v\"")]
    [InlineData(TextType, "k", "v")]
    [InlineData("application/json", "\"k\"", "\"v\"")]
    [InlineData("application/vnd.kafka.json.v2+json; charset=utf-8", "\"k\"", "\"v\"")]
    [InlineData("Application/Vnd.Kafka.JSON.v2+json", "\"k\"", "\"v\"")]
    [InlineData("application/vnd.kafka.json.v1+json", "\"k\"", "\"v\"")]
    public async Task The_content_type_says_what_a_string_is(string contentType, string key, string value)
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.PostAsync($"/topics/{topic}", """{"records":[{"key":"k","value":"v"}]}""", contentType);

        Assert.Equal(200, answer.Status);
        Assert.Equal(contentType == "application/json" ? "application/json" : V2, answer.ContentType);
        var stored = Assert.Single(server.Read(topic));
        Assert.Equal((key, value), (stored.KeyText, stored.ValueText));
    }

    [Theory]
    [InlineData(V2)]
    [InlineData("application/vnd.kafka.v1+json")]
    [InlineData("application/vnd.kafka+json")]
    public async Task A_type_without_a_format_means_base64(string contentType)
    {
        var topic = await server.CreateTopicAsync();

        await server.PostAsync($"/topics/{topic}", """{"records":[{"value":"aGk="}]}""", contentType);

        Assert.Equal("hi", Assert.Single(server.Read(topic)).ValueText);
    }

    [Theory]
    [InlineData(JsonType)]
    [InlineData(BinaryType)]
    [InlineData(TextType)]
    public async Task Null_and_absent_are_tombstones_in_every_format(string contentType)
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.PostAsync($"/topics/{topic}", """{"records":[{"key":null,"value":null},{}]}""", contentType);

        Assert.Equal(200, answer.Status);
        Assert.All(server.Read(topic), record => Assert.True(record is { Key: null, Value: null }));
        Assert.Equal(2, server.CountOf(topic));
        var read = await GetAsync($"/topics/{topic}/partitions/0/records?offset=0&timeout=0&max_bytes=100000", contentType);
        Assert.All(read.EnumerateArray(), record => Assert.Equal(JsonValueKind.Null, record.GetProperty("value").ValueKind));
    }

    [Fact]
    public async Task The_partition_is_in_the_record_or_in_the_path()
    {
        var topic = await server.CreateTopicAsync(3);

        var chosen = await server.PostAsync($"/topics/{topic}", """{"records":[{"partition":2,"value":1},{"partition":0,"value":2},{"partition":2,"value":3}]}""", JsonType);
        var fixedByPath = await server.PostAsync($"/topics/{topic}/partitions/1", """{"records":[{"value":4},{"partition":2,"value":5},{"partition":null,"value":6}]}""", JsonType);

        Assert.Equal([(2, 0), (0, 0), (2, 1)], chosen.Offsets.Select(Place));
        Assert.Equal((200, V2), (fixedByPath.Status, fixedByPath.ContentType));
        Assert.Equal([(1, 0), (1, 1), (1, 2)], fixedByPath.Offsets.Select(Place));
        Assert.Equal(["2@0", "4@1", "5@1", "6@1", "1@2", "3@2"], server.Read(topic).Select(r => $"{r.ValueText}@{r.Partition}"));
    }

    [Fact]
    public async Task Headers_are_base64_and_timestamps_milliseconds()
    {
        var topic = await server.CreateTopicAsync();

        await server.PostAsync($"/topics/{topic}", """{"records":[{"value":1,"timestamp":1790000000000,"headers":[{"key":"h","value":"aGk="},{"key":"h","value":null}]}]}""", JsonType);

        var stored = Assert.Single(server.Read(topic));
        Assert.Equal(1790000000000, stored.Timestamp);
        Assert.Equal([("h", "hi"), ("h", null)], stored.Headers);
    }

    [Fact]
    public async Task Members_that_the_family_does_not_know_are_ignored()
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.PostAsync($"/topics/{topic}", """{"value_schema":null,"x":{"y":[1]},"records":[{"value":1,"topic":"other","more":{"records":[]}}]}""", JsonType);

        Assert.Equal(200, answer.Status);
        Assert.Equal("1", Assert.Single(server.Read(topic)).ValueText);
    }

    [Fact]
    public async Task A_refused_record_has_its_error_in_its_place_and_the_others_are_written()
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.PostAsync($"/topics/{topic}", """{"records":[{"value":1},{"partition":7,"value":2},{"value":3}]}""", JsonType);

        Assert.Equal((200, V2), (answer.Status, answer.ContentType));
        Assert.Equal(["partition", "offset", "error_code", "error"], answer.Offsets[1].EnumerateObject().Select(p => p.Name));
        Assert.Equal(50002, answer.Offsets[1].GetProperty("error_code").GetInt32());
        Assert.Contains("7", answer.Offsets[1].GetProperty("error").GetString());
        Assert.Equal(JsonValueKind.Null, answer.Offsets[1].GetProperty("offset").ValueKind);
        Assert.Equal([(0, 0), (0, 1)], new[] { answer.Offsets[0], answer.Offsets[2] }.Select(Place));
        Assert.Equal(["1", "3"], server.Read(topic).Select(r => r.ValueText));
    }

    [Fact]
    public async Task When_every_record_is_refused_the_status_is_still_200()
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.PostAsync($"/topics/{topic}", """{"records":[{"partition":7,"value":2}]}""", JsonType);

        Assert.Equal(200, answer.Status);
        Assert.Equal(50002, Assert.Single(answer.Offsets).GetProperty("error_code").GetInt32());
        Assert.Equal(0, server.CountOf(topic));
    }

    [Fact]
    public async Task An_unknown_topic_or_partition_in_the_path_is_404()
    {
        var topic = await server.CreateTopicAsync();
        const string body = """{"records":[{"value":1}]}""";

        IsV2Error(await server.PostAsync("/topics/missing", body, JsonType), 404, 40401);
        IsV2Error(await server.PostAsync("/topics/missing/partitions/0", body, JsonType), 404, 40401);
        IsV2Error(await server.PostAsync($"/topics/{topic}/partitions/1", body, JsonType), 404, 40402);
        IsV2Error(await server.PostAsync($"/topics/{topic}/partitions/x", body, JsonType), 400, 40001);
        Assert.Equal(0, server.CountOf(topic));
    }

    [Theory]
    [InlineData(JsonType, "", 422, 42200)]
    [InlineData(JsonType, "{", 400, 40000)]
    [InlineData(JsonType, """{"records":[{"value":1}]} x""", 400, 40000)]
    [InlineData(JsonType, """{"records":[{"value":1}],"records":[]}""", 400, 40000)]
    [InlineData(JsonType, """{"records":[{"value":1,"value":2}]}""", 400, 40000)]
    [InlineData(JsonType, "{}", 422, 42200)]
    [InlineData(JsonType, "[]", 422, 42200)]
    [InlineData(JsonType, "null", 422, 42200)]
    [InlineData(JsonType, """{"records":[]}""", 422, 42200)]
    [InlineData(JsonType, """{"records":null}""", 422, 42200)]
    [InlineData(JsonType, """{"records":{"value":1}}""", 422, 42200)]
    [InlineData(JsonType, """{"records":[{"value":1},2]}""", 422, 42200)]
    [InlineData(JsonType, """{"records":[{"value":1},{"partition":"0","value":2}]}""", 422, 42200)]
    [InlineData(JsonType, """{"records":[{"value":1},{"partition":-1,"value":2}]}""", 422, 42200)]
    [InlineData(JsonType, """{"records":[{"value":1},{"timestamp":-1,"value":2}]}""", 422, 42200)]
    [InlineData(JsonType, """{"records":[{"value":1,"headers":{"a":"b"}}]}""", 422, 42200)]
    [InlineData(TextType, """{"records":[{"value":"a"},{"value":1}]}""", 422, 42200)]
    [InlineData(TextType, """{"records":[{"value":"a","key":{}}]}""", 422, 42200)]
    [InlineData(BinaryType, """{"records":[{"value":"aGk="},{"value":"%"}]}""", 400, 40000)]
    [InlineData(BinaryType, """{"records":[{"value":"aGk="},{"value":1}]}""", 400, 40000)]
    [InlineData(BinaryType, """{"records":[{"value":"aGk=","key":"a"}]}""", 400, 40000)]
    public async Task A_body_that_cannot_be_is_refused_and_nothing_of_it_written(string contentType, string body, int status, int code)
    {
        var topic = await server.CreateTopicAsync();

        IsV2Error(await server.PostAsync($"/topics/{topic}", body, contentType), status, code);

        Assert.Equal(0, server.CountOf(topic));
    }

    [Theory]
    [InlineData("avro")]
    [InlineData("jsonschema")]
    [InlineData("protobuf")]
    public async Task Schema_formats_are_known_and_refused_for_want_of_a_schema(string format)
    {
        var topic = await server.CreateTopicAsync();
        var type = $"application/vnd.kafka.{format}.v2+json";

        IsV2Error(await server.PostAsync($"/topics/{topic}", """{"records":[{"key":1,"value":1}]}""", type), 422, 42201);
        IsV2Error(await server.PostAsync($"/topics/{topic}", """{"records":[{"value":1}]}""", type), 422, 42202);
        var given = await server.PostAsync($"/topics/{topic}", """{"value_schema":"\"int\"","records":[{"value":1}]}""", type);
        IsV2Error(given, 422, 42202);
        Assert.Contains("schema registry", given.Json.GetProperty("message").GetString());
        IsV2Error(await server.PostAsync($"/topics/{topic}", "{", type), 400, 40000);
        Assert.Equal(0, server.CountOf(topic));
    }

    [Theory]
    [InlineData("text/plain", "application/problem+json")]
    [InlineData("application/x-ndjson", "application/problem+json")]
    [InlineData("application/vnd.kafka.xml.v2+json", V2)]
    [InlineData("application/vnd.kafkajson", V2)]
    [InlineData("application/vnd.kafka.json.v2+json; charset=utf-16", V2)]
    public async Task Another_content_type_is_415_and_told_which_ones_there_are(string contentType, string errorType)
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.PostAsync($"/topics/{topic}", """{"records":[{"value":1}]}""", contentType);

        Assert.Equal((415, errorType), (answer.Status, answer.ContentType));
        Assert.Equal(41500, answer.ErrorCode);
        Assert.Contains(answer.Json.GetProperty("accepted_types").EnumerateArray(), t => t.GetString()!.Length > 0);
        Assert.Equal(0, server.CountOf(topic));
    }

    [Theory]
    [InlineData(V2, 200)]
    [InlineData("application/json", 200)]
    [InlineData("*/*", 200)]
    [InlineData("application/*", 200)]
    [InlineData("application/vnd.kafka.v1+json, application/vnd.kafka+json; q=0.9, application/json; q=0.8", 200)]
    [InlineData("text/html", 406)]
    public async Task Accept_lists_are_understood(string accept, int status)
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.PostAsync($"/topics/{topic}", """{"records":[{"value":1}]}""", JsonType, ("Accept", accept));

        Assert.Equal((status, V2), (answer.Status, answer.ContentType));
        Assert.Equal(status == 200 ? 1 : 0, server.CountOf(topic));
    }

    private static void IsV2Error(Answer answer, int status, int code)
    {
        Assert.True((status, V2) == (answer.Status, answer.ContentType), $"{answer.Status} {answer.ContentType}: {answer.Body}");
        Assert.Equal(code, answer.ErrorCode);
        Assert.NotEmpty(answer.Json.GetProperty("message").GetString()!);
    }

    private static (int Partition, int Offset) Place(JsonElement entry) => (entry.GetProperty("partition").GetInt32(), entry.GetProperty("offset").GetInt32());

    private async Task<JsonElement> GetAsync(string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await server.Client.SendAsync(request);
        Assert.Equal(accept, response.Content.Headers.ContentType!.ToString());
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
    }
}
