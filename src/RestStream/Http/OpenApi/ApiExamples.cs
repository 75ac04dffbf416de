using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace RestStream.Http.OpenApi;

/// <summary>
/// What the code of the endpoints cannot say about itself: examples of bodies, and the parameters of handlers that read the request themselves.
/// By operationId; the lint test names an operation that is missing here.
/// </summary>
internal static class ApiExamples
{
    private const string Json = "application/json";
    private const string NdJson = "application/x-ndjson";
    private const string Events = "text/event-stream";
    private const string V2 = "application/vnd.kafka.v2+json";

    private const string Record = """{"topic":"demo","partition":0,"offset":0,"timestamp":1790000000000,"key":"c-17","value":{"total":12.50}}""";
    private const string Page = $$"""{"records":[{{Record}}],"cursor":"0:1","end":true}""";
    private const string Offsets = """{"offsets":[{"partition":0,"offset":0,"timestamp":1790000000000}]}""";
    private const string Refused = """{"error":{"type":"https://reststream.dev/errors/invalid-record","title":"Invalid record","status":422,"detail":"A record needs a value; null deletes.","error_code":42200,"message":"A record needs a value; null deletes."}}""";
    private const string Partition = """{"partition":0,"leader":0,"replicas":[{"broker":0,"leader":true,"in_sync":true}],"log_start_offset":0,"high_watermark":3,"bytes":240}""";
    private const string Topic = $$"""{"name":"demo","topic_id":"4vmbR5m8Q0-XIlq3hTPEHg","created":"2026-09-21T12:26:40+00:00","internal":false,"configs":{"retention.ms":"86400000"},"partitions":[{{Partition}}]}""";
    private const string Healthy = """{"status":"healthy","message":"The log is recovered and takes records."}""";
    private const string NotReady = """{"status":"starting","message":"The log is being recovered."}""";

    private static readonly ApiParameter[] s_produce =
    [
        new("acks", "`all` (default): answered when the records are as durable as the topic asks. `0`: answered at once with 202.", "all", "0"),
        new("strict", "`true`: all records or none; refused before anything is written.", "true", "false"),
        new("atomic", "`true`: all records or none, over several topics and partitions and across a crash too. Not with `acks=0`, `If-Match` or NDJSON.", "true", "false"),
        new("key_format", "How the keys of the records are written, where a record does not say it itself. Default text.", "text", "json", "base64"),
        new("value_format", "How the values of the records are written, where a record does not say it itself. Default json.", "json", "text", "base64"),
        new("key", "Raw bodies only: the record's key."),
        new("partition", "Raw bodies only: the record's partition."),
        new("timestamp", "Raw bodies only: the record's time in epoch milliseconds."),
        new("If-Match", "The offset that the first record shall get, such as \"43\": all records are appended as one batch if it is the partition's next one, else nothing (412).") { In = ParameterLocation.Header },
    ];

    private static readonly ApiParameter[] s_producer =
    [
        new("Idempotency-Key", "1 to 128 characters of your choice: the request is done once, all or nothing, and a repeat within 24 h gets the first answer with `Idempotent-Replayed: true`. The same key with another request is 422; while the first is being done 409.") { In = ParameterLocation.Header },
        new("Producer-Id", "With Producer-Epoch and Producer-Seq: an idempotent producer, whose every request is written once. From POST /producers.") { In = ParameterLocation.Header },
        new("Producer-Epoch", "The producer's epoch.") { In = ParameterLocation.Header },
        new("Producer-Seq", "The sequence of the first record: counts the producer's records in the partition, from 0 on. A repeat answers the first result with `Idempotent-Replayed: true`; a gap is 409 with `Producer-Expected-Seq`. When the topic grew since, a record with a key may have to name its partition (422), because its repeat would go to another.") { In = ParameterLocation.Header },
    ];

    private static readonly ApiBody[] s_produceBodies =
    [
        new(Json, """{"key":"c-17","value":{"total":12.50},"headers":[{"key":"trace","value":"abc"}]}"""),
        new(NdJson, "{\"key\":\"c-17\",\"value\":{\"total\":12.50}}\n{\"key\":\"c-18\",\"value\":{\"total\":7}}\n"),
        new("application/octet-stream", "any bytes: the value of one record"),
        new("text/plain", "hello"),
    ];

    private static readonly ApiBody[] s_receipts =
    [
        new(Json, Offsets), new(NdJson, "{\"partition\":0,\"offset\":0,\"timestamp\":1790000000000}\n"),
        new(Json, $$"""{"offsets":[{"partition":0,"offset":0,"timestamp":1790000000000},{{Refused}}]}""", 207),
        new(NdJson, "{\"partition\":0,\"offset\":0,\"timestamp\":1790000000000}\n{\"line\":2," + Refused[1..] + "\n", 207),
    ];

