using System.Text.Json.Nodes;

namespace RestStream.Http.OpenApi;

/// <summary>Examples of Connect: a source that reads a file below the folder <c>files</c> of the data folder.</summary>
internal static class ConnectExamples
{
    private const string Type = "application/json";
    private const string Config = """{"connector.class":"FileStreamSource","file":"demo.txt","topic":"demo","tasks.max":"1","name":"demo-source"}""";
    private const string Flat = """{"connector.class":"FileStreamSource","file":"demo.txt","topic":"demo","tasks.max":"1"}""";
    private const string Info = $$"""{"name":"demo-source","config":{{Config}},"tasks":[{"connector":"demo-source","task":0}],"type":"source"}""";
    private const string Created = $$"""{"name":"demo-source","config":{{Config}},"tasks":[],"type":"source"}""";
    private const string Task = """{"id":0,"state":"RUNNING","worker_id":"127.0.0.1:8082","version":"4.3.1","restart_count":0,"records_per_second":12.5,"bytes_per_second":1100.0,"last_progress":"2026-09-21T12:26:40Z","stalled":false}""";
    private const string Status = $$"""{"name":"demo-source","connector":{"state":"RUNNING","worker_id":"127.0.0.1:8082","version":"4.3.1"},"tasks":[{{Task}}],"type":"source"}""";
    private const string Restarting = """{"name":"demo-source","connector":{"state":"RESTARTING","worker_id":"127.0.0.1:8082","version":"4.3.1"},"tasks":[],"type":"source"}""";
    private const string Key = """{"name":"topic","type":"STRING","required":true,"default_value":null,"importance":"HIGH","documentation":"The topic to publish data to","group":null,"width":"NONE","display_name":"topic","dependents":[],"order_in_group":-1}""";
    private const string Validated = $$$"""
        {"name":"FileStreamSource","error_count":1,"groups":["Common"],
         "configs":[{"definition":{{{Key}}},"value":{"name":"topic","value":null,"recommended_values":[],"errors":["Missing required configuration \"topic\" which has no default value."],"visible":true}}],
         "warnings":[{"name":"topc","message":"Nothing reads this key. Did you mean topic?"}]}
        """;
    private const string Offsets = """{"offsets":[{"partition":{"filename":"demo.txt"},"offset":{"position":0}}]}""";
    private const string Preview = """{"type":"source","records":[{"input":{"topic":"demo","value":"hello"},"steps":[],"output":{"topic":"demo","value":"\"hello\""},"error":null}]}""";

    public static IReadOnlyDictionary<string, ApiOperation> ByOperation { get; } = new Dictionary<string, ApiOperation>(StringComparer.Ordinal)
    {
        ["ListConnectors"] = new([], Json("""["demo-source"]"""), [new("expand", "status or info: an object with these, by connector, instead of names. May be given twice.", "status", "info")]),
        ["CreateConnector"] = new(Json($$"""{"name":"demo-source","config":{{Flat}}}"""), Json(Created, 201)),
        ["GetConnector"] = new([], Json(Info)),
        ["DeleteConnector"] = new([], []),
        ["GetConnectorConfig"] = new([], Json(Config)),
        ["PutConnectorConfig"] = new(Json(Flat), [.. Json(Info), .. Json(Created, 201)]),
        ["PatchConnectorConfig"] = new(Json("""{"batch.size":"500"}"""), Json(Info)),
        ["GetConnectorStatus"] = new([], Json(Status)),
        ["RestartConnector"] = new([], Json(Restarting, 202),
        [
            new("includeTasks", "true: the tasks too.", "true", "false"),
            new("onlyFailed", "true: only what has failed.", "true", "false"),
        ]),
        ["PauseConnector"] = new([], []),
        ["ResumeConnector"] = new([], []),
        ["StopConnector"] = new([], []),
        ["ListConnectorTasks"] = new([], Json($$"""[{"id":{"connector":"demo-source","task":0},"config":{{Config}}}]""")),
        ["GetTaskStatus"] = new([], Json(Task)),
        ["RestartTask"] = new([], []),
        ["GetConnectorTopics"] = new([], Json("""{"demo-source":{"topics":["demo"]}}""")),
        ["ResetConnectorTopics"] = new([], []),
        ["GetConnectorOffsets"] = new([], Json(Offsets)),
        ["AlterConnectorOffsets"] = new(Json(Offsets), Json("""{"message":"The offsets for this connector have been altered successfully"}""")),
        ["ResetConnectorOffsets"] = new([], Json("""{"message":"The offsets for this connector have been reset successfully"}""")),
        ["PreviewConnector"] = new(Json("""{"records":[{"value":"hello"}]}"""), Json(Preview)),
        ["PreviewConfig"] = new(Json($$"""{"config":{{Flat}},"records":[{"value":"hello"}]}"""), Json(Preview)),
        ["ReplayDeadLetters"] = new(Json("""{"from":"last","limit":100}"""), Json("""{"topic":"demo-dlq","read":3,"replayed":3,"skipped":0,"topics":{"demo":3},"remaining":0}""")),
        ["ListConnectorPlugins"] = new([], Json("""[{"class":"org.apache.kafka.connect.file.FileStreamSourceConnector","type":"source","version":"4.3.1"}]""")),
        ["GetPluginConfig"] = new([], Json($"[{Key}]")),
        ["ValidateConfig"] = new(Json(Flat), Json(Validated)),
        ["RescanPlugins"] = new([], Json("[]")),
        ["ListLoggers"] = new([], Json("""{"root":{"level":"INFO","last_modified":null}}""")),
        ["GetLogger"] = new([], Json("""{"level":"INFO","last_modified":null}""")),
        ["SetLogLevel"] = new(Json("""{"level":"INFO"}"""), Json("""["RestStream.Connect.Herder"]""")),
        ["GetConnectorHealth"] = new([],
        [
            .. Json("""{"status":"healthy","connectors":1,"problems":[]}"""),
            .. Json("""{"status":"unhealthy","connectors":1,"problems":[{"connector":"demo-source","task":0,"state":"FAILED","stalled":false,"error":"demo.txt cannot be read."}]}""", 503),
        ]),
        ["CallHook"] = new(Json("""{"id":17}"""), Json("""{"accepted":1}""")),
    };

    /// <summary>What an operation of Connect answers with this status.</summary>
    public static JsonObject Error(int status) => new()
    {
        ["error_code"] = status,
        ["message"] = status switch
        {
            400 => "Connector configuration is invalid and contains the following 1 error(s):\nMissing required configuration \"topic\" which has no default value.",
            403 => "Topic tracking is disabled.",
            404 => "Connector demo-source not found",
            406 => "HTTP 406 Not Acceptable",
            409 => "Connector demo-source already exists",
            413 => "The body of this call has at most 1048576 bytes.",
            415 => "HTTP 415 Unsupported Media Type",
            _ => "Request timed out. The worker is currently starting up, which began at 2026-09-21T12:26:40.000Z",
        },
    };

    private static ApiBody[] Json(string example, int status = 200) => [new(Type, example, status)];
}
