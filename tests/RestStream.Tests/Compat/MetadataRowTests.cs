using System.Text.Json;
using static RestStream.Tests.Compat.CompatServer;

namespace RestStream.Tests.Compat;

/// <summary>Metadata, topics and the products' own pages below the path bases, row by row of compat-rest-proxy §1.1, §1.2, §1.6 and §1.7.</summary>
public sealed class MetadataRowTests(CompatServer server) : IClassFixture<CompatServer>
{
    private const string All = "confluent strimzi karapace redpanda";
    private const string P0 = """{"partition":0,"leader":0,"replicas":[{"broker":0,"leader":true,"in_sync":true}]}""";
    private const string P1 = """{"partition":1,"leader":0,"replicas":[{"broker":0,"leader":true,"in_sync":true}]}""";

    public static IEnumerable<object[]> Rows => Row.Cases(
    [
        ..Row.For("confluent karapace redpanda", p => new("§1.1 banner", p, "GET /") { Answer = "{}", AnswerType = "application/json" }),
        new("§1.7 banner", "strimzi", "GET /") { Answer = "…{\"bridge_version\":\"", AnswerType = "application/json" },
        ..Row.For(All, p => new("§1.1 brokers", p, "GET /brokers") { Answer = """{"brokers":[0]}""" }),
        ..Row.For(All, p => new("§1.1 topics", p, "GET /topics") { Answer = "…\"{t}\"" }),
        ..Row.For(All, p => new("§1.1 topic", p, "GET /topics/{t}") { Answer = "…{\"name\":\"{t}\",\"configs\":{\"" }),
        ..Row.For(All, p => new("§1.1 partitions", p, "GET /topics/{t}/partitions") { Answer = $"[{P0},{P1}]" }),
        ..Row.For(All, p => new("§1.1 partition", p, "GET /topics/{t}/partitions/1") { Answer = P1 }),
        ..Row.For(All, p => new("§1.1 offsets", p, "GET /topics/{t}/partitions/0/offsets") { Answer = """{"beginning_offset":0,"end_offset":1}""" }),
        ..Row.For(All, p => new("§1.9 trailing slash", p, "GET /topics/{t}/") { Answer = "…{\"name\":\"{t}\"" }),
        ..Row.For(All, p => new("§1.9 trailing slash of a list", p, "GET /topics/") { Answer = "…\"{t}\"" }),

        // §1.2 types.
        ..Row.For("confluent strimzi redpanda", p => new("§1.9 answer type without Accept", p, "GET /topics") { AnswerType = V2 }),
        new("§1.2 default type", "karapace", "GET /topics") { AnswerType = JsonType },
        ..Row.For(All, p => new("§1.2 the v2 type", p, "GET /topics") { Accept = V2, AnswerType = V2 }),
        ..Row.For(All, p => new("§1.2 wildcard", p, "GET /topics") { Accept = "*/*" }),
        ..Row.For(All, p => new("§1.9 lists with q", p, "GET /topics") { Accept = "text/html;q=0.1, application/vnd.kafka.v2+json;q=0.9", AnswerType = V2 }),
        ..Row.For("confluent karapace redpanda", p => new("§1.2 Accept that fits nothing", p, "GET /topics") { Accept = "text/html", Status = 406, Code = 40600 }),
        new("§1.2 Accept is ignored", "strimzi", "GET /topics") { Accept = "text/html", AnswerType = V2 },
        new("§1.2 */json", "karapace", "GET /topics") { Accept = "*/json" },

        // §1.6, §1.7 what is not there.
        ..Row.For("confluent karapace", p => new("§1.6 unknown topic", p, "GET /topics/missing") { Status = 404, Code = 40403 }),
        new("§1.7 unknown topic", "strimzi", "GET /topics/missing") { Status = 404, Code = 404, AnswerType = V2 },
        new("§1.6 unknown topic", "redpanda", "GET /topics/missing") { Status = 404, Code = 40402 },
        ..Row.For("confluent karapace redpanda", p => new("§1.6 unknown partition", p, "GET /topics/{t}/partitions/9") { Status = 404, Code = 40402 }),
        new("§1.7 unknown partition", "strimzi", "GET /topics/{t}/partitions/9") { Status = 404, Code = 404 },
        new("§1.7 unknown partition", "strimzi", "GET /topics/{t}/partitions/9/offsets") { Status = 404, Code = 404 },
        new("§1.9 negative partition, at once", "strimzi", "GET /topics/{t}/partitions/-1") { Status = 404, Code = 404 },
        new("§1.7 partition no integer", "strimzi", "GET /topics/{t}/partitions/x") { Status = 400, Code = 400, Answer = "…\"validation_errors\":[\"partition: " },
        new("§1.7 path partition no integer", "strimzi", "GET /topics/{t}/partitions/x/offsets") { Status = 400, Code = 400, Answer = "…\"validation_errors\":[\"partition: " },
        new("§1.7 path partition no integer", "strimzi", "GET /topics/{t}/partitions/x/records?offset=0") { Status = 400, Code = 400, Answer = "…\"validation_errors\":[\"partition: " },

        // §1.1 health.
        ..Row.For(All, p => new("§1.1 healthy", p, "GET /healthy") { Answer = "" }),
        ..Row.For(All, p => new("§1.1 ready", p, "GET /ready") { Answer = "" }),
        new("§1.1 _health", "karapace", "GET /_health"),
        new("§1.1 status/ready", "redpanda", "GET /status/ready"),

        // Native paths are not there.
        ..Row.For(All, p => new("§1.9 no native paths", p, "GET /groups") { Status = 404 }),
        ..Row.For(All, p => new("§1.9 no native paths", p, "GET /metrics") { Status = 404 }),
        ..Row.For(All, p => new("§1.9 no native paths", p, "POST /topics/{t}/records") { Body = "{}", Status = 404 }),
        ..Row.For(All, p => new("§1.9 no native paths", p, "PUT /topics/other") { Body = "{}", Status = 405 }),

        // §1.1 the stateless read.
        new("§1.1 records", "redpanda", "GET /topics/{t}/partitions/0/records?offset=0&timeout=0&max_bytes=100000")
            { Accept = JsonType, AnswerType = JsonType, Answer = "…[{\"topic\":\"{t}\",\"key\":null,\"value\":\"first\",\"partition\":0,\"offset\":0," },
        new("§1.1 records binary", "redpanda", "GET /topics/{t}/partitions/0/records?offset=0&timeout=0&max_bytes=100000") { Accept = BinaryType, AnswerType = BinaryType, Answer = "…ImZpcnN0Ig==" },
        ..new[] { "timeout=0&max_bytes=100", "offset=0&max_bytes=100", "offset=0&timeout=0" }.Select(q =>
            new Row("§1.1 all parameters required", "redpanda", $"GET /topics/{{t}}/partitions/0/records?{q}") { Accept = JsonType, Status = 400, Code = 40002 }),
        new("§1.1 Accept must name a record type", "redpanda", "GET /topics/{t}/partitions/0/records?offset=0&timeout=0&max_bytes=100") { Accept = "text/html", Status = 406 },

        // §1.1, §1.7 admin.
        new("§1.1 admin/topics", "strimzi", "POST /admin/topics") { Body = """{"topic_name":"new-{t}","partitions_count":3,"replication_factor":1}""", ContentType = JsonType, Status = 201, Answer = "{}", AnswerType = V2 },
        new("§1.1 null is the default", "strimzi", "POST /admin/topics") { Body = """{"topic_name":"new-{t}","partitions_count":null,"replication_factor":null}""", ContentType = JsonType, Status = 201, Answer = "{}" },
        new("§1.9 topic exists 409", "strimzi", "POST /admin/topics") { Body = """{"topic_name":"{t}"}""", ContentType = JsonType, Status = 409, Code = 409 },
        new("§1.9 bad name 422", "strimzi", "POST /admin/topics") { Body = """{"topic_name":"a b"}""", ContentType = JsonType, Status = 422, Code = 422 },
        new("§1.9 bad count 422", "strimzi", "POST /admin/topics") { Body = """{"topic_name":"new-{t}","partitions_count":0}""", ContentType = JsonType, Status = 422, Code = 422 },
        new("§1.9 impossible replication factor 422", "strimzi", "POST /admin/topics") { Body = """{"topic_name":"new-{t}","replication_factor":3}""", ContentType = JsonType, Status = 422, Code = 422 },
        new("§6 missing topic_name", "strimzi", "POST /admin/topics") { Body = "{}", ContentType = JsonType, Status = 400, Code = 400, Answer = "…validation_errors" },
        new("§1.7 unknown field", "strimzi", "POST /admin/topics") { Body = """{"topic_name":"new-{t}","x":1}""", ContentType = JsonType, Status = 400, Code = 400, Answer = "…\"validation_errors\":[\"x" },
        new("§1.7 no body", "strimzi", "POST /admin/topics") { Body = "", ContentType = JsonType, Status = 400, Code = 400, Answer = "…does not contain the required body" },
        new("§1.7 broken JSON", "strimzi", "POST /admin/topics") { Body = "{", ContentType = JsonType, Status = 400, Code = 400, Answer = "…can't be decoded" },
        new("§1.2 another type", "strimzi", "POST /admin/topics") { Body = """{"topic_name":"new-{t}"}""", ContentType = "text/plain", Status = 400, Code = 400 },
    ]);

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task Row_of_the_table(Row row)
    {
        var topic = await server.CreateTopicAsync(2);
        await server.ProduceAsync(topic, 0, "\"first\"");

        await row.CheckAsync(server, ("{t}", topic));
    }