    private static readonly ApiBody[] s_v2Bodies =
    [
        new("application/vnd.kafka.json.v2+json", """{"records":[{"key":"c-17","value":{"total":12.50}}]}"""),
        new("application/vnd.kafka.binary.v2+json", """{"records":[{"key":"Yy0xNw==","value":"aGVsbG8="}]}"""),
        new("application/vnd.kafka.text.v2+json", """{"records":[{"key":"c-17","value":"hello"}]}"""),
        new(Json, """{"records":[{"value":{"total":12.50}}]}"""),
    ];

    private const string V2Offsets = """{"offsets":[{"partition":0,"offset":0,"error_code":null,"error":null}],"key_schema_id":null,"value_schema_id":null}""";
    private static readonly ApiBody[] s_v2Receipts = [new(V2, V2Offsets), new(Json, V2Offsets)];

    private const string V2Record = """{"topic":"demo","key":"c-17","value":{"total":12.50},"partition":0,"offset":0,"timestamp":1790000000000}""";

    private static readonly ApiBody[] s_read =
    [
        new(Json, Page), new(NdJson, Record + "\n"), new(Events, $": ok\nretry: 2000\n\nid: 0:1\ndata: {Record}\n\n"),
        new("application/vnd.kafka.json.v2+json", $"[{V2Record}]"),
        new("application/vnd.kafka.binary.v2+json", $"[{V2Record.Replace("\"c-17\"", "\"Yy0xNw==\"").Replace("{\"total\":12.50}", "\"aGVsbG8=\"")}]"),
        new("application/vnd.kafka.text.v2+json", $"[{V2Record.Replace("{\"total\":12.50}", "\"hello\"")}]"),
    ];

    private static readonly ApiParameter[] s_groupStream =
    [
        new("topics", "Names of topics, with commas between them; or a topic_pattern.") { Example = "demo" },
        new("topic_pattern", "All topics whose whole name matches this regular expression."),
        new("member", "The member's own name; made up unless given, and told by the event open. A second stream of the same name takes over."),
        new("commit", "When a record counts as done. ack (default): the client says so. auto: when it was sent, at the next batch or heartbeat. none: never.", "ack", "auto", "none"),
        new("window", "Most records that are sent ahead of the acks, with commit=ack; 1,000 unless given.") { IsNumber = true },
        new("from", "Where to begin in a partition of which nothing is committed.", "earliest", "latest"),
        new("last_event_id", "As the header Last-Event-ID, for clients that cannot set it: an ack of everything up to that event."),
        new("rejoin_grace", "Milliseconds that the member keeps its partitions after a cut; 10,000 unless given.") { IsNumber = true },
        new("session_timeout", "Milliseconds that the member may be silent without a connection; 45,000 unless given.") { IsNumber = true },
        new("rebalance_timeout", "Milliseconds that a rebalance waits for the member; 60,000 unless given.") { IsNumber = true },
        new("assignor", "How partitions are assigned.", "range", "roundrobin", "sticky", "cooperative-sticky"),
        new("key_format", "How keys are shown. text unless given.", "text", "json", "base64"),
        new("value_format", "How values are shown. json unless given.", "json", "text", "base64"),
        new("Last-Event-ID", "The id of the last event that was seen: an ack of everything up to it.") { In = ParameterLocation.Header },
    ];

    public static IReadOnlyDictionary<string, ApiOperation> ByOperation { get; } = new Dictionary<string, ApiOperation>(StringComparer.Ordinal)
    {
        ["GetServer"] = new([], [new(Json, """{"version":"4.3.1","commit":"8fd0200c","kafka_cluster_id":"mwL0zVhEr0CxmGFRqFYZGA","bridge_version":"0.1.0","reststream_version":"0.1.0"}""")]),
        ["GetHealth"] = new([], [new(Json, Healthy), new(Json, NotReady, 503)]),
        ["GetLiveness"] = new([], [new(Json, """{"status":"healthy","message":"The process answers."}""")]),
        ["GetReadiness"] = new([], [new(Json, Healthy), new(Json, NotReady, 503)]),
        ["GetMetrics"] = new([], [new("text/plain", "# TYPE reststream_records_in_total counter\nreststream_records_in_total{topic=\"demo\"} 3\n")]),

        ["ListTopics"] = new([], [new(Json, """["demo","orders"]""")]),
        ["CreateTopic"] = new([new(Json, """{"partitions":3,"configs":{"retention.ms":"86400000"}}""")], [new(Json, Topic), new(Json, Topic, 201)]),
        ["DescribeTopic"] = new([], [new(Json, Topic)]),
        ["AlterTopic"] = new([new(Json, """{"partitions":6,"configs":{"retention.ms":null}}""")], [new(Json, Topic)]),
        ["DeleteTopic"] = new([], []),
        ["TruncateTopic"] = new([new(Json, """{"before":{"0":"high_watermark"}}""")], [new(Json, """{"log_start_offsets":{"0":3}}""")]),
        ["ListPartitions"] = new([], [new(Json, $"[{Partition}]")]),
        ["DescribePartition"] = new([], [new(Json, Partition)]),
        ["GetOffsets"] = new([], [new(Json, """{"beginning_offset":0,"end_offset":3,"offset_at":1}""")]),
        ["ListSegments"] = new([], [new(Json,
            """[{"base_offset":0,"end_offset":3,"bytes":240,"records":3,"first_timestamp":1790000000000,"last_timestamp":1790000000500,"offset_index_bytes":0,"time_index_bytes":0,"state":"active"}]""")]),
        ["ListBrokers"] = new([], [new(Json, """{"brokers":[0]}""")]),

        ["ProduceRecords"] = new(s_produceBodies, s_receipts, [.. s_produce, .. s_producer]),
        ["ProduceRecordsToPartition"] = new(s_produceBodies, s_receipts, [.. s_produce.Where(p => p.Name != "partition"), .. s_producer]),
        ["ProduceRecordsToTopics"] = new(
            [new(Json, """[{"topic":"demo","value":1},{"topic":"demo","key":"a","value":2}]"""), new(NdJson, "{\"topic\":\"demo\",\"value\":1}\n{\"topic\":\"demo\",\"value\":2}\n")],
            [.. s_receipts.Select(r => r with { Example = r.Example.Replace("{\"partition\"", "{\"topic\":\"demo\",\"partition\"") })], [.. s_produce[..5], .. s_producer]),
        ["InitProducer"] = new([new(Json, """{"producer_id":null,"producer_epoch":null}""")], [new(Json, """{"producer_id":1000,"producer_epoch":0}""")]),
        ["ProduceV2"] = new(s_v2Bodies, s_v2Receipts, s_producer),
        ["ProduceV2ToPartition"] = new(s_v2Bodies, s_v2Receipts, s_producer),

        ["ListGroups"] = new([], [new(Json, """{"groups":[{"group":"billing","state":"Stable","protocol_type":"consumer","members":1}],"next_page_token":null}""")]),
        ["PollGroup"] = new(
            [new(Json, """{"topics":["demo"],"member":"w1","max_records":100,"timeout":1000}""")],
            [new(Json, $$"""{"member":"w1","generation":1,"assignment":{"demo":[0]},"records":[{{Record}}],"cursor":"g1;@k3f9a1,demo/0:1"}""")]),
        ["StreamGroup"] = new(
            [],
            [new(Events, $$$"""
                : ok
                retry: 2000

                id: g1;@k3f9a1,demo/0:0
                event: open
                data: {"member":"w1","generation":1}

                id: g1;@k3f9a1,demo/0:0
                event: assignment
                data: {"generation":1,"assignment":{"demo":[0]}}

                id: g1;@k3f9a1,demo/0:1
                data: {{{Record}}}


                """.ReplaceLineEndings("\n"))],
            s_groupStream),
        ["AckGroup"] = new([new(Json, """{"member":"w1","cursor":"demo/0:0"}""")], [new(Json, """{"committed":"g1;@k3f9a1,demo/0:0"}""")]),
        ["LeaveGroup"] = new([], []),
        ["DescribeGroup"] = new([], [new(Json,
            """{"group":"billing","state":"Stable","protocol_type":"consumer","protocol":"range","generation":1,"leader":"w1-0f8fad5b","members":[{"member":"w1","member_id":"w1-0f8fad5b","client_id":"http","client_host":"/127.0.0.1","topics":["demo"],"assignment":{"demo":[0]}}]}""")]),
        ["DeleteGroup"] = new([], []),
        ["GetGroupLag"] = new([], [new(Json,
            """{"group":"billing","lag":2,"lag_ms":5300,"partitions":[{"topic":"demo","partition":0,"committed":1,"end":3,"lag":2,"lag_ms":5300,"member":"w1"}]}""")]),
        ["GetGroupOffsets"] = new([], [new(Json, """{"offsets":[{"topic":"demo","partition":0,"offset":1,"metadata":"","committed_at":"2026-09-21T12:26:40+00:00"}]}""")]),
        ["ResetGroupOffsets"] = new([new(Json, """{"to":"earliest","topics":["demo"],"dry_run":true}""")], [new(Json, """[{"topic":"demo","partition":0,"current":1,"new":0}]""")]),
        ["DeleteGroupOffsets"] = new([], []),

        ["ReadTopic"] = new([], s_read),
        ["ReadPartition"] = new([], s_read),
        ["ReadTopics"] = new([], s_read),
        ["ReadLatest"] = new([], [new(Json, Record)],
        [
            new("key", "The key, written as key_format says.") { Example = "c-17" },
            new("partition", "Search this partition instead of the one that the key belongs to.") { IsNumber = true },
        ]),
    }.Concat(ConsumerExamples.ByOperation).Concat(ConnectExamples.ByOperation).ToDictionary(StringComparer.Ordinal);

    /// <summary>
    /// What every operation means by a parameter of this name. A value is filled in by the Swagger UI, so that "Try it out" runs with one click; therefore only those have one
    /// that an operation needs.
    /// </summary>
    public static IReadOnlyDictionary<string, ApiParameter> Parameters { get; } = new ApiParameter[]
    {
        new("topic", "The topic's name.") { Example = "demo" },
        new("group", "The consumer group's name.") { Example = "billing" },
        new("member", "The member's name.") { Example = "w1" },
        new("partition", "The partition's number, from 0 on.") { Example = 0, IsNumber = true },
        new("topics", "Names of topics, with commas between them.") { Example = "demo" },
        new("from", "Where to begin: earliest (default), latest, an offset (one partition only), a time (2026-09-21T12:00:00Z or t=1790000000000), an age (-10m), or a count of the last records of each partition (-100)."),
        new("cursor", "Where to go on: the cursor of an earlier answer. Wins over from."),
        new("partitions", "Only these partitions: 0,2."),
        new("max_records", "Most records of the answer; 500 unless given.") { IsNumber = true },
        new("max_bytes", "Most bytes of records; 1 MiB unless given. One record always fits.") { IsNumber = true },
        new("timeout", "Longest wait for something to read, in milliseconds; 0 unless given.") { IsNumber = true },
        new("min_bytes", "Bytes of records that end the wait; 1 unless given.") { IsNumber = true },
        new("until", "Where to stop: an offset, a time, or latest."),
        new("key_format", "How keys are shown. text unless given.", "text", "json", "base64"),
        new("value_format", "How values are shown. json unless given.", "json", "text", "base64"),
        new("on_gap", "earliest: go on behind what is deleted or damaged, instead of an error.", "earliest"),
        new("live", "true: application/x-ndjson follows the log.", "true", "false"),
        new("detail", "true: a page of descriptions instead of names.", "true", "false"),
        new("page_token", "The next_page_token of the page before."),
        new("limit", "Most entries of a page; 100 unless given.") { IsNumber = true },
        new("internal", "true: with internal topics.", "true", "false"),
        new("connector", "The connector's name, percent-encoded.") { Example = "demo-source" },
        new("task", "The task's number, from 0 on.") { Example = 0, IsNumber = true },
        new("plugin", "The plugin's class, or its simple name.") { Example = "FileStreamSource" },
        new("version", "Of several versions of the plugin, this one."),
        new("connectorsOnly", "false: converters, transforms and predicates too.", "true", "false"),
        new("logger", "The logger's name; root is above all.") { Example = "root" },
        new("scope", "worker (default), or cluster: answers nothing.", "worker", "cluster"),
        new("hook", "The name under which the task listens.") { Example = "demo" },
        new("instance", "The instance's name.") { Example = "c1" },
        new("at", "earliest, latest, a time such as 2026-09-21T12:00:00Z, or epoch milliseconds."),
    }.ToDictionary(p => p.Name);
}

