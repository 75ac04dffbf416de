using static RestStream.Tests.Compat.CompatServer;

namespace RestStream.Tests.Compat;

/// <summary>Consumer instances are made, found and refused, row by row of compat-rest-proxy §1.5, §1.6 and §1.7. Nothing here joins a group.</summary>
public sealed class InstanceRowTests(CompatServer server) : IClassFixture<CompatServer>
{
    private const string All = "confluent strimzi karapace redpanda";
    private const string SchemaError = "…\"message\":\"Validation error on: Schema validation error\"";

    public static IEnumerable<object[]> CreateRows => Row.Cases(
    [
        ..Row.For(All, p => new("§1.5 response", p, "POST /consumers/{g}") { Body = """{"name":"c1"}""", Answer = "…{\"instance_id\":\"c1\",\"base_uri\":\"http://127.0.0.1:" }),
        new("§1.5 base_uri keeps the path base", "karapace", "POST /consumers/{g}") { Body = """{"name":"c1"}""", Answer = "…/karapace/consumers/{g}/instances/c1\"}" },
        new("§1.5 base_uri at the root", "", "POST /consumers/{g}") { Body = """{"name":"c1"}""", Answer = "…/consumers/{g}/instances/c1\"}", AnswerType = V2 },
        ..Row.For(All, p => new("§1.5 a body may be absent", p, "POST /consumers/{g}") { ContentType = "", Answer = "…\"instance_id\":\"" }),
        new("§1.5 made-up name", "confluent", "POST /consumers/{g}") { Body = "{}", Answer = "…\"instance_id\":\"rest-consumer-" },
        new("§1.5 made-up name with id", "confluent", "POST /consumers/{g}") { Body = """{"id":"x"}""", Answer = "…\"instance_id\":\"rest-consumer-x-" },
        new("§1.5 made-up name", "strimzi", "POST /consumers/{g}") { Body = "{}", Answer = "…\"instance_id\":\"kafka-bridge-consumer-" },
        new("§6 any text as a name, escaped", "strimzi", "POST /consumers/{g}") { Body = """{"name":"a b/ü"}""", Answer = "…/instances/a%20b%2F%C3%BC\"}" },

        // Settings.
        new("§1.5 strings or numbers", "confluent", "POST /consumers/{g}") { Body = """{"fetch.min.bytes":"5","consumer.request.timeout.ms":1000,"auto.commit.enable":"false","auto.offset.reset":"earliest","format":"json"}""" },
        new("§1.5 old aliases", "confluent", "POST /consumers/{g}") { Body = """{"responseMinBytes":5,"requestWaitMs":"1000"}""" },
        new("§1.2 v1 resets", "confluent", "POST /consumers/{g}") { Body = """{"auto.offset.reset":"smallest"}""" },
        ..Row.For(All, p => new("§1.9 both names of auto-commit, string or boolean", p, "POST /consumers/{g}") { Body = """{"auto.commit.enable":"false","enable.auto.commit":false}""" }),
        ..Row.For(All, p => new("§1.9 text format", p, "POST /consumers/{g}") { Body = """{"format":"text"}""" }),
        new("§1.5 unknown field ignored", "confluent", "POST /consumers/{g}") { Body = """{"x":1}""" },
        new("§1.5 other keys", "strimzi", "POST /consumers/{g}") { Body = """{"x":1}""", Status = 400, Code = 400, Answer = "…\"validation_errors\":[\"x" },
        ..Row.For("karapace redpanda", p => new("§1.9 unknown JSON field", p, "POST /consumers/{g}") { Body = """{"x":1}""", Status = 422 }),
        ..Row.For("confluent karapace", p => new("§1.5 bad config", p, "POST /consumers/{g}") { Body = """{"auto.offset.reset":"sometimes"}""", Status = 422, Code = 42204 }),
        ..Row.For("confluent karapace", p => new("§1.5 bad format", p, "POST /consumers/{g}") { Body = """{"format":"xml"}""", Status = 422, Code = 42204 }),
        ..new[] { -2, 10_000_001 }.Select(n => new Row("§1.5 fetch.min.bytes from -1 to 10,000,000", "confluent", "POST /consumers/{g}") { Body = $$"""{"fetch.min.bytes":{{n}}}""", Status = 422, Code = 40001 }),
        ..new[] { -1, 10_000_000 }.Select(n => new Row("§1.5 fetch.min.bytes from -1 to 10,000,000", "confluent", "POST /consumers/{g}") { Body = $$"""{"fetch.min.bytes":{{n}}}""" }),
        new("§1.7 bad format", "strimzi", "POST /consumers/{g}") { Body = """{"format":"xml"}""", Status = 422, Code = 422, Answer = "…\"message\":\"Invalid format type.\"" },
        ..new[] { """{"auto.offset.reset":"sometimes"}""", """{"isolation.level":"some"}""", """{"fetch.min.bytes":-1}""" }.Select(b =>
            new Row("§1.5 422 for a bad value", "strimzi", "POST /consumers/{g}") { Body = b, Status = 422, Code = 422 }),
        ..new[] { """{"fetch.min.bytes":"1"}""", """{"consumer.request.timeout.ms":"1"}""", """{"format":1}""", """{"name":1}""", """{"enable.auto.commit":1}""" }.Select(b =>
            new Row("§1.5 400 for a bad type", "strimzi", "POST /consumers/{g}") { Body = b, Status = 400, Code = 400, Answer = SchemaError }),
        new("§1.5 reset none accepted", "strimzi", "POST /consumers/{g}") { Body = """{"auto.offset.reset":"none"}""" },
        ..new[] { """{"auto.offset.reset":"latest"}""", """{"auto.commit.enable":"true"}""", """{"fetch.min.bytes":1}""", """{"format":"xml"}""" }.Select(b =>
            new Row("§1.5 earliest, no auto-commit, strings only", "redpanda", "POST /consumers/{g}") { Body = b, Status = 400, Code = 40002 }),
        new("§1.5 earliest, no auto-commit, strings", "redpanda", "POST /consumers/{g}") { Body = """{"format":"json","auto.offset.reset":"earliest","auto.commit.enable":"false","fetch.min.bytes":"1"}""" },

        // Bodies.
        ..Row.For("confluent karapace", p => new("§1.4 bad JSON", p, "POST /consumers/{g}") { Body = "{", Status = 400, Code = 40000 }),
        new("§1.7 broken JSON", "strimzi", "POST /consumers/{g}") { Body = "{", Status = 400, Code = 400, Answer = "…Validation error on: The request body can't be decoded" },
        new("§1.2 other bodies: another type", "confluent", "POST /consumers/{g}") { Body = "{}", ContentType = "text/plain", Status = 415, Code = 41500 },
        new("§1.2 other bodies: another type", "redpanda", "POST /consumers/{g}") { Body = "{}", ContentType = "text/plain", Status = 415, Code = 41500 },
        new("§1.2 other bodies: loose", "karapace", "POST /consumers/{g}") { Body = "{}", ContentType = "text/plain" },
        new("§1.2 other bodies: exact", "strimzi", "POST /consumers/{g}") { Body = "{}", ContentType = "text/plain", Status = 400, Code = 400 },
        ..Row.For("confluent karapace redpanda", p => new("a group's name", p, "POST /consumers/a%20b") { Body = "{}", Status = 422 }),
    ]);

