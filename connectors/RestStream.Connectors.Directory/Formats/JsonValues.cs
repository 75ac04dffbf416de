using System.Text.Json;

using RestStream.Connect.Data;

namespace RestStream.Connectors.Folders.Formats;

/// <summary>JSON as Connect's values: without schema maps, lists, long, double, text, boolean and null; with one, structs of what the value holds.</summary>
internal static class JsonValues
{
    private const int MaxDepth = 64;

    /// <summary>One value and nothing behind it.</summary>
    /// <exception cref="InvalidDataException">It is something else.</exception>
    public static SchemaAndValue Read(ReadOnlySpan<byte> json, long position, DirectorySettings settings)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            reader.Read();
            var value = Read(ref reader);
            if (reader.Read())
                throw new InvalidDataException($"Something stands behind the JSON value at byte {position}");
            return settings.WithSchema ? WithSchema(value, settings.ValueSchemaName) : new(null, value);
        }
        catch (JsonException e)
        {
            throw Invalid(e, position);
        }
        catch (InvalidOperationException e)
        {
            // A text that is no UTF-8, or half a surrogate pair.
            throw new InvalidDataException($"The JSON value at byte {position} holds a text that is no UTF-8", e);
        }
    }

    public static InvalidDataException Invalid(JsonException error, long position) =>
        new($"No JSON at byte {position} (line {error.LineNumber} of the value, byte {error.BytePositionInLine} of that line)", error);

    /// <summary>The same value with a schema: structs with optional fields for maps. Elements of an array that differ in type become their text.</summary>
    public static SchemaAndValue WithSchema(object? value, string? name)
    {
        switch (value)
        {
            case null:
                return new(Schema.OptionalString, null);
            case bool:
                return new(Schema.OptionalBoolean, value);
            case long:
                return new(Schema.OptionalInt64, value);
            case double:
                return new(Schema.OptionalFloat64, value);
            case string:
                return new(Schema.OptionalString, value);
            case List<object?> list:
                var elements = list.ConvertAll(e => WithSchema(e, null));
                var type = elements.Where(e => e.Value is not null).Select(e => e.Schema!).Distinct().ToList();
                return type.Count == 1
                    ? new(SchemaBuilder.Array(type[0]).Optional().Build(), elements.ConvertAll(e => e.Value))
                    : new(SchemaBuilder.Array(Schema.OptionalString).Optional().Build(), list.ConvertAll(object? (e) => e is null ? null : Values.ToText(e)));
            default:
                var builder = SchemaBuilder.Struct().Optional();
                if (name is not null)
                    builder.Named(name);
                var fields = ((Dictionary<string, object?>)value).Where(f => f.Key.Length > 0).Select(f => (f.Key, Value: WithSchema(f.Value, null))).ToList();
                foreach (var (key, field) in fields)
                    builder.Field(key, field.Schema!);
                var made = new Struct(builder.Build());
                foreach (var (key, field) in fields)
                    made[key] = field.Value;
                return new(made.Schema, made);
        }
    }

    private static object? Read(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var map = new Dictionary<string, object?>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    var name = reader.GetString()!;
                    reader.Read();
                    map[name] = Read(ref reader);
                }

                return map;
            case JsonTokenType.StartArray:
                var list = new List<object?>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    list.Add(Read(ref reader));
                return list;
            case JsonTokenType.Number:
                return reader.TryGetInt64(out var number) ? number : (object)reader.GetDouble();
            case JsonTokenType.String:
                return reader.GetString();
            case JsonTokenType.True:
                return true;
            case JsonTokenType.False:
                return false;
            default:
                return null;
        }
    }
}
