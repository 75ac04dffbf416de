using System.Text.Json;

namespace RestStream.Tests.Connect;

/// <summary>What has to be equal in the answers of two workers.</summary>
internal enum Sameness
{
    /// <summary>The body, member by member; what the other has is there too, further members may be.</summary>
    Body,

    /// <summary>Names and types of the members, not what they say.</summary>
    Shape,

    /// <summary>The status alone.</summary>
    Status,
}

/// <summary>
/// One request of the script. <paramref name="Row"/> names the row of the table in docs/connect.md that says why the answers differ; null: they do not. With <paramref name="Until"/> the request is repeated
/// until the states it shows are these: the connector's and those of its tasks; with <paramref name="Has"/> until the answer has this text.
/// </summary>
internal sealed record Step(string Method, string Path, string? Body = null, Sameness Same = Sameness.Body, string? Row = null, string? Until = null, string? Has = null)
{
    public override string ToString() => $"{Method} {Path} {Body}";
}

/// <summary>The script of requests that a Kafka Connect and RestStream must answer alike. FILE is a file with two lines, OUT one that does not exist.</summary>
internal static class Script
{
    private const string Source = """{"connector.class":"FileStreamSource","file":"FILE","topic":"lines","tasks.max":"1","topic.creation.default.partitions":"1","topic.creation.default.replication.factor":"1"}""";
    private const string Sink = """{"connector.class":"FileStreamSink","file":"OUT","topics":"lines","tasks.max":"1"}""";

