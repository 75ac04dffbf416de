using System.Globalization;
using System.Numerics;
using System.Text.Json;
using RestStream.Connect.Data;

namespace RestStream.Connect.Tests.Golden;

/// <summary>
/// Values of golden files: JSON where the schema (or, without one, JSON itself) says what it is, else tagged (<c>{"$int8":1}</c>). A value that its schema does not fit is read as without a schema:
/// that it does not fit is what such a case is about.
/// </summary>
internal static class GoldenValue
{
    public static object? Parse(JsonElement json, Schema? schema) => json.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number => Number(json.GetRawText(), schema?.Type),
        JsonValueKind.Array => json.EnumerateArray().Select(e => Parse(e, schema?.Type == SchemaType.Array ? schema.ValueSchema : null)).ToList(),
        _ => Tagged(json, schema, out var value) ? value : Members(json, schema),
    };

    private static object Number(string text, SchemaType? type)
    {
        var whole = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number);
        return type switch
        {
            SchemaType.Float32 => (object)float.Parse(text, CultureInfo.InvariantCulture),
            SchemaType.Float64 => double.Parse(text, CultureInfo.InvariantCulture),
            SchemaType.Int8 when whole => (sbyte)number,
            SchemaType.Int16 when whole => (short)number,
            SchemaType.Int32 when whole => (int)number,
            _ when whole => number,
            _ => double.Parse(text, CultureInfo.InvariantCulture),
        };
    }

    private static object Members(JsonElement json, Schema? schema)
    {
        if (schema?.Type != SchemaType.Struct)
            return json.EnumerateObject().ToDictionary(p => p.Name, p => Parse(p.Value, schema?.Type == SchemaType.Map ? schema.ValueSchema : null));

        var result = new Struct(schema);
        foreach (var member in json.EnumerateObject().Where(m => m.Value.ValueKind != JsonValueKind.Null))
            result.Put(member.Name, Parse(member.Value, schema.Field(member.Name)!.Schema));
        return result;
    }

    private static bool Tagged(JsonElement json, Schema? schema, out object? value)
    {
        value = null;
        var members = json.EnumerateObject().ToList();
        if (members is not [{ Name: ['$', ..] tag, Value: var content }])
            return false;

        value = tag switch
        {
            "$int8" => content.GetSByte(),
            "$int16" => content.GetInt16(),
            "$int32" => content.GetInt32(),
            "$int64" => content.GetInt64(),
            "$float32" => content.ValueKind == JsonValueKind.String ? (float)Special(content) : float.Parse(content.GetRawText(), CultureInfo.InvariantCulture),
            "$float64" => content.ValueKind == JsonValueKind.String ? Special(content) : double.Parse(content.GetRawText(), CultureInfo.InvariantCulture),
            "$bytes" => content.GetBytesFromBase64(),
            "$decimal" => Decimal(content.GetString()!),
            "$integer" => BigInteger.Parse(content.GetString()!, CultureInfo.InvariantCulture),
            "$timestamp" => new Instant(content.GetInt64()),
            "$map" => Map(content, schema),
            "$struct" => Parse(content.GetProperty("value"), GoldenSchema.Parse(content.GetProperty("schema"))),
            "$object" => Guid.Parse(content.GetString()!),
            _ => null,
        };
        return value is not null;
    }

    private static Dictionary<object, object?> Map(JsonElement entries, Schema? schema)
    {
        var (keys, values) = schema?.Type == SchemaType.Map ? (schema.KeySchema, schema.ValueSchema) : (null, null);
        return entries.EnumerateArray().ToDictionary(e => Parse(e[0], keys) ?? NullKey.Instance, e => Parse(e[1], values));
    }

    private static double Special(JsonElement text) => text.GetString() switch
    {
        "NaN" => double.NaN,
        "Infinity" => double.PositiveInfinity,
        "-Infinity" => double.NegativeInfinity,
        var other => double.Parse(other!, CultureInfo.InvariantCulture),
    };

    /// <summary>Java's text of a decimal: digits with a point, and an exponent (<c>1E+3</c> has scale -3).</summary>
    private static BigDecimal Decimal(string text)
    {
        var exponentAt = text.IndexOf('E', StringComparison.Ordinal);
        var exponent = exponentAt < 0 ? 0 : int.Parse(text[(exponentAt + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = exponentAt < 0 ? text : text[..exponentAt];
        var pointAt = mantissa.IndexOf('.', StringComparison.Ordinal);
        var scale = pointAt < 0 ? 0 : mantissa.Length - pointAt - 1;
        return new BigDecimal(BigInteger.Parse(mantissa.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture), scale - exponent);
    }
}
