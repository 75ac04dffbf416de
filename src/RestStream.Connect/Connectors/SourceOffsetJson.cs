using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using RestStream.Connect.Model;
using SourceOffset = (System.Collections.Generic.IReadOnlyDictionary<string, object?>? Partition, System.Collections.Generic.IReadOnlyDictionary<string, object?>? Offset);

namespace RestStream.Connect.Connectors;

/// <summary>Source partitions and offsets between the JSON of <c>/offsets</c> and the values that connectors see: text, <see cref="long"/>, <see cref="double"/>, <see cref="bool"/>, and maps and lists of those.</summary>
internal static class SourceOffsetJson
{
    /// <summary>In the order of their first mention; the last of two equal partitions wins.</summary>
    public static IReadOnlyList<SourceOffset> Read(IReadOnlyList<OffsetEntry> entries)
    {
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        var read = new List<SourceOffset>();
        foreach (var (partition, offset) in entries)
        {
            var change = (Map(partition), Map(offset));
            if (places.TryAdd(Canonical(partition), read.Count))
                read.Add(change);
            else
                read[places[Canonical(partition)]] = change;
        }

        return read;
    }

    public static JsonObject Write(IReadOnlyDictionary<string, object?> map)
    {
        var json = new JsonObject();
        foreach (var (key, value) in map)
            json[key] = ToJson(value);
        return json;
    }

    /// <summary>The same text for equal partitions, whatever the order of their keys.</summary>
    private static string Canonical(JsonObject? partition) =>
        partition is null ? "" : string.Join(',', partition.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => $"{JsonSerializer.Serialize(e.Key)}:{e.Value?.ToJsonString() ?? "null"}"));

    private static Dictionary<string, object?>? Map(JsonObject? json) => json?.ToDictionary(e => e.Key, e => ToValue(e.Value));

    private static object? ToValue(JsonNode? json) => json switch
    {
        null => null,
        JsonObject map => Map(map),
        JsonArray list => list.Select(ToValue).ToList(),
        _ => json.GetValueKind() switch
        {
            JsonValueKind.String => json.GetValue<string>(),
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => long.TryParse(json.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
                ? (object)whole : double.Parse(json.ToJsonString(), CultureInfo.InvariantCulture),
        },
    };

    private static JsonNode? ToJson(object? value) => value switch
    {
        null => null,
        IReadOnlyDictionary<string, object?> map => Write(map),
        IEnumerable<object?> list => new JsonArray([.. list.Select(ToJson)]),
        _ => JsonValue.Create(value),
    };
}
