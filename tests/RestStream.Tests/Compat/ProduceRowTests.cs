using static RestStream.Tests.Compat.CompatServer;

namespace RestStream.Tests.Compat;

/// <summary>Produce under each profile, row by row of compat-rest-proxy §1.2 to §1.4 (and §1.9, which wins).</summary>
public sealed class ProduceRowTests(CompatServer server) : IClassFixture<CompatServer>
{
    private const string Ok = """{"records":[{"value":{"a":1}}]}""";
    private const string Four = """{"offsets":[{"partition":0,"offset":1,"error_code":null,"error":null}],"key_schema_id":null,"value_schema_id":null}""";
    private const string SchemaError = "…\"message\":\"Validation error on: Schema validation error\"";

    public static IEnumerable<object[]> Rows => Row.Cases(
    [
        // §1.2 produce Content-Type.
        ..Row.For("confluent strimzi karapace redpanda", p => new("§1.2 json", p, "POST /topics/{t}/partitions/0") { Body = Ok, ContentType = JsonType, Stored = ["""{"a":1}"""] }),
        ..Row.For("confluent strimzi karapace redpanda", p => new("§1.2 binary", p, "POST /topics/{t}/partitions/0")
            { Body = """{"records":[{"value":"aGk="}]}""", ContentType = BinaryType, Stored = ["hi"] }),
        ..Row.For("confluent strimzi karapace redpanda", p => new("§1.9 text format everywhere", p, "POST /topics/{t}/partitions/0")
            { Body = """{"records":[{"value":"hi"}]}""", ContentType = TextType, Stored = ["hi"] }),
        ..Row.For("confluent strimzi karapace redpanda", p => new("§1.9 charset parameter", p, "POST /topics/{t}/partitions/0")
            { Body = Ok, ContentType = JsonType + "; charset=utf-8", Stored = ["""{"a":1}"""] }),
        ..Row.For("confluent strimzi karapace redpanda", p => new("§1.9 v1 types", p, "POST /topics/{t}/partitions/0")
            { Body = Ok, ContentType = "application/vnd.kafka.json.v1+json", Stored = ["""{"a":1}"""] }),
        ..Row.For("confluent strimzi redpanda", p => new("§1.9 application/json is json", p, "POST /topics/{t}/partitions/0") { Body = Ok, ContentType = "application/json", Stored = ["""{"a":1}"""] }),
        new("§1.9 application/json is binary", "karapace", "POST /topics/{t}/partitions/0") { Body = """{"records":[{"value":"aGk="}]}""", ContentType = "application/json", Stored = ["hi"] },
        new("§1.2 octet-stream is binary", "karapace", "POST /topics/{t}/partitions/0") { Body = """{"records":[{"value":"aGk="}]}""", ContentType = "application/octet-stream", Stored = ["hi"] },
        new("§1.2 a type without format is binary", "karapace", "POST /topics/{t}/partitions/0") { Body = """{"records":[{"value":"aGk="}]}""", ContentType = V2, Stored = ["hi"] },
        new("§1.2 no type is json", "karapace", "POST /topics/{t}/partitions/0") { Body = Ok, ContentType = "", Stored = ["""{"a":1}"""] },
        ..Row.For("confluent redpanda", p => new("§1.2 no type", p, "POST /topics/{t}") { Body = Ok, ContentType = "", Status = 415, Code = 41500, Stored = [] }),
        ..Row.For("confluent redpanda", p => new("§1.2 another type", p, "POST /topics/{t}") { Body = Ok, ContentType = "text/plain", Status = 415, Code = 41500, Stored = [] }),
        ..new[] { "", "text/plain", "application/xml", "application/vnd.kafka.xml.v2+json" }.Select(type => new Row($"§1.2 never 415: '{type}'", "strimzi", "POST /topics/{t}")
            { Body = Ok, ContentType = type, Status = 400, Code = 400, Answer = "…The format of the request body is not supported", AnswerType = V2, Stored = [] }),

        // §1.2 types of answers.
        new("§1.2 answer type", "confluent", "POST /topics/{t}/partitions/0") { Body = Ok, ContentType = JsonType, AnswerType = V2, Answer = Four },
        new("§1.2 Accept is ignored", "strimzi", "POST /topics/{t}/partitions/0") { Body = Ok, ContentType = JsonType, Accept = "text/html", AnswerType = V2, Answer = """{"offsets":[{"partition":0,"offset":1}]}""" },
        new("§1.9 the request's type", "karapace", "POST /topics/{t}/partitions/0")
            { Body = Ok, ContentType = JsonType, AnswerType = JsonType, Answer = """{"offsets":[{"partition":0,"offset":1}],"key_schema_id":null,"value_schema_id":null}""" },
        new("§1.2 default error type", "karapace", "POST /topics/{t}") { Body = "{", ContentType = "application/json", Status = 400, AnswerType = JsonType },
        new("§1.9 negotiated", "redpanda", "POST /topics/{t}/partitions/0") { Body = Ok, ContentType = JsonType, Accept = "application/json", AnswerType = "application/json", Answer = """{"offsets":[{"partition":0,"offset":1}]}""" },
        ..Row.For("confluent karapace redpanda", p => new("§1.2 Accept that fits nothing", p, "POST /topics/{t}") { Body = Ok, ContentType = JsonType, Accept = "text/html", Status = 406, Code = 40600, Stored = [] }),

        // §1.3 values.
        ..Row.For("confluent karapace redpanda", p => new("§1.3 any JSON", p, "POST /topics/{t}/partitions/0")
            { Body = """{"records":[{"value":1.50},{"value":true},{"value":"s"},{"value":[1, 2]}]}""", ContentType = JsonType, Stored = ["1.50", "true", "\"s\"", "[1, 2]"] }),
        new("§1.3 numbers stay as they are (the bridge re-encodes)", "strimzi", "POST /topics/{t}/partitions/0")
            { Body = """{"records":[{"value":{"d":1.50,"e":1e2,"l":12345678901234567890}}]}""", ContentType = JsonType, Stored = ["""{"d":1.50,"e":1e2,"l":12345678901234567890}"""] },
        ..Row.For("confluent strimzi karapace redpanda", p => new("§1.3 null is a tombstone", p, "POST /topics/{t}/partitions/0") { Body = """{"records":[{"value":null}]}""", ContentType = JsonType, Stored = [null!] }),
        ..Row.For("confluent strimzi karapace redpanda", p => new("§1.3 null is a tombstone in binary", p, "POST /topics/{t}/partitions/0") { Body = """{"records":[{"value":null}]}""", ContentType = BinaryType, Stored = [null!] }),
        ..Row.For("confluent strimzi karapace redpanda", p => new("§1.3 null is a tombstone in text", p, "POST /topics/{t}/partitions/0") { Body = """{"records":[{"value":null}]}""", ContentType = TextType, Stored = [null!] }),
        ..Row.For("confluent karapace redpanda", p => new("§1.3 absent is a tombstone", p, "POST /topics/{t}/partitions/0") { Body = """{"records":[{"key":"k"}]}""", ContentType = JsonType, Stored = [null!] }),
        new("§1.3 bad base64", "confluent", "POST /topics/{t}") { Body = """{"records":[{"value":"%"}]}""", ContentType = BinaryType, Status = 400, Code = 40000, Stored = [] },
        new("§1.3 bad base64", "karapace", "POST /topics/{t}") { Body = """{"records":[{"value":"%"}]}""", ContentType = BinaryType, Status = 400, Code = 400, Stored = [] },
        new("§1.3 bad base64 is refused (the bridge writes something)", "strimzi", "POST /topics/{t}") { Body = """{"records":[{"value":"%"}]}""", ContentType = BinaryType, Status = 422, Code = 422, Stored = [] },
        new("§1.3 an object is no base64 (the bridge writes nothing)", "strimzi", "POST /topics/{t}") { Body = """{"records":[{"value":{}}]}""", ContentType = BinaryType, Status = 422, Code = 422, Stored = [] },
        new("§1.3 bad base64", "redpanda", "POST /topics/{t}") { Body = """{"records":[{"value":"%"}]}""", ContentType = BinaryType, Status = 422, Code = 42200, Stored = [] },
        ..new[] { "1", "1.5", "true" }.SelectMany(v => new[]
        {
            new Row("§1.3 a value is a string, an object, an array or null", "strimzi", "POST /topics/{t}") { Body = $$"""{"records":[{"value":{{v}}}]}""", ContentType = JsonType, Status = 400, Code = 400, Answer = SchemaError, Stored = [] },
            new Row("§1.3 a key is a string, an object or an array", "strimzi", "POST /topics/{t}") { Body = $$$"""{"records":[{"key":{{{v}}},"value":{}}]}""", ContentType = JsonType, Status = 400, Code = 400, Answer = SchemaError, Stored = [] },
        }),
        new("§1.3 key null", "strimzi", "POST /topics/{t}") { Body = """{"records":[{"key":null,"value":{}}]}""", ContentType = JsonType, Status = 400, Code = 400, Answer = SchemaError, Stored = [] },
        new("§1.3 value absent", "strimzi", "POST /topics/{t}") { Body = """{"records":[{"key":"k"}]}""", ContentType = JsonType, Status = 400, Code = 400, Answer = "…'value' is missing", Stored = [] },
        ..new[] { "{\"a\":1}", "[1]" }.Select(v => new Row("§1.3 text holds strings only", "strimzi", "POST /topics/{t}") { Body = $$"""{"records":[{"value":{{v}}}]}""", ContentType = TextType, Status = 422, Code = 422, Stored = [] }),
        new("§1.3 header values are base64, not empty", "strimzi", "POST /topics/{t}") { Body = """{"records":[{"value":{},"headers":[{"key":"h","value":""}]}]}""", ContentType = JsonType, Status = 400, Code = 400, Answer = SchemaError, Stored = [] },
        new("§6 a header without value", "strimzi", "POST /topics/{t}") { Body = """{"records":[{"value":{},"headers":[{"key":"h"}]}]}""", ContentType = JsonType, Status = 400, Code = 400, Answer = SchemaError, Stored = [] },
        ..Row.For("confluent strimzi karapace redpanda", p => new("§1.3 avro without a key schema", p, "POST /topics/{t}")
            { Body = """{"records":[{"key":"k","value":"v"}]}""", ContentType = "application/vnd.kafka.avro.v2+json", Status = 422, Code = p == "strimzi" ? 422 : 42201, Stored = [] }),
        ..Row.For("confluent karapace redpanda", p => new("§1.3 jsonschema without a value schema", p, "POST /topics/{t}")
            { Body = """{"records":[{"value":"v"}]}""", ContentType = "application/vnd.kafka.jsonschema.v2+json", Status = 422, Code = 42202, Stored = [] }),

        // §1.4 record fields.
        new("§1.4 unknown field ignored", "confluent", "POST /topics/{t}/partitions/0") { Body = """{"x":1,"records":[{"value":{},"y":2}]}""", ContentType = JsonType, Stored = ["{}"] },
        new("§1.4 unknown field", "strimzi", "POST /topics/{t}") { Body = """{"records":[{"value":{},"y":2}]}""", ContentType = JsonType, Status = 400, Code = 400, Answer = "…\"validation_errors\":[\"records[0].y", Stored = [] },
        new("§1.4 unknown field", "karapace", "POST /topics/{t}") { Body = """{"records":[{"value":{},"y":2}]}""", ContentType = JsonType, Status = 422, Answer = "…Invalid request format", Stored = [] },
        new("§1.4 unknown field", "redpanda", "POST /topics/{t}") { Body = """{"records":[{"value":{},"y":2}]}""", ContentType = JsonType, Status = 422, Stored = [] },
        ..Row.For("confluent strimzi karapace redpanda", p => new("§1.9 headers and timestamps in", p, "POST /topics/{t}")
            { Body = """{"records":[{"value":{"h":1},"partition":0,"timestamp":1790000000000,"headers":[{"key":"h","value":"aGk="}]}]}""", ContentType = JsonType, Stored = ["""{"h":1}"""] }),
        ..new[] { "\"partition\":0", "\"timestamp\":1790000000000" }.Select(m => new Row("§1.4 with the partition in the path only key, value, headers", "strimzi", "POST /topics/{t}/partitions/0")
            { Body = $$"""{"records":[{"value":{},{{m}}}]}""", ContentType = JsonType, Status = 400, Code = 400, Answer = SchemaError, Stored = [] }),
        new("§1.4 partition in path and body: the path counts", "confluent", "POST /topics/{t}/partitions/0") { Body = """{"records":[{"value":{},"partition":1}]}""", ContentType = JsonType, Stored = ["{}"] },
        ..new[] { "null", "\"0\"", "0.5" }.SelectMany(v => new[]
        {
            new Row("§1.4 partition of the wrong type", "strimzi", "POST /topics/{t}") { Body = $$"""{"records":[{"value":{},"partition":{{v}}}]}""", ContentType = JsonType, Status = 400, Code = 400, Answer = SchemaError, Stored = [] },
            new Row("§1.4 timestamp of the wrong type", "strimzi", "POST /topics/{t}") { Body = $$"""{"records":[{"value":{},"timestamp":{{v}}}]}""", ContentType = JsonType, Status = 400, Code = 400, Answer = SchemaError, Stored = [] },
        }),
        new("§1.4 negative partition", "strimzi", "POST /topics/{t}") { Body = """{"records":[{"value":{},"partition":-1}]}""", ContentType = JsonType, Status = 422, Code = 422, Stored = [] },
        new("§1.4 negative partition in the path", "strimzi", "POST /topics/{t}/partitions/-1") { Body = Ok, ContentType = JsonType, Status = 422, Code = 422, Stored = [] },
        new("§1.4 negative timestamp", "strimzi", "POST /topics/{t}") { Body = """{"records":[{"value":{},"timestamp":-1}]}""", ContentType = JsonType, Status = 422, Code = 422, Stored = [] },
        new("§1.4 path partition no integer", "strimzi", "POST /topics/{t}/partitions/x") { Body = Ok, ContentType = JsonType, Status = 400, Code = 400, Answer = "…\"validation_errors\":[\"partition: ", Stored = [] },

        // §1.4 bodies that are none.
        ..Row.For("confluent karapace redpanda", p => new("§1.4 empty body", p, "POST /topics/{t}") { Body = "", ContentType = JsonType, Status = 422, Code = 42200, Stored = [] }),
        new("§1.4 empty body", "strimzi", "POST /topics/{t}") { Body = "", ContentType = JsonType, Status = 400, Code = 400, Answer = "…Validation error on: The related request does not contain the required body.", Stored = [] },
        ..Row.For("confluent strimzi karapace redpanda", p => new("§1.4 {}", p, "POST /topics/{t}") { Body = "{}", ContentType = JsonType, Status = 422, Code = p == "strimzi" ? 422 : 42200, Stored = [] }),
        ..Row.For("confluent karapace redpanda", p => new("§1.4 records:[]", p, "POST /topics/{t}") { Body = """{"records":[]}""", ContentType = JsonType, Status = 422, Code = 42200, Stored = [] }),
        new("§1.4 records:[]", "strimzi", "POST /topics/{t}") { Body = """{"records":[]}""", ContentType = JsonType, Answer = """{"offsets":[]}""", Stored = [] },
        ..Row.For("confluent karapace", p => new("§1.4 bad JSON", p, "POST /topics/{t}") { Body = "{", ContentType = JsonType, Status = 400, Code = 40000, Stored = [] }),
        new("§1.4 bad JSON", "strimzi", "POST /topics/{t}") { Body = "{", ContentType = JsonType, Status = 400, Code = 400, Answer = "…Validation error on: The request body can't be decoded", Stored = [] },
        new("§1.4 bad JSON", "redpanda", "POST /topics/{t}") { Body = "{", ContentType = JsonType, Status = 422, Code = 42200, Stored = [] },
        new("§1.4 records no array", "karapace", "POST /topics/{t}") { Body = """{"records":{}}""", ContentType = JsonType, Status = 400, Code = 40000, Stored = [] },
        new("§1.4 record no object", "karapace", "POST /topics/{t}") { Body = """{"records":[1]}""", ContentType = JsonType, Status = 400, Code = 40000, Stored = [] },
        new("§1.4 records no array", "strimzi", "POST /topics/{t}") { Body = """{"records":{}}""", ContentType = JsonType, Status = 400, Code = 400, Answer = SchemaError, Stored = [] },
        new("§1.4 record no object", "strimzi", "POST /topics/{t}") { Body = """{"records":[1]}""", ContentType = JsonType, Status = 400, Code = 400, Answer = SchemaError, Stored = [] },

        // §1.4 partial failure: partition 7 does not exist.
        new("§1.4 partial failure", "confluent", "POST /topics/{t}")
            { Body = """{"records":[{"value":{},"partition":7},{"value":[1],"partition":0}]}""", ContentType = JsonType, Answer = "…{\"partition\":null,\"offset\":null,\"error_code\":50002,", Stored = ["[1]"] },
        new("§1.4 partial failure", "strimzi", "POST /topics/{t}")
            { Body = """{"records":[{"value":{},"partition":7},{"value":[1],"partition":0}]}""", ContentType = JsonType, Answer = "…{\"offsets\":[{\"error_code\":404,\"message\":", Stored = ["[1]"] },
        new("§1.4 partial failure", "karapace", "POST /topics/{t}")
            { Body = """{"records":[{"value":{},"partition":7},{"value":[1],"partition":0}]}""", ContentType = JsonType, Status = 422, Answer = "…{\"offsets\":[{\"error_code\":1,\"error\":", Stored = ["[1]"] },
        new("§1.4 partial failure", "redpanda", "POST /topics/{t}")
            { Body = """{"records":[{"value":{},"partition":7},{"value":[1],"partition":0}]}""", ContentType = JsonType, Answer = "…{\"offsets\":[{\"partition\":-1,\"error_code\":3,\"offset\":-1},{\"partition\":0,\"offset\":1}]}", Stored = ["[1]"] },
        new("§1.4 HTTP 200 even if all fail", "strimzi", "POST /topics/{t}") { Body = """{"records":[{"value":{},"partition":7}]}""", ContentType = JsonType, Answer = "…\"error_code\":404", Stored = [] },
        new("§1.4 timestamp out of range", "strimzi", "POST /topics/{t}") { Body = """{"records":[{"value":{},"timestamp":99999999999999}]}""", ContentType = JsonType, Answer = "…{\"error_code\":500,\"message\":", Stored = [] },

        // §1.4, §1.6 unknown topic or partition.
        ..Row.For("confluent karapace", p => new("§1.6 produce to an unknown topic", p, "POST /topics/missing") { Body = Ok, ContentType = JsonType, Status = 404, Code = 40401 }),
        ..Row.For("confluent karapace", p => new("§1.6 produce to an unknown partition", p, "POST /topics/{t}/partitions/7") { Body = Ok, ContentType = JsonType, Status = 404, Code = 40402, Stored = [] }),
        new("§1.9 unknown topic in the entries, at once", "strimzi", "POST /topics/missing")
            { Body = """{"records":[{"value":{}},{"value":[1]}]}""", ContentType = JsonType, Answer = "…{\"offsets\":[{\"error_code\":404,\"message\":" },
        new("§1.9 unknown partition in the entries", "strimzi", "POST /topics/{t}/partitions/7") { Body = Ok, ContentType = JsonType, Answer = "…{\"offsets\":[{\"error_code\":404,\"message\":", Stored = [] },
        new("§1.4 bad topic name", "strimzi", "POST /topics/a%20b") { Body = Ok, ContentType = JsonType, Answer = "…{\"offsets\":[{\"error_code\":500,\"message\":" },
        new("§6 a schema error wins over an unknown topic", "strimzi", "POST /topics/missing") { Body = """{"records":[{"value":1}]}""", ContentType = JsonType, Status = 400, Code = 400 },
        new("§1.4 Kafka's code", "redpanda", "POST /topics/missing") { Body = Ok, ContentType = JsonType, Answer = """{"offsets":[{"partition":-1,"error_code":3,"offset":-1}]}""" },

        // §1.4 fire and forget.
        new("§1.4 async", "strimzi", "POST /topics/missing?async=true") { Body = Ok, ContentType = JsonType, Status = 204, Answer = "" },
        new("§1.4 async", "strimzi", "POST /topics/{t}?async=x") { Body = Ok, ContentType = JsonType, Status = 400, Code = 400, Stored = [] },
        new("§1.4 async is the bridge's alone", "confluent", "POST /topics/{t}/partitions/0?async=true") { Body = Ok, ContentType = JsonType, Answer = Four },

        // §1.7 exact messages.
        new("§1.7 unknown path", "strimzi", "GET /info") { Status = 404, Code = 404, AnswerType = V2 },
        new("§1.7 known path, other method", "strimzi", "PUT /topics/{t}") { Status = 405, AnswerType = V2 },
    ]);

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task Row_of_the_table(Row row)
    {
        var topic = await server.CreateTopicAsync(2);
        await server.ProduceAsync(topic, 0, "\"first\"");
        await server.ProduceAsync(topic, 1, "\"second\"");

        await row.CheckAsync(server, ("{t}", topic));

        if (row.Stored is { } stored)
            Assert.Equal(stored, server.Read(topic).Select(r => r.ValueText).Except(["\"first\"", "\"second\""]));
    }

