using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using RestStream.Connect.Data;

namespace RestStream.Connect.Converters;

/// <summary>Values from JSON, by a schema or, without one, by what the JSON is (convertToConnect of Kafka's JsonConverter). Not thread safe.</summary>
internal sealed class JsonValueReader(JsonFormat format)
{
    private const int NamesKept = 1024;
    private const int LongestNameKept = 64;

    private static readonly object s_true = true;
    private static readonly object s_false = false;

    // Names of properties are the same record after record.
    private readonly BytesCache<string> _names = new(NamesKept);

    /// <summary>The value whose first token the reader stands on; the reader ends on its last.</summary>
    /// <exception cref="DataException">It does not fit the schema.</exception>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public object? Read(ref Utf8JsonReader json, Schema? schema) => schema is null ? ReadAny(ref json) : ReadAs(ref json, schema);

    private object? ReadAny(ref Utf8JsonReader json) => json.TokenType switch
    {
        JsonTokenType.String => JsonText.Read(ref json),
        JsonTokenType.Number => JsonNumber.IsWhole(json.ValueSpan) ? (object)JsonNumber.ToInt64(json.ValueSpan) : JsonNumber.ToDouble(json.ValueSpan),
        JsonTokenType.True => s_true,
        JsonTokenType.False => s_false,
        JsonTokenType.StartArray => ReadList(ref json, null),
        JsonTokenType.StartObject => ReadMap(ref json, null),
        _ => null,
    };

    private object? ReadAs(ref Utf8JsonReader json, Schema schema)
    {
        if (json.TokenType == JsonTokenType.Null)
            return WithoutValue(schema);
        switch (schema.Name)
        {
            case Schema.DecimalName:
                return ReadDecimal(ref json, schema);
            case Schema.DateName:
                return LogicalTypes.ToDate(ReadInt32(ref json, "Date"));
            case Schema.TimeName:
                return LogicalTypes.ToTime(ReadInt32(ref json, "Time"));
            case Schema.TimestampName:
                if (json.TokenType != JsonTokenType.Number || !JsonNumber.IsWhole(json.ValueSpan))
                    throw Unfit(ref json, "Invalid type for Timestamp, underlying representation should be integral but was ");
                return new Instant(JsonNumber.ToInt64(json.ValueSpan));
        }

        return schema.Type switch
        {
            SchemaType.Array => ReadItems(ref json, schema.ValueSchema),
            SchemaType.Map when schema.KeySchema?.Type == SchemaType.String => json.TokenType == JsonTokenType.StartObject
                ? ReadMap(ref json, schema.ValueSchema)
                : throw Unfit(ref json, "Maps with string fields should be encoded as JSON objects, but found "),
            SchemaType.Map => ReadPairs(ref json, schema),
            SchemaType.Struct => ReadStruct(ref json, schema),
            _ => ReadScalar(ref json, schema.Type),
        };
    }

    // As Jackson's nodes convert themselves: what is of another type is zero, false or null, and numbers lose what does not fit. Odd, but Kafka's records read so.
    private static object? ReadScalar(ref Utf8JsonReader json, SchemaType type)
    {
        var isNumber = json.TokenType == JsonTokenType.Number;
        var value = isNumber ? json.ValueSpan : "0"u8;
        unchecked
        {
            object? result = type switch
            {
                SchemaType.Int8 => (sbyte)JsonNumber.ToInt64(value),
                SchemaType.Int16 => (short)JsonNumber.ToInt64(value),
                SchemaType.Int32 => (int)JsonNumber.ToInt64(value),
                SchemaType.Int64 => JsonNumber.ToInt64(value),
                SchemaType.Float32 => JsonNumber.ToSingle(value),
                SchemaType.Float64 => JsonNumber.ToDouble(value),
                SchemaType.Boolean => json.TokenType == JsonTokenType.True ? s_true : s_false,
                SchemaType.String => json.TokenType == JsonTokenType.String ? JsonText.Read(ref json) : null,
                _ => json.TokenType == JsonTokenType.String ? ReadBytes(ref json) : null,
            };
            json.Skip();
            return result;
        }
    }

    private static byte[] ReadBytes(ref Utf8JsonReader json) =>
        JacksonBase64.TryDecode(json.ValueIsEscaped ? Encoding.UTF8.GetBytes(JsonText.Read(ref json)) : json.ValueSpan, out var bytes) ? bytes : throw new DataException("Invalid bytes field");

