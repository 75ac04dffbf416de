using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using RestStream.Connect.Model;

namespace RestStream.Connect.Stores;

/// <summary>Keys and values of the configuration topic, as Kafka's KafkaConfigBackingStore writes them.</summary>
internal static class ConfigRecords
{
    public const string ConnectorPrefix = "connector-";
    public const string TaskPrefix = "task-";
    public const string CommitPrefix = "commit-";
    public const string TargetStatePrefix = "target-state-";

    /// <summary>Keys that Kafka writes and that mean nothing to a worker that starts, or to one alone: requests to running workers, fencing of other workers' tasks, the key of their requests to each other.</summary>
    public static bool IsOfNoConcern(string key) =>
        key == "session-key" || key.StartsWith("restart-connector-", StringComparison.Ordinal) || key.StartsWith("logger-cluster-", StringComparison.Ordinal)
        || key.StartsWith("tasks-fencing-", StringComparison.Ordinal);

    /// <summary><c>{"properties":{..}}</c>.</summary>
    public static byte[] PropertiesValue(IReadOnlyDictionary<string, string> config) => Write(json =>
    {
        json.WriteStartObject("properties");
        foreach (var (key, value) in config)
            json.WriteString(key, value);
        json.WriteEndObject();
    });

    /// <summary><c>{"tasks":2}</c>.</summary>
    public static byte[] CommitValue(int tasks) => Write(json => json.WriteNumber("tasks", tasks));

    /// <summary>Workers before 3.5 know <c>state</c> only, and no STOPPED: for them it is PAUSED.</summary>
    public static byte[] TargetStateValue(TargetState target) => Write(json =>
    {
        json.WriteString("state", target == TargetState.Started ? "STARTED" : "PAUSED");
        json.WriteString("state.v2", Text(target));
    });

    /// <exception cref="FormatException">It is no configuration.</exception>
    public static Dictionary<string, string> ReadProperties(ReadOnlyMemory<byte> value) => Read(value, root =>
    {
        if (!root.TryGetProperty("properties", out var properties) || properties.ValueKind != JsonValueKind.Object)
            throw new FormatException("it has no object 'properties'");
        var config = new Dictionary<string, string>();
        foreach (var property in properties.EnumerateObject())
        {
            // A null is a key that is not set: Kafka keeps what it was posted.
            if (property.Value.ValueKind != JsonValueKind.Null)
                config[property.Name] = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : property.Value.GetRawText();
        }

        return config;
    });

    /// <exception cref="FormatException">It is none.</exception>
    public static int ReadCommit(ReadOnlyMemory<byte> value) => Read(value, root =>
        root.TryGetProperty("tasks", out var tasks) && tasks.ValueKind == JsonValueKind.Number && tasks.TryGetInt32(out var count) && count >= 0
            ? count
            : throw new FormatException("it has no number 'tasks'"));

    /// <exception cref="FormatException">It is none.</exception>
    public static TargetState ReadTargetState(ReadOnlyMemory<byte> value) => Read(value, root =>
    {
        var text = TextOf(root, "state.v2") ?? TextOf(root, "state");
        return text switch
        {
            "STARTED" => TargetState.Started,
            "PAUSED" => TargetState.Paused,
            "STOPPED" => TargetState.Stopped,
            _ => throw new FormatException($"'{text}' is no target state"),
        };
    });

    /// <summary>Connector and number of <c>task-N-i</c>; false when it is none.</summary>
    public static bool TrySplitTask(ReadOnlySpan<char> nameAndNumber, out string connector, out int task)
    {
        var dash = nameAndNumber.LastIndexOf('-');
        connector = dash > 0 ? nameAndNumber[..dash].ToString() : "";
        task = 0;
        return dash > 0 && int.TryParse(nameAndNumber[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out task);
    }

    public static string Text(TargetState target) => target switch
    {
        TargetState.Started => "STARTED",
        TargetState.Paused => "PAUSED",
        _ => "STOPPED",
    };

    private static string? TextOf(JsonElement root, string name) => root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static T Read<T>(ReadOnlyMemory<byte> value, Func<JsonElement, T> read)
    {
        try
        {
            using var document = JsonDocument.Parse(value);
            return document.RootElement.ValueKind == JsonValueKind.Object ? read(document.RootElement) : throw new FormatException("it is no JSON object");
        }
        catch (JsonException e)
        {
            throw new FormatException("it is no JSON", e);
        }
        catch (InvalidOperationException e)
        {
            // What the parser says, late, of "\ud800".
            throw new FormatException("a text in it has half of a surrogate pair", e);
        }
    }

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