    [Fact]
    public async Task A_topic_has_all_its_configs_as_strings()
    {
        var topic = await server.CreateTopicAsync();

        var configs = (await server.SendAsync("GET", $"/strimzi/topics/{topic}")).Json.GetProperty("configs");

        Assert.All(configs.EnumerateObject(), c => Assert.Equal(JsonValueKind.String, c.Value.ValueKind));
        Assert.True(configs.EnumerateObject().Count() > 20);
    }

    [Fact]
    public async Task Internal_topics_are_not_listed()
    {
        await server.SendAsync("POST", $"/confluent/consumers/{NewName("g")}", "{}");

        foreach (var profile in All.Split(' '))
            Assert.DoesNotContain("__", (await server.SendAsync("GET", $"/{profile}/topics")).Body);
        Assert.NotNull(server.Broker.DescribeTopic("__consumer_instances"));
    }

    [Theory]
    [InlineData("/strimzi/openapi")]
    [InlineData("/strimzi/openapi/v3")]
    public async Task The_description_is_that_of_v2_with_the_path_base(string path)
    {
        var answer = await server.SendAsync("GET", path);

        Assert.Equal((200, "application/json"), (answer.Status, answer.ContentType));
        Assert.StartsWith("3.1.", answer.Json.GetProperty("openapi").GetString());
        Assert.Equal("/strimzi", answer.Json.GetProperty("servers")[0].GetProperty("url").GetString());
        var paths = answer.Json.GetProperty("paths").EnumerateObject().Select(p => p.Name).ToList();
        Assert.Contains("/consumers/{group}", paths);
        Assert.Contains("/topics", paths);
        Assert.DoesNotContain("/topics/{topic}/records", paths);
        Assert.DoesNotContain("/metrics", paths);
    }

    [Theory]
    [InlineData("Strimzi", 404)]
    [InlineData("Confluent", 40403)]
    public async Task The_root_speaks_as_the_setting_says(string profile, int code)
    {
        var other = new CompatServer(TimeProvider.System, ("RestStream:Compat:RootProfile", profile));
        await other.InitializeAsync();
        try
        {
            var answer = await other.SendAsync("GET", "/topics/missing", accept: V2);

            Assert.Equal((404, V2, code), (answer.Status, answer.ContentType, answer.ErrorCode));
        }
        finally
        {
            await other.DisposeAsync();
        }
    }
}
