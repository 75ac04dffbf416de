using RestStream.Http.Compat;
using RestStream.Http.Errors;

namespace RestStream.Http.OpenApi;

/// <summary>Examples of REST Proxy v2's consumer instances.</summary>
internal static class ConsumerExamples
{
    private const string Instance = """{"instance_id":"c1","base_uri":"http://localhost:8082/consumers/billing/instances/c1"}""";
    private const string Partitions = """{"partitions":[{"topic":"demo","partition":0}]}""";
    private const string Committed = """{"offsets":[{"topic":"demo","partition":0,"offset":1,"metadata":""}]}""";

    public static IReadOnlyDictionary<string, ApiOperation> ByOperation { get; } = new Dictionary<string, ApiOperation>(StringComparer.Ordinal)
    {
        ["CreateTopicV2"] = new(Json("""{"topic_name":"demo-v2","partitions_count":3,"replication_factor":1}"""), []),
        ["CreateConsumerInstance"] = new(Json("""{"name":"c2","format":"json","auto.offset.reset":"earliest","auto.commit.enable":"false"}"""), Json(Instance)),
        ["DeleteConsumerInstance"] = new([], []),
        ["SubscribeConsumer"] = new(Json("""{"topics":["demo"]}"""), []),
        ["GetConsumerSubscription"] = new([], Json("""{"topics":["demo"]}""")),
        ["UnsubscribeConsumer"] = new([], []),
        ["AssignConsumer"] = new(Json(Partitions), []),
        ["GetConsumerAssignments"] = new([], Json(Partitions)),
        ["PollConsumer"] = new([],
            [
                Records(DataFormat.Json, "\"c-17\"", """{"total":12.50}"""), Records(DataFormat.Base64, "\"Yy0xNw==\"", "\"aGVsbG8=\""), Records(DataFormat.Text, "\"c-17\"", "\"hello\""),
            ],
            [
                new("timeout", "Longest wait for records, in milliseconds. In the confluent profile it can only shorten the instance's consumer.request.timeout.ms (1000).") { IsNumber = true },
                new("max_bytes", "Most bytes of records; 1 MiB unless given. One record always fits.") { IsNumber = true },
            ]),
        ["CommitConsumer"] = new(Json("""{"offsets":[{"topic":"demo","partition":0,"offset":0}]}"""), Json("[]")),
        ["GetConsumerOffsets"] = new([], Json(Committed),
            [new("partition", "A topic and the number of a partition of it, such as demo:0; may be repeated. Or leave it out and send the body of QueryConsumerOffsets.") { Example = "demo:0" }]),
        ["QueryConsumerOffsets"] = new(Json(Partitions), Json(Committed)),
        ["SeekConsumer"] = new(Json("""{"offsets":[{"topic":"demo","partition":0,"offset":0}]}"""), []),
        ["SeekConsumerToBeginning"] = new(Json(Partitions), []),
        ["SeekConsumerToEnd"] = new(Json(Partitions), []),
    };

    private static ApiBody[] Json(string example) => [new(Dialect.V2Type, example), new("application/json", example)];

    private static ApiBody Records(DataFormat format, string key, string value) => new(
        V2Accept.TypeOf(format), $$"""[{"topic":"demo","key":{{key}},"value":{{value}},"partition":0,"offset":0,"timestamp":1790000000000}]""");
}