    public static IReadOnlyList<Step> Steps { get; } =
    [
        new("GET", "", Same: Sameness.Shape),
        new("GET", "health"),
        new("GET", "connectors"),
        new("GET", "connectors?expand=status&expand=info"),
        new("GET", "nope"),
        new("DELETE", "connectors"),
        new("OPTIONS", "connectors", Same: Sameness.Status),
        new("HEAD", "connectors"),

        // Bad requests.
        new("POST", "connectors", "", Row: "bad-json"),
        new("POST", "connectors", "{", Row: "bad-json"),
        new("POST", "connectors", "[]", Row: "bad-json"),
        new("POST", "connectors", """{"name":"a"}""", Row: "bad-json"),
        new("POST", "connectors", """{"name":"a","config":{},"x":1}""", Row: "bad-json"),
        new("POST", "connectors", """{"name":"a","config":{"connector.class":"FileStreamSource","x":{}}}""", Row: "bad-json"),
        new("POST", "connectors", $$"""{"name":"a","config":{{Source}},"initial_state":"no"}""", Row: "bad-json"),
        new("POST", "connectors", """{"name":"a","config":{}}"""),
        new("POST", "connectors", """{"name":"a","config":{"connector.class":"Nope"}}""", Sameness.Status),
        new("POST", "connectors", """{"name":"a","config":{"connector.class":"FileStreamSource"}}"""),
        new("POST", "connectors", """{"name":"a","config":{"connector.class":"FileStreamSource","topic":"","batch.size":"x"}}"""),
        new("POST", "connectors", """{"name":"a","config":{"connector.class":"FileStreamSource","topic":"t","tasks.max":"0","errors.tolerance":"some"}}"""),
        new("POST", "connectors", """{"name":"a","config":{"connector.class":"FileStreamSource","topic":"t","key.converter":"Nope"}}"""),
        new("POST", "connectors", """{"name":"a","config":{"connector.class":"FileStreamSource","topic":"t","name":"b"}}"""),
        new("POST", "connectors", """{"name":" ","config":{"connector.class":"FileStreamSource","topic":"t"}}"""),
        new("POST", "connectors", """{"name":"a\rb","config":{"connector.class":"FileStreamSource","topic":"t"}}"""),
        new("POST", "connectors", """{"name":"a","config":{"connector.class":"FileStreamSink"}}"""),
        new("POST", "connectors", """{"name":"a","config":{"connector.class":"FileStreamSink","topics":"t","topics.regex":"t.*"}}"""),
        new("POST", "connectors", """{"name":"a","config":{"connector.class":"FileStreamSink","topics":"t,u","errors.deadletterqueue.topic.name":"t"}}"""),
        new("POST", "connectors", """{"name":"a","config":{"connector.class":"FileStreamSource","topic":"t","transforms":"x,x"}}"""),
        new("POST", "connectors", """{"name":"a","config":{"connector.class":"FileStreamSource","topic":"t","transforms":"x","transforms.x.type":"Nope"}}"""),
        new("POST", "connectors", """{"name":"a","config":{"connector.class":"FileStreamSource","topic":"t","x":null}}"""),

        // Nobody.
        .. new[] { "", "/config", "/status", "/tasks", "/tasks/0/status", "/tasks/x/status", "/topics", "/offsets", "/tasks-config" }.Select(p => new Step("GET", "connectors/nobody" + p)),
        new("PUT", "connectors/nobody/pause"), new("PUT", "connectors/nobody/resume"), new("PUT", "connectors/nobody/stop"), new("PUT", "connectors/nobody/topics/reset"),
        new("POST", "connectors/nobody/restart"), new("POST", "connectors/nobody/restart?includeTasks=true"), new("POST", "connectors/nobody/tasks/0/restart"),
        new("PATCH", "connectors/nobody/config", "{}"), new("PATCH", "connectors/nobody/offsets", "{}"), new("PATCH", "connectors/nobody/offsets", """{"offsets":[{"partition":{},"offset":{}}]}"""),
        new("DELETE", "connectors/nobody"), new("DELETE", "connectors/nobody/offsets"),

        // A source and a sink live.
        new("POST", "connectors", $$"""{"name":"from","config":{{Source}}}"""),
        new("GET", "connectors/from/status", Until: "RUNNING RUNNING"),
        new("GET", "connectors/from/offsets", Has: "\"position\":4"),
        new("POST", "connectors", $$"""{"name":"from","config":{{Source}}}"""),
        new("GET", "connectors"), new("GET", "connectors/from"), new("GET", "connectors/from/config"), new("GET", "connectors/from/tasks", Same: Sameness.Status),
        new("GET", "connectors/from/tasks/0/status"), new("GET", "connectors/from/tasks/7/status"), new("POST", "connectors/from/tasks/7/restart"),
        new("PUT", "connectors/to/config", Sink),
        new("GET", "connectors/to/status", Until: "RUNNING RUNNING"),
        new("PUT", "connectors/to/config", Sink),
        new("GET", "connectors/to/status", Until: "RUNNING RUNNING"),
        new("PATCH", "connectors/to/config", """{"errors.tolerance":"all"}"""),
        new("PATCH", "connectors/to/config", """{"errors.tolerance":null}"""),
        new("GET", "connectors/to/status", Until: "RUNNING RUNNING"),
        new("GET", "connectors/to"),
        new("GET", "connectors/to/offsets", Same: Sameness.Shape, Has: "kafka_offset"),
        new("POST", "connectors/from/restart", Same: Sameness.Status),
        new("GET", "connectors/from/status", Until: "RUNNING RUNNING"),
        new("POST", "connectors/from/restart?onlyFailed=true"),
        new("POST", "connectors/from/restart?includeTasks=true", Same: Sameness.Shape),
        new("GET", "connectors/from/status", Until: "RUNNING RUNNING"),
        new("POST", "connectors/from/tasks/0/restart"),
        new("GET", "connectors/from/status", Until: "RUNNING RUNNING"),
        new("PUT", "connectors/from/pause"),
        new("GET", "connectors/from/status", Until: "PAUSED PAUSED"),
        new("PATCH", "connectors/from/offsets", """{"offsets":[{"partition":{"filename":"FILE"},"offset":{"position":0}}]}"""),
        new("PUT", "connectors/from/stop"),
        new("GET", "connectors/from/status", Until: "STOPPED"),
        new("GET", "connectors/from"), new("GET", "connectors/from/tasks"), new("GET", "connectors/from/topics"), new("GET", "connectors/from/offsets"),
        new("PATCH", "connectors/from/offsets", """{"offsets":[{"partition":null,"offset":{"position":0}}]}""", Row: "source-offsets"),
        new("PATCH", "connectors/from/offsets", """{"offsets":[{"partition":{"filename":"FILE"},"offset":{"position":"0"}}]}""", Row: "source-offsets"),
        new("PATCH", "connectors/from/offsets", """{"offsets":[null]}""", Row: "bad-json"),
        new("PATCH", "connectors/from/offsets", """{"offsets":[{"partition":{"filename":"FILE"},"offset":{"position":2}}]}"""),
        new("GET", "connectors/from/offsets"),
        new("DELETE", "connectors/from/offsets"),
        new("DELETE", "connectors/from/offsets"),
        new("GET", "connectors/from/offsets"),
        new("PUT", "connectors/from/resume"),
        new("GET", "connectors/from/status", Until: "RUNNING RUNNING"),
        new("PUT", "connectors/to/stop"),
        new("GET", "connectors/to/status", Until: "STOPPED"),
        new("PATCH", "connectors/to/offsets", """{"offsets":[{"partition":{"kafka_topic":"lines"},"offset":{"kafka_offset":0}}]}"""),
        new("PATCH", "connectors/to/offsets", """{"offsets":[{"partition":{"kafka_topic":"lines","kafka_partition":"x"},"offset":{"kafka_offset":0}}]}"""),
        new("PATCH", "connectors/to/offsets", """{"offsets":[{"partition":{"kafka_topic":"lines","kafka_partition":0},"offset":{"kafka_offset":"x"}}]}"""),
        new("PATCH", "connectors/to/offsets", """{"offsets":[{"partition":{"kafka_topic":"lines","kafka_partition":0},"offset":{"x":0}}]}"""),
        new("PATCH", "connectors/to/offsets", """{"offsets":[{"offset":{"kafka_offset":0}}]}"""),
        new("PATCH", "connectors/to/offsets", """{"offsets":[{"partition":{"kafka_topic":"lines","kafka_partition":"0"},"offset":{"kafka_offset":"1"}}]}"""),
        new("GET", "connectors/to/offsets"),
        new("DELETE", "connectors/to/offsets"),
        new("GET", "connectors/to/offsets"),
        new("PUT", "connectors/to/resume"),
        new("GET", "connectors/to/status", Until: "RUNNING RUNNING"),
        new("POST", "connectors", $$"""{"name":"later","config":{{Source}},"initial_state":"paused"}"""),
        new("GET", "connectors/later/status", Until: "PAUSED"),
        new("DELETE", "connectors/later"),
        new("DELETE", "connectors/later"),
        new("POST", "connectors", """{"name":"fails","config":{"connector.class":"FileStreamSource","file":"FILE","topic":"lines","transforms":"c","transforms.c.type":"org.apache.kafka.connect.transforms.Cast$Value","transforms.c.spec":"int32"}}"""),
        new("GET", "connectors/fails/status", Same: Sameness.Shape, Until: "RUNNING FAILED"),
        new("DELETE", "connectors/fails"),
        new("GET", "connectors/fails/status", Has: "No status found"),

        // Plugins.
        new("GET", "connector-plugins/nope/config"),
        new("GET", "connector-plugins/FileStreamSource/config", Same: Sameness.Shape),
        new("GET", "connector-plugins/org.apache.kafka.connect.transforms.Cast$Value/config", Same: Sameness.Shape),
        new("GET", "connector-plugins/FileStreamSource/config?version=9.9", Same: Sameness.Status),
        new("PUT", "connector-plugins/FileStreamSource/config/validate", """{"name":"x","connector.class":"FileStreamSource"}""", Same: Sameness.Shape),
        new("PUT", "connector-plugins/FileStreamSink/config/validate", """{"name":"x","connector.class":"FileStreamSource"}"""),
        new("PUT", "connector-plugins/FileStreamSource/config/validate", """{"name":"x"}""", Row: "no-class"),
        new("PUT", "connector-plugins/Nope/config/validate", """{"name":"x","connector.class":"Nope"}""", Row: "no-class"),

        // Loggers.
        new("GET", "admin/loggers/nobody"),
        new("GET", "admin/loggers/root", Same: Sameness.Shape),
        new("PUT", "admin/loggers/some.logger", """{"level":"trace"}"""),
        new("PUT", "admin/loggers/some.logger", """{"level":"TRACE"}"""),
        new("GET", "admin/loggers/some.logger", Same: Sameness.Shape),
        new("PUT", "admin/loggers/some.logger?scope=cluster", """{"level":"INFO"}"""),
        new("PUT", "admin/loggers/root", "{}"),
        new("PUT", "admin/loggers/root", """{"level":"loud"}"""),
        new("DELETE", "connectors/from"),
        new("DELETE", "connectors/to"),
        new("GET", "connectors"),
    ];

