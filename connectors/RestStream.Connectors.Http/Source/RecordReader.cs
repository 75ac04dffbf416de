using System.Globalization;
using System.Text.Json;
using Json.Pointer;
using RestStream.Connect;
using RestStream.Connect.Config;
using RestStream.Connect.Data;
using RestStream.Connectors.Http.Requests;

namespace RestStream.Connectors.Http.Source;

/// <summary>Takes records out of JSON by the pointers of the settings. Immutable.</summary>
internal sealed class RecordReader
{
    private readonly string _topic;
    private readonly JsonPointer _list;
    private readonly JsonPointer _value;
    private readonly JsonPointer? _key;
    private readonly JsonPointer? _timestamp;
    private readonly List<(string Name, JsonPointer Pointer)> _offset = [];

    public RecordReader(ConfigValues config)
    {
        _topic = config.GetString("kafka.topic");
        _list = JsonPointer.Parse(config.GetString("http.response.list.pointer"));
        _value = JsonPointer.Parse(config.GetString("http.response.record.pointer"));
        _key = config.FindString("http.response.record.key.pointer") is { } key ? JsonPointer.Parse(key) : null;
        _timestamp = config.FindString("http.response.record.timestamp.pointer") is { } timestamp ? JsonPointer.Parse(timestamp) : null;
        foreach (var part in config.GetList("http.response.record.offset.pointer"))
        {
            var split = part.IndexOf('=', StringComparison.Ordinal);
            _offset.Add((part[..split].Trim(), JsonPointer.Parse(part[(split + 1)..].Trim())));
        }
    }

    /// <summary>The elements of an answer: those of the array, or the one thing it is.</summary>
    /// <exception cref="ConnectException">There is nothing where the pointer points.</exception>
    public IEnumerable<JsonElement> Elements(JsonElement answer)
    {
        if (_list.Evaluate(answer) is not { } list)
            throw new ConnectException($"The answer has nothing at {_list}. Set http.response.list.pointer to where its records are.");
        return list.ValueKind switch
        {
            JsonValueKind.Array => list.EnumerateArray(),
            JsonValueKind.Null => [],
            _ => [list],
        };
    }

    /// <summary>The parts of the offset that an element has.</summary>
    public IReadOnlyList<(string Name, object? Value)> OffsetParts(JsonElement element) => [.. _offset.Select(part => (part.Name, part.Pointer.Evaluate(element) is { } found ? JsonValue.From(found) : null))];

    public SourceRecord Record(JsonElement element, IReadOnlyDictionary<string, object?> partition, IReadOnlyDictionary<string, object?> offset) => new()
    {
        Topic = _topic,
        Key = _key?.Evaluate(element) is { } key ? JsonValue.From(key) : null,
        Value = _value.Evaluate(element) is { } value ? JsonValue.From(value) : null,
        Timestamp = _timestamp?.Evaluate(element) is { } time ? Time(time) : null,
        SourcePartition = partition,
        SourceOffset = offset,
    };

    /// <summary>Text that is no JSON.</summary>
    public SourceRecord Record(string text, IReadOnlyDictionary<string, object?> partition, IReadOnlyDictionary<string, object?> offset) => new()
    {
        Topic = _topic,
        ValueSchema = Schema.String,
        Value = text,
        SourcePartition = partition,
        SourceOffset = offset,
    };

    private static long? Time(JsonElement time) => time.ValueKind switch
    {
        JsonValueKind.Number when time.TryGetInt64(out var ms) => ms,
        JsonValueKind.String when DateTimeOffset.TryParse(time.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) => at.ToUnixTimeMilliseconds(),
        _ => throw new ConnectException($"'{time}' is no time: ISO 8601, or milliseconds since 1970. Check http.response.record.timestamp.pointer."),
    };
}
