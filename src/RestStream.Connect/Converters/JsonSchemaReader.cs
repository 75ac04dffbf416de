using System.Text.Json;
using RestStream.Connect.Data;

namespace RestStream.Connect.Converters;

/// <summary>Schemas from the schema part of envelopes (asConnectSchema of Kafka's JsonConverter), each read once. Not thread safe.</summary>
internal sealed class JsonSchemaReader(int cacheSize, JsonValueReader values)
{
    private readonly BytesCache<Schema> _cache = new(cacheSize);

    /// <summary>What was read last, and its JSON.</summary>
    public (ReadOnlyMemory<byte> Json, Schema Schema)? Last { get; private set; }

    /// <summary>The schema that this JSON describes; null for <c>null</c>. The bytes are valid JSON.</summary>
    /// <exception cref="DataException">It describes none.</exception>
    public Schema? Read(ReadOnlySpan<byte> json)
    {
        if (Last is { } last && json.SequenceEqual(last.Json.Span))
            return last.Schema;
        if (_cache.TryGet(json, out var known))
        {
            Last = (json.ToArray(), known);
            return known;
        }

        var reader = new Utf8JsonReader(json, JsonConverter.ReaderOptions);
        using var document = JsonDocument.ParseValue(ref reader);
        var schema = Read(document.RootElement);
        if (schema is not null)
        {
            _cache.Add(json, schema);
            Last = (json.ToArray(), schema);
        }

        return schema;
    }

    private Schema? Read(JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.Null)
            return null;
        var type = Text(json, "type") ?? throw new DataException("Schema must contain 'type' field");
        var builder = Start(JsonSchemaTypes.Parse(type), json);
        if (Find(json, "optional")?.ValueKind == JsonValueKind.True)
            builder.Optional();
        if (Text(json, "name") is { } name)
            builder.Named(name);
        if (Find(json, "version") is { ValueKind: JsonValueKind.Number } version && version.TryGetInt64(out var number))
            builder.WithVersion(unchecked((int)number));
        if (Text(json, "doc") is { } doc)
            builder.WithDoc(doc);
        if (Find(json, "parameters") is { ValueKind: JsonValueKind.Object } parameters)
        {
            foreach (var parameter in parameters.EnumerateObject())
            {
                if (parameter.Value.ValueKind != JsonValueKind.String)
                    throw new DataException("Schema parameters must have string values.");
                builder.Parameter(parameter.Name, parameter.Value.GetString()!);
            }
        }

        if (Find(json, "default") is { } defaultValue)
            builder.WithDefault(ReadDefault(builder.Build(), defaultValue));
        return builder.Build();
    }

    private SchemaBuilder Start(SchemaType type, JsonElement json)
    {
        switch (type)
        {
            case SchemaType.Array:
                if (Find(json, "items") is not { ValueKind: not JsonValueKind.Null } items)
                    throw new DataException("Array schema did not specify the element type");
                return SchemaBuilder.Array(Read(items)!);
            case SchemaType.Map:
                var keys = Find(json, "keys") ?? throw new DataException("Map schema did not specify the key type");
                var members = Find(json, "values") ?? throw new DataException("Map schema did not specify the value type");
                return SchemaBuilder.Map(Read(keys)!, Read(members)!);
            case SchemaType.Struct:
                var builder = SchemaBuilder.Struct();
                if (Find(json, "fields") is not { ValueKind: JsonValueKind.Array } fields)
                    throw new DataException("Struct schema's \"fields\" argument is not an array.");
                foreach (var field in fields.EnumerateArray())
                    builder.Field(Text(field, "field") ?? throw new DataException("Struct schema's field name not specified properly"), Read(field)!);
                return builder;
            default:
                return new SchemaBuilder(type);
        }
    }

    private object? ReadDefault(Schema schema, JsonElement json)
    {
        var reader = new Utf8JsonReader(System.Text.Encoding.UTF8.GetBytes(json.GetRawText()), JsonConverter.ReaderOptions);
        reader.Read();
        return values.Read(ref reader, schema);
    }

    private static JsonElement? Find(JsonElement json, string name) => json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var member) ? member : null;

    private static string? Text(JsonElement json, string name) => Find(json, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
}