    /// <summary>In what the second answer is not as the first; null: in nothing.</summary>
    public static string? Difference(Step step, Answer kafka, Answer ours)
    {
        if (kafka.Status != ours.Status)
            return $"{kafka.Status} became {ours.Status}";
        if (step.Same == Sameness.Status)
            return null;
        if (kafka.Json.ValueKind == JsonValueKind.Undefined)
            return kafka.Text == ours.Text ? null : $"'{kafka.Text}' became '{ours.Text}'";
        return Difference("", kafka.Json, ours.Json, step.Same);
    }

    private static string? Difference(string path, JsonElement kafka, JsonElement ours, Sameness same)
    {
        if (Kind(kafka) != Kind(ours))
            return kafka.ValueKind == JsonValueKind.Null || ours.ValueKind == JsonValueKind.Null ? same == Sameness.Shape ? null : $"{path}: {kafka} became {ours}" : $"{path}: {kafka.ValueKind} became {ours.ValueKind}";
        switch (kafka.ValueKind)
        {
            case JsonValueKind.Object:
                return kafka.EnumerateObject().Select(m => ours.TryGetProperty(m.Name, out var other) ? Difference($"{path}.{m.Name}", m.Value, other, same) : $"{path}.{m.Name} is missing").FirstOrDefault(d => d is not null);
            case JsonValueKind.Array when same == Sameness.Shape:
                return kafka.GetArrayLength() == 0 || ours.GetArrayLength() == 0 ? null : Difference($"{path}[0]", kafka[0], ours[0], same);
            case JsonValueKind.Array:
                return kafka.GetArrayLength() != ours.GetArrayLength() ? $"{path}: {kafka} became {ours}"
                    : kafka.EnumerateArray().Zip(ours.EnumerateArray()).Select((p, i) => Difference($"{path}[{i}]", p.First, p.Second, same)).FirstOrDefault(d => d is not null);
            default:
                return same == Sameness.Shape || path.EndsWith(".worker_id") || kafka.ToString() == ours.ToString() ? null : $"{path}: {kafka} became {ours}";
        }
    }

    private static JsonValueKind Kind(JsonElement element) => element.ValueKind == JsonValueKind.False ? JsonValueKind.True : element.ValueKind;
}