    private static BigDecimal ReadDecimal(ref Utf8JsonReader json, Schema schema)
    {
        switch (json.TokenType)
        {
            case JsonTokenType.Number:
                return JsonNumber.ToDecimal(json.ValueSpan);
            case JsonTokenType.String:
                try
                {
                    return LogicalTypes.ToDecimal(schema, ReadBytes(ref json));
                }
                catch (DataException e)
                {
                    throw new DataException("Invalid bytes for Decimal field", e);
                }

            default:
                throw Unfit(ref json, "Invalid type for Decimal, underlying representation should be numeric or bytes but was ");
        }
    }

    private static int ReadInt32(ref Utf8JsonReader json, string type) =>
        json.TokenType == JsonTokenType.Number && Utf8Parser.TryParse(json.ValueSpan, out int number, out var length) && length == json.ValueSpan.Length
            ? number
            : throw Unfit(ref json, $"Invalid type for {type}, underlying representation should be integer but was ");

    private object? WithoutValue(Schema schema)
    {
        if (schema.Default is { } defaultValue && format.ReplaceNullWithDefault)
            return defaultValue;
        return schema.IsOptional ? null : throw new DataException($"Invalid null value for required {schema.Type.ToString().ToUpperInvariant()} field");
    }

    private List<object?> ReadList(ref Utf8JsonReader json, Schema? elements)
    {
        var list = new List<object?>();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
            list.Add(Read(ref json, elements));
        return list;
    }

    // Jackson lets every node be walked as a list: an object gives its values, anything else nothing.
    private List<object?> ReadItems(ref Utf8JsonReader json, Schema? elements)
    {
        if (json.TokenType == JsonTokenType.StartArray)
            return ReadList(ref json, elements);
        return json.TokenType == JsonTokenType.StartObject ? [.. ReadMap(ref json, elements).Values] : [];
    }

    private Dictionary<string, object?> ReadMap(ref Utf8JsonReader json, Schema? values)
    {
        var map = new Dictionary<string, object?>();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = ReadName(ref json);
            json.Read();
            map[name] = Read(ref json, values);
        }

        return map;
    }

    private string ReadName(ref Utf8JsonReader json)
    {
        if (json.ValueIsEscaped || json.ValueSpan.Length > LongestNameKept)
            return JsonText.Read(ref json);
        if (!_names.TryGet(json.ValueSpan, out var name))
        {
            name = JsonText.Read(ref json);
            _names.Add(json.ValueSpan, name);
        }

        return name;
    }

    private System.Collections.IDictionary ReadPairs(ref Utf8JsonReader json, Schema schema)
    {
        if (json.TokenType != JsonTokenType.StartArray)
            throw Unfit(ref json, "Maps with non-string fields should be encoded as JSON array of tuples, but found ");
        var entries = new List<KeyValuePair<object, object?>>();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType != JsonTokenType.StartArray)
                throw Unfit(ref json, "Found invalid map entry instead of array tuple: ");
            var size = Count(json);
            if (size != 2)
                throw new DataException($"Found invalid map entry, expected length 2 but found :{size}");
            json.Read();
            var key = Read(ref json, schema.KeySchema) ?? NullKey.Instance;
            json.Read();
            entries.Add(KeyValuePair.Create(key, Read(ref json, schema.ValueSchema)));
            json.Read();
        }

        return DeepValue.Map(entries);
    }

    private static int Count(Utf8JsonReader array)
    {
        var count = 0;
        for (; array.Read() && array.TokenType != JsonTokenType.EndArray; count++)
            array.Skip();
        return count;
    }

    private Struct ReadStruct(ref Utf8JsonReader json, Schema schema)
    {
        if (json.TokenType != JsonTokenType.StartObject)
            throw Unfit(ref json, "Structs should be encoded as JSON objects, but found ");
        var result = new Struct(schema);
        var next = 0;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            // Mostly the fields come in the order of the schema.
            var field = next < schema.Fields.Count && json.ValueTextEquals(schema.Fields[next].Name) ? schema.Fields[next] : schema.Field(ReadName(ref json));
            json.Read();
            if (field is null)
            {
                json.Skip();
                continue;
            }

            next = field.Index + 1;
            result[field] = Read(ref json, field.Schema);
        }

        // What the JSON left out, or null: by the schema's default, or an error.
        foreach (var field in schema.Fields)
        {
            if (result.GetWithoutDefault(field) is null)
                result[field] = WithoutValue(field.Schema);
        }

        return result;
    }

    private static DataException Unfit(ref Utf8JsonReader json, string message) => new(message + JsonText.NodeType(json.TokenType));
}