    /// <summary>Calls on the instance <c>c1</c> of the group, which was made and has no subscription.</summary>
    public static IEnumerable<object[]> CallRows => Row.Cases(
    [
        ..Row.For("confluent karapace redpanda", p => new("§1.5 duplicate name", p, "POST /consumers/{g}") { Body = """{"name":"c1"}""", Status = 409, Code = 40902 }),
        new("§1.7 create twice", "strimzi", "POST /consumers/{g}") { Body = """{"name":"c1"}""", Status = 409, Code = 409, Answer = "…A consumer instance with the specified name already exists in the Kafka Bridge." },
        ..new[] { "GET …/records", "GET …/subscription", "DELETE …", "POST …/offsets", "DELETE …/subscription", "GET …/assignments" }.SelectMany(call => Row.For("confluent karapace redpanda", p =>
            new("§1.5 unknown instance", p, call.Replace("…", "/consumers/{g}/instances/missing")) { Status = 404, Code = 40403, Answer = "…\"message\":\"Consumer instance not found.\"" })),
        ..new[] { "GET …/records", "GET …/subscription", "DELETE …", "POST …/offsets" }.Select(call =>
            new Row("§1.7 unknown instance", "strimzi", call.Replace("…", "/consumers/{g}/instances/missing")) { Status = 404, Code = 404, Answer = "…\"message\":\"The specified consumer instance was not found.\"" }),
        new("another group", "confluent", "GET /consumers/other{g}/instances/c1/records") { Status = 404, Code = 40403 },

        // Polls without subscription.
        ..Row.For("confluent karapace redpanda", p => new("§1.9 poll without subscription", p, "GET /consumers/{g}/instances/c1/records") { Status = 409, Code = 40903 }),
        new("§1.7 poll without subscription", "strimzi", "GET /consumers/{g}/instances/c1/records")
            { Status = 409, Code = 409, Answer = "…\"message\":\"Consumer is not subscribed to any topics or assigned any partitions\"" },

        // Poll parameters.
        ..new[] { "timeout=x", "max_bytes=x", "timeout=-1" }.SelectMany(q => new[]
        {
            new Row("§1.5 bad poll parameter", "confluent", $"GET /consumers/{{g}}/instances/c1/records?{q}") { Status = 422, Code = 42200 },
            new Row("§1.5 bad poll parameter", "strimzi", $"GET /consumers/{{g}}/instances/c1/records?{q}") { Status = q.Contains('-') ? 422 : 400 },
            new Row("§1.5 bad poll parameter (a client's mistake)", "karapace", $"GET /consumers/{{g}}/instances/c1/records?{q}") { Status = 422 },
            new Row("§1.5 bad poll parameter", "redpanda", $"GET /consumers/{{g}}/instances/c1/records?{q}") { Status = 400, Code = 40002 },
        }),

        // Accept of polls: the instance is binary.
        ..Row.For("confluent karapace", p => new("§1.2 Accept of another format", p, "GET /consumers/{g}/instances/c1/records") { Accept = JsonType, Status = 406, Code = 40601 }),
        new("§1.7 Accept mismatch", "strimzi", "GET /consumers/{g}/instances/c1/records")
            { Accept = JsonType, Status = 406, Code = 406, Answer = "…Consumer format does not match the embedded format requested by the Accept header." },

        // Subscribe.
        new("§1.5 neither topics nor pattern", "confluent", "POST /consumers/{g}/instances/c1/subscription") { Body = "{}", Status = 422, Code = 42200 },
        new("§1.7 neither", "strimzi", "POST /consumers/{g}/instances/c1/subscription") { Body = "{}", Status = 422, Code = 422, Answer = "…A list (of Topics type) or a topic_pattern must be specified." },
        new("§1.5 neither", "karapace", "POST /consumers/{g}/instances/c1/subscription") { Body = "{}", Status = 409, Code = 40903 },
        new("§1.5 both", "confluent", "POST /consumers/{g}/instances/c1/subscription") { Body = """{"topics":["t"],"topic_pattern":"t"}""", Status = 422, Code = 42200 },
        new("§1.7 both", "strimzi", "POST /consumers/{g}/instances/c1/subscription")
            { Body = """{"topics":["t"],"topic_pattern":"t"}""", Status = 409, Code = 409, Answer = "…Subscriptions to topics, partitions, and patterns are mutually exclusive." },
        new("§1.5 both", "karapace", "POST /consumers/{g}/instances/c1/subscription") { Body = """{"topics":["t"],"topic_pattern":"t"}""", Status = 409, Code = 40903 },
        new("§1.5 topics:[] unsubscribes", "strimzi", "POST /consumers/{g}/instances/c1/subscription") { Body = """{"topics":[]}""", Status = 204 },
        new("§6 unknown field in subscribe", "strimzi", "POST /consumers/{g}/instances/c1/subscription") { Body = """{"topics":["t"],"x":1}""", Status = 400, Code = 400, Answer = SchemaError },
        new("§6 wrong type in subscribe", "strimzi", "POST /consumers/{g}/instances/c1/subscription") { Body = """{"topics":"t"}""", Status = 400, Code = 400, Answer = SchemaError },
        new("wrong type in subscribe", "confluent", "POST /consumers/{g}/instances/c1/subscription") { Body = """{"topics":[1]}""", Status = 422, Code = 42200 },
        new("§1.7 no body", "strimzi", "POST /consumers/{g}/instances/c1/subscription") { ContentType = V2, Status = 400, Code = 400, Answer = "…does not contain the required body" },
        ..Row.For(All, p => new("§1.1 GET subscription before any", p, "GET /consumers/{g}/instances/c1/subscription") { Answer = p == "strimzi" ? """{"topics":[],"partitions":[]}""" : """{"topics":[]}""" }),
        ..Row.For(All, p => new("§1.1 DELETE subscription", p, "DELETE /consumers/{g}/instances/c1/subscription") { Status = 204 }),

        // Missing members.
        ..new[] { "assignments", "positions", "positions/beginning", "positions/end" }.SelectMany(call => new[]
        {
            new Row("§1.5 missing key in body", "confluent", $"POST /consumers/{{g}}/instances/c1/{call}") { Body = "{}", Status = 422, Code = 42200 },
            new Row("§1.9 missing list 400", "strimzi", $"POST /consumers/{{g}}/instances/c1/{call}") { Body = "{}", Status = 400, Code = 400 },
            new Row("§1.5 missing key in body", "redpanda", $"POST /consumers/{{g}}/instances/c1/{call}") { Body = "{}", Status = 400, Code = 40002 },
        }),
        new("§6 missing offset", "strimzi", "POST /consumers/{g}/instances/c1/offsets") { Body = """{"offsets":[{"topic":"t","partition":0}]}""", Status = 400, Code = 400 },
        new("§1.1 metadata is not the bridge's", "strimzi", "POST /consumers/{g}/instances/c1/offsets") { Body = """{"offsets":[{"topic":"t","partition":0,"offset":1,"metadata":"m"}]}""", Status = 400, Code = 400 },
        new("§1.9 negative offset 422", "strimzi", "POST /consumers/{g}/instances/c1/offsets") { Body = """{"offsets":[{"topic":"t","partition":0,"offset":-1}]}""", Status = 422, Code = 422 },
        new("§1.9 commit to an unknown topic 404, at once", "strimzi", "POST /consumers/{g}/instances/c1/offsets") { Body = """{"offsets":[{"topic":"missing","partition":0,"offset":1}]}""", Status = 404, Code = 404 },
        new("§1.5 {\"offsets\":[]} commits nothing", "strimzi", "POST /consumers/{g}/instances/c1/offsets") { Body = """{"offsets":[]}""", Status = 204 },
        new("§1.9 commit reply", "confluent", "POST /consumers/{g}/instances/c1/offsets") { Status = 200, Answer = "[]", AnswerType = V2 },
        ..Row.For("strimzi karapace redpanda", p => new("§1.9 commit reply", p, "POST /consumers/{g}/instances/c1/offsets") { Status = 204, Answer = "" }),

        // Seek.
        new("§1.5 seek on unassigned", "confluent", "POST /consumers/{g}/instances/c1/positions") { Body = """{"offsets":[{"topic":"t","partition":0,"offset":0}]}""", Status = 409, Code = 40903 },
        new("§1.5 seek on unassigned", "strimzi", "POST /consumers/{g}/instances/c1/positions")
            { Body = """{"offsets":[{"topic":"t","partition":0,"offset":0}]}""", Status = 404, Code = 404, Answer = "…No current assignment for partition t-0" },
        new("§1.5 seek on unassigned, beginning", "strimzi", "POST /consumers/{g}/instances/c1/positions/beginning") { Body = """{"partitions":[{"topic":"t","partition":0}]}""", Status = 404, Code = 404 },
        new("§1.5 seek on unassigned, end", "karapace", "POST /consumers/{g}/instances/c1/positions/end") { Body = """{"partitions":[{"topic":"t","partition":0}]}""", Status = 409, Code = 40903 },

        // Delete.
        ..Row.For(All, p => new("§1.1 delete", p, "DELETE /consumers/{g}/instances/c1") { Status = 204, Answer = "" }),
        ..Row.For(All, p => new("§1.9 trailing slash", p, "DELETE /consumers/{g}/instances/c1/") { Status = 204, Answer = "" }),
    ]);