    /// <summary>§1.3: in json a string key is its JSON text, quotes included, and is hashed so; the bare text elsewhere.</summary>
    [Theory]
    [InlineData("strimzi", JsonType, "\"k\"")]
    [InlineData("confluent", JsonType, "\"k\"")]
    [InlineData("strimzi", TextType, "k")]
    public async Task A_string_key_is_stored_and_hashed_as_the_format_says(string profile, string type, string stored)
    {
        var topic = await server.CreateTopicAsync(16);

        await server.SendAsync("POST", $"/{profile}/topics/{topic}", """{"records":[{"key":"k","value":"v"}]}""", type);

        var record = Assert.Single(server.Read(topic));
        Assert.Equal(stored, record.KeyText);
        Assert.Equal(Broker.Topics.Partitioner.ForKey(System.Text.Encoding.UTF8.GetBytes(stored), 16), record.Partition);
    }

    [Fact]
    public async Task What_was_sent_without_waiting_is_written()
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.SendAsync("POST", $"/strimzi/topics/{topic}?async=true", """{"records":[{"value":{"n":1}}]}""", JsonType);

        Assert.Equal((204, null, ""), (answer.Status, answer.ContentType, answer.Body));
        using var fetch = server.Broker.OpenFetch([new Broker.FetchPosition(new Storage.TopicPartition(topic, 0), 0)]);
        await fetch.WaitAsync(TimeSpan.FromSeconds(20), default);
        Assert.Equal("""{"n":1}""", Assert.Single(server.Read(topic)).ValueText);
    }

    [Fact]
    public async Task Every_schema_error_of_a_record_is_listed()
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.SendAsync("POST", $"/strimzi/topics/{topic}", """{"records":[{"key":1,"partition":"0","x":2}]}""", JsonType);

        Assert.Equal(400, answer.Status);
        var errors = answer.Json.GetProperty("validation_errors").EnumerateArray().Select(e => e.GetString()!).ToList();
        Assert.All(errors, e => Assert.StartsWith("records[0].", e));
        Assert.Equal(["key", "partition", "value", "x"], errors.Select(e => e["records[0].".Length..e.IndexOf(':')]).Order());
        Assert.Equal(400, answer.ErrorCode);
    }

    [Fact]
    public async Task A_record_that_is_too_large_is_refused_in_its_place()
    {
        var topic = await server.CreateTopicAsync(1, ("max.message.bytes", "1000"));
        var body = $$"""{"records":[{"value":"{{new string('x', 2000)}}"},{"value":"small"}]}""";

        var bridge = await server.SendAsync("POST", $"/strimzi/topics/{topic}", body, JsonType);
        var redpanda = await server.SendAsync("POST", $"/redpanda/topics/{topic}", body, JsonType);
        var karapace = await server.SendAsync("POST", $"/karapace/topics/{topic}", body, JsonType);

        Assert.Equal((200, 500), (bridge.Status, bridge.Offsets[0].GetProperty("error_code").GetInt32()));
        Assert.Equal((200, 10), (redpanda.Status, redpanda.Offsets[0].GetProperty("error_code").GetInt32()));
        Assert.Equal((422, 1), (karapace.Status, karapace.Offsets[0].GetProperty("error_code").GetInt32()));
        Assert.All(new[] { bridge, redpanda, karapace }, a => Assert.True(a.Offsets[1].TryGetProperty("offset", out _)));
        Assert.Equal(3, server.CountOf(topic));
    }
}
