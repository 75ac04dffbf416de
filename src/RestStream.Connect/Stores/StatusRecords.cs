using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using RestStream.Connect.Model;

namespace RestStream.Connect.Stores;

internal enum StatusKind
{
    Unknown,
    Connector,
    Task,
    Topic,
}

/// <summary>Keys and values of the status topic, as Kafka's KafkaStatusBackingStore writes them.</summary>
internal static class StatusRecords
{
    private const string ConnectorPrefix = "status-connector-";
    private const string TaskPrefix = "status-task-";
    private const string TopicPrefix = "status-topic-";
    private const string TopicSeparator = ":connector-";

    public static string ConnectorKey(string connector) => ConnectorPrefix + connector;

    public static string TaskKey(string connector, int task) => string.Create(CultureInfo.InvariantCulture, $"{TaskPrefix}{connector}-{task}");

    public static string TopicKey(string connector, string topic) => TopicPrefix + topic + TopicSeparator + connector;

    public static byte[] KeyBytes(string key) => Encoding.UTF8.GetBytes(key);

    public static (StatusKind Kind, string Connector, int Task, string Topic) ReadKey(ReadOnlyMemory<byte> bytes)
    {
        var key = Encoding.UTF8.GetString(bytes.Span);
        if (key.StartsWith(ConnectorPrefix, StringComparison.Ordinal))
            return (StatusKind.Connector, key[ConnectorPrefix.Length..], 0, "");
        if (key.StartsWith(TaskPrefix, StringComparison.Ordinal) && ConfigRecords.TrySplitTask(key.AsSpan(TaskPrefix.Length), out var connector, out var task))
            return (StatusKind.Task, connector, task, "");

        // Names of topics have no colon, those of connectors may.
        var colon = key.IndexOf(TopicSeparator, StringComparison.Ordinal);
        return key.StartsWith(TopicPrefix, StringComparison.Ordinal) && colon > 0
            ? (StatusKind.Topic, key[(colon + TopicSeparator.Length)..], 0, key[TopicPrefix.Length..colon])
            : (StatusKind.Unknown, "", 0, "");
    }

    public static byte[] Value(StoredStatus status) => Write(json =>
    {
        json.WriteString("state", Text(status.State));
        json.WriteString("trace", status.Trace);
        json.WriteString("worker_id", status.WorkerId);
        json.WriteNumber("generation", status.Generation);
        json.WriteString("version", status.Version);
    });

    public static byte[] TopicValue(string connector, int task, string topic, long discovered) => Write(json =>
    {
        json.WriteStartObject("topic");
        json.WriteString("name", topic);
        json.WriteString("connector", connector);
        json.WriteNumber("task", task);
        json.WriteNumber("discoverTimestamp", discovered);
        json.WriteEndObject();
    });

    /// <summary>Null for a tombstone, and for what is no status: the next start writes it anew.</summary>
    public static StoredStatus? ReadStatus(ReadOnlyMemory<byte>? value)
    {
        if (value is null)
            return null;
        try
        {
            using var document = JsonDocument.Parse(value.Value);
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object && Enum.TryParse<WorkState>(TextOf(root, "state"), ignoreCase: true, out var state)
                ? new StoredStatus(state, TextOf(root, "trace"), TextOf(root, "worker_id") ?? "", NumberOf(root, "generation"), TextOf(root, "version"))
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The latter is what the parser says, late, of "\ud800".
            return null;
        }
    }

    public static string Text(WorkState state) => state switch
    {
        WorkState.Unassigned => "UNASSIGNED",
        WorkState.Running => "RUNNING",
        WorkState.Paused => "PAUSED",
        WorkState.Failed => "FAILED",
        WorkState.Restarting => "RESTARTING",
        _ => "STOPPED",
    };

    private static string? TextOf(JsonElement root, string name) => root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static int NumberOf(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : 0;

    private static byte[] Write(Action<Utf8JsonWriter> members)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return bytes.WrittenSpan.ToArray();
    }
}