    [Theory]
    [MemberData(nameof(CreateRows))]
    public Task Creating_an_instance(Row row) => row.CheckAsync(server, ("{g}", NewName("g")));

    [Theory]
    [MemberData(nameof(CallRows))]
    public async Task Calling_an_instance_without_subscription(Row row)
    {
        var group = NewName("g");
        var created = await server.SendAsync("POST", $"/{row.Profile}/consumers/{group}", """{"name":"c1"}""");
        Assert.Equal(200, created.Status);

        await row.CheckAsync(server, ("{g}", group));
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("a%2Fb")]
    [InlineData("ü?#&=:;\\\"")]
    [InlineData("x")]
    public async Task An_instance_is_found_under_its_base_uri_whatever_its_name_is(string name)
    {
        var created = await server.SendAsync("POST", $"/strimzi/consumers/{NewName("g")}", System.Text.Json.JsonSerializer.Serialize(new { name }));
        var uri = created.Json.GetProperty("base_uri").GetString()!;

        Assert.Equal(name, created.Json.GetProperty("instance_id").GetString());
        Assert.Equal(204, (await server.SendAsync("POST", uri + "/subscription", """{"topics":["none"]}""")).Status);
        Assert.Equal(200, (await server.SendAsync("GET", uri + "/records?timeout=0")).Status);
        Assert.Equal(204, (await server.SendAsync("DELETE", uri)).Status);
        Assert.Equal(404, (await server.SendAsync("GET", uri + "/subscription")).Status);
    }