/// <summary>One operation's examples. <paramref name="Parameters"/> are query parameters and headers that its handler reads itself.</summary>
internal sealed record ApiOperation(IReadOnlyList<ApiBody> Requests, IReadOnlyList<ApiBody> Responses, IReadOnlyList<ApiParameter>? Parameters = null);

/// <summary>A body as it goes over the wire.</summary>
internal sealed record ApiBody(string Type, string Example, int Status = 200);

/// <summary>A parameter; <paramref name="Values"/> are all that are allowed, none = free text.</summary>
internal sealed record ApiParameter(string Name, string Description, params string[] Values)
{
    public bool IsNumber { get; init; }

    public ParameterLocation In { get; init; } = ParameterLocation.Query;

    /// <summary>What the Swagger UI fills in.</summary>
    public JsonNode? Example { get; init; }

    public OpenApiParameter ToOpenApi() => new()
    {
        Name = Name,
        In = In,
        Description = Description,
        Schema = Schema(),
        Example = Example?.DeepClone(),
        Required = Example is not null,
    };

    public void Describe(OpenApiParameter parameter)
    {
        parameter.Description = Description;
        parameter.Schema = Schema();
        parameter.Example = Example?.DeepClone();
        parameter.Required |= Example is not null;
    }

    private OpenApiSchema Schema() => IsNumber
        ? new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32" }
        : new OpenApiSchema { Type = JsonSchemaType.String, Enum = Values.Length == 0 ? null! : [.. Values.Select(v => JsonValue.Create(v))] };
}
