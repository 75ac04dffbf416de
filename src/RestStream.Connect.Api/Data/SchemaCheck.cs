using System.Collections;
using System.Numerics;

namespace RestStream.Connect.Data;

/// <summary>Whether a value fits a schema; the messages are Kafka's (ConnectSchema.validateValue), with the names of Connect's types where it names Java's classes.</summary>
internal static class SchemaCheck
{
    private const string NoField = "value";

    /// <summary>Checks the value of a field, or one by itself where there is none (<paramref name="field"/> null).</summary>
    /// <exception cref="DataException">It does not fit.</exception>
    public static void Validate(string? field, Schema schema, object? value)
    {
        // What a struct holds by the million; the rest below only has to say what is wrong, or to look into members.
        if (value is not null && schema.Name is null && schema.Type <= SchemaType.Bytes && Fits(schema, value))
            return;
        ValidateAt(field is null ? NoField : $"field: \"{field}\"", schema, value);
    }

    /// <summary>What a value is in Connect's words, for messages.</summary>
    public static string TypeName(object? value) => value switch
    {
        null => "null",
        sbyte => "int8",
        short => "int16",
        int => "int32",
        long => "int64",
        float => "float32",
        double => "float64",
        bool => "boolean",
        string => "string",
        byte[] => "bytes",
        BigDecimal or decimal => "decimal",
        BigInteger => "big integer",
        Instant => "date",
        Struct => "struct",
        IDictionary => "map",
        IList => "array",
        _ => value.GetType().ToString(),
    };

    private static void ValidateAt(string place, Schema schema, object? value)
    {
        if (value is null)
        {
            if (!schema.IsOptional)
                throw new DataException($"Invalid value: null used for required {place}, schema type: {schema.Type.ToString().ToUpperInvariant()}");
            return;
        }

        if (!Fits(schema, value))
        {
            var name = schema.Name is null ? "" : $" \"{schema.Name}\"";
            throw new DataException($"Invalid object for schema{name} with type {schema.Type.ToString().ToUpperInvariant()}: {TypeName(value)} for {place}");
        }

        switch (value)
        {
            case Struct s when !ReferenceEquals(s.Schema, schema) && !s.Schema.Equals(schema):
                throw new DataException("Struct schemas do not match.");
            case Struct s:
                s.Validate();
                break;
            case IDictionary map when schema.Type == SchemaType.Map:
                ValidateMembers(place, schema, map);
                break;
            case IList list when schema.Type == SchemaType.Array && schema.ValueSchema is { } elements:
                for (var i = 0; i < list.Count; i++)
                    ValidateMember("element of array", place, elements, list[i]);
                break;
        }
    }

    private static void ValidateMembers(string place, Schema schema, IDictionary map)
    {
        foreach (DictionaryEntry entry in map)
        {
            if (schema.KeySchema is { } keys)
                ValidateMember("key of map", place, keys, NullKey.ToValue(entry.Key));
            if (schema.ValueSchema is { } values)
                ValidateMember("value of map", place, values, entry.Value);
        }
    }

    private static void ValidateMember(string what, string place, Schema schema, object? value)
    {
        if (value is null ? !schema.IsOptional : schema.Name is not null || schema.Type > SchemaType.Bytes || !Fits(schema, value))
            ValidateAt($"{what} {place}", schema, value);
    }

    private static bool Fits(Schema schema, object value) => schema.Name switch
    {
        Schema.DecimalName => value is BigDecimal or decimal,
        Schema.DateName or Schema.TimeName or Schema.TimestampName => value is Instant,
        _ => schema.Type switch
        {
            SchemaType.Int8 => value is sbyte,
            SchemaType.Int16 => value is short,
            SchemaType.Int32 => value is int,
            SchemaType.Int64 => value is long,
            SchemaType.Float32 => value is float,
            SchemaType.Float64 => value is double,
            SchemaType.Boolean => value is bool,
            SchemaType.String => value is string,
            SchemaType.Bytes => value is byte[],
            SchemaType.Array => value is IList and not byte[],
            SchemaType.Map => value is IDictionary,
            _ => value is Struct,
        },
    };
}