    [Fact]
    public async Task A_name_has_at_most_249_bytes()
    {
        var group = NewName("g");

        Assert.Equal(200, (await server.SendAsync("POST", $"/strimzi/consumers/{group}", $$"""{"name":"{{new string('n', 249)}}"}""")).Status);
        Assert.Equal(422, (await server.SendAsync("POST", $"/strimzi/consumers/{group}", $$"""{"name":"{{new string('n', 250)}}"}""")).Status);
        Assert.Equal(422, (await server.SendAsync("POST", $"/strimzi/consumers/{group}", $$"""{"name":"{{new string('ü', 125)}}"}""")).Status);
    }

    [Fact]
    public async Task A_proxy_that_is_not_trusted_has_no_say_in_base_uri()
    {
        var created = await server.SendAsync("POST", $"/consumers/{NewName("g")}", "{}", null, null,
            ("X-Forwarded-Host", "evil.example.com"), ("X-Forwarded-Proto", "https"), ("Forwarded", "host=evil.example.com;proto=https"));

        Assert.StartsWith("http://127.0.0.1:", created.Json.GetProperty("base_uri").GetString());
    }

    [Theory]
    [InlineData("confluent", "X-Forwarded-Host", "log.example.com", "X-Forwarded-Proto", "https", "https://log.example.com/confluent/consumers/")]
    [InlineData("confluent", "Forwarded", "for=1.2.3.4;host=\"log.example.com:8443\";proto=https, for=10.0.0.1", "X-Forwarded-Prefix", "/kafka/", "https://log.example.com:8443/kafka/confluent/consumers/")]
    [InlineData("strimzi", "X-Forwarded-Host", "log.example.com", "X-Forwarded-Proto", "https", "https://log.example.com:443/strimzi/consumers/")]
    [InlineData("strimzi", "X-Forwarded-Host", "log.example.com", "X-Forwarded-Proto", "http", "http://log.example.com:80/strimzi/consumers/")]
    public async Task A_trusted_proxy_says_where_the_client_called(string profile, string header1, string value1, string header2, string value2, string expected)
    {
        var behind = new CompatServer(TimeProvider.System, ("RestStream:TrustedProxies", "10.0.0.0/8,127.0.0.1"));
        await behind.InitializeAsync();
        try
        {
            var created = await behind.SendAsync("POST", $"/{profile}/consumers/{NewName("g")}", "{}", null, null, (header1, value1), (header2, value2));

            Assert.StartsWith(expected, created.Json.GetProperty("base_uri").GetString());
        }
        finally
        {
            await behind.DisposeAsync();
        }
    }
}
