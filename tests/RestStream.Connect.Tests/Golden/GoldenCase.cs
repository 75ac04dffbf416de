using System.Text;
using System.Text.Json;
using RestStream.Connect.Data;

namespace RestStream.Connect.Tests.Golden;

/// <summary>One case: its input fields, then <c>output</c> (or what the file's row in the README says) or <c>error</c>.</summary>
internal sealed class GoldenCase(JsonElement json)
{
    /// <summary>The case as it is written.</summary>
    public JsonElement Json { get; } = json;

    public string Id { get; } = json.GetProperty("id").GetString()!;

    /// <summary>What must go wrong; null when nothing may.</summary>
    public GoldenError? Error => Json.TryGetProperty("error", out var error) ? GoldenError.Parse(error) : null;

    public bool Has(string name) => Json.TryGetProperty(name, out _);

    public string Text(string name) => Json.GetProperty(name).GetString()!;

    /// <summary>A configuration; without the property, or where it is null, an empty one. Numbers and booleans come as their text.</summary>
    public Dictionary<string, string?> Config(string name = "config") =>
        Json.TryGetProperty(name, out var config) && config.ValueKind == JsonValueKind.Object
            ? config.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.ValueKind switch
            {
                JsonValueKind.Null => null,
                JsonValueKind.String => p.Value.GetString(),
                _ => p.Value.GetRawText(),
            })
            : [];

    /// <summary>The schema in that property; null where it is null or left out.</summary>
    public Schema? Schema(string name = "schema") => Json.TryGetProperty(name, out var schema) ? GoldenSchema.Parse(schema) : null;

    /// <summary>The value in that property, read by its schema.</summary>
    public object? Value(string name, Schema? schema) => GoldenValue.Parse(Json.GetProperty(name), schema);

    /// <summary>Schema and value as <c>{"schema","value"}</c>; null where that is null, which is not the same as both being null.</summary>
    public SchemaAndValue? SchemaAndValue(string name)
    {
        var pair = Json.GetProperty(name);
        if (pair.ValueKind == JsonValueKind.Null)
            return null;
        var schema = pair.TryGetProperty("schema", out var s) ? GoldenSchema.Parse(s) : null;
        return new SchemaAndValue(schema, GoldenValue.Parse(pair.GetProperty("value"), schema));
    }

    /// <summary>The record in that property; null for one that was dropped.</summary>
    public ConnectRecord? Record(string name) => GoldenRecord.Parse(Json.GetProperty(name));

    /// <summary>Bytes of a converter: text where they are UTF-8, else tagged; null for a tombstone.</summary>
    public byte[]? Bytes(string name)
    {
        var bytes = Json.GetProperty(name);
        return bytes.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.String => Encoding.UTF8.GetBytes(bytes.GetString()!),
            _ => bytes.GetProperty("$bytes").GetBytesFromBase64(),
        };
    }
}
