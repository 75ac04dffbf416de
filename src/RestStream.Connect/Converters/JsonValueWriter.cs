using System.Collections;
using RestStream.Connect.Data;

namespace RestStream.Connect.Converters;

/// <summary>Values as JSON, by their schema or, without one, by what they are (convertToJson of Kafka's JsonConverter). Not thread safe.</summary>
internal sealed class JsonValueWriter(JsonOutput output, JsonFormat format)
{
    /// <summary>Jackson's limit; lists that hold themselves end here rather than with the stack.</summary>
    public const int MaxDepth = 1000;

    private int _depth;

    /// <exception cref="DataException">The value does not fit, or has no form in JSON.</exception>
    public void Write(Schema? schema, object? value)
    {
        _depth = 0; // a write before this one may have failed half-way
        WriteValue(schema, value);
    }

    private void WriteValue(Schema? schema, object? value)
    {
        if (value is null)
            WriteNull(schema);
        else if (schema?.Name is { } name && LogicalName(name))
            WriteLogical(schema, value);
        else if (schema is null)
            WriteByClass(value);
        else
            WriteBySchema(schema, value);
    }

    private void WriteNull(Schema? schema)
    {
        if (schema?.Default is { } defaultValue && format.ReplaceNullWithDefault)
            WriteValue(schema, defaultValue);
        else if (schema is null || schema.IsOptional)
            output.Null();
        else
            throw new DataException("Conversion error: null value for field that is required and has no default value");
    }

    private static bool LogicalName(string name) => name is Schema.DateName or Schema.TimeName or Schema.TimestampName or Schema.DecimalName;

    private void WriteLogical(Schema schema, object value)
    {
        switch (schema.Name, value)
        {
            case (Schema.DecimalName, BigDecimal number):
                WriteDecimal(schema, number);
                break;
            case (Schema.DecimalName, decimal number):
                WriteDecimal(schema, number);
                break;
            case (Schema.DateName, Instant instant):
                output.Number(LogicalTypes.FromDate(instant));
                break;
            case (Schema.TimeName, Instant instant):
                output.Number(LogicalTypes.FromTime(instant));
                break;
            case (Schema.TimestampName, Instant instant):
                output.Number(instant.EpochMilliseconds);
                break;
            default:
                var name = schema.Name![(schema.Name!.LastIndexOf('.') + 1)..];
                throw new DataException($"Invalid type for {name}, expected {(name == "Decimal" ? nameof(BigDecimal) : nameof(Instant))} but was {SchemaCheck.TypeName(value)}");
        }
    }

    private void WriteDecimal(Schema schema, BigDecimal value)
    {
        if (format.NumericDecimals)
            output.Number(value);
        else
            output.Bytes(LogicalTypes.FromDecimal(schema, value));
    }

    private void WriteByClass(object value)
    {
        switch (value)
        {
            case string text:
                output.Text(text);
                break;
            case long n:
                output.Number(n);
                break;
            case int n:
                output.Number(n);
                break;
            case double n:
                output.Number(n);
                break;
            case bool b:
                output.Boolean(b);
                break;
            case IDictionary map:
                WriteMap(null, map);
                break;
            case byte[] bytes:
                output.Bytes(bytes);
                break;
            case IList list:
                WriteList(null, list);
                break;
            case float n:
                output.Number(n);
                break;
            case short n:
                output.Number(n);
                break;
            case sbyte n:
                output.Number(n);
                break;
            case Struct:
                throw new DataException("Mismatching schema.");
            default:
                throw new DataException(
                    $"A value of type {SchemaCheck.TypeName(value)} does not have a corresponding schema type. Give the record a schema, or a value of the types that are listed at SchemaType.");
        }
    }

    private void WriteBySchema(Schema schema, object value)
    {
        switch (schema.Type, value)
        {
            case (SchemaType.String, string text):
                output.Text(text);
                break;
            case (SchemaType.Int64, long n):
                output.Number(n);
                break;
            case (SchemaType.Int32, int n):
                output.Number(n);
                break;
            case (SchemaType.Float64, double n):
                output.Number(n);
                break;
            case (SchemaType.Boolean, bool b):
                output.Boolean(b);
                break;
            case (SchemaType.Struct, Struct s):
                WriteStruct(schema, s);
                break;
            case (SchemaType.Map, IDictionary map):
                WriteMap(schema, map);
                break;
            case (SchemaType.Bytes, byte[] bytes):
                output.Bytes(bytes);
                break;
            case (SchemaType.Array, IList list) when value is not byte[]:
                WriteList(schema.ValueSchema, list);
                break;
            case (SchemaType.Float32, float n):
                output.Number(n);
                break;
            case (SchemaType.Int16, short n):
                output.Number(n);
                break;
            case (SchemaType.Int8, sbyte n):
                output.Number(n);
                break;
            default:
                throw Mismatch(schema, value);
        }
    }

    private void WriteStruct(Schema schema, Struct value)
    {
        if (!ReferenceEquals(value.Schema, schema) && !value.Schema.Equals(schema))
            throw new DataException("Mismatching schema.");
        Enter('{');
        for (var i = 0; i < schema.Fields.Count; i++)
        {
            var field = schema.Fields[i];
            if (i > 0)
                output.Mark(',');
            output.Text(field.Name);
            output.Mark(':');
            WriteValue(field.Schema, format.ReplaceNullWithDefault ? value[field] : value.GetWithoutDefault(field));
        }

        Leave('}');
    }

    private void WriteList(Schema? elements, IList list)
    {
        Enter('[');
        for (var i = 0; i < list.Count; i++)
        {
            if (i > 0)
                output.Mark(',');
            WriteValue(elements, list[i]);
        }

        Leave(']');
    }

    private void WriteMap(Schema? schema, IDictionary map)
    {
        if (schema?.KeySchema is { Type: not SchemaType.String } || (schema is null && !HasTextKeys(map)))
        {
            WritePairs(schema, map);
            return;
        }

        Enter('{');
        var first = true;
        if (map is Dictionary<string, object?> textMap)
        {
            // The usual kind, without boxing.
            foreach (var (key, value) in textMap)
                WriteProperty(key, schema?.ValueSchema, value, ref first);
        }
        else
        {
            var entries = map.GetEnumerator();
            while (entries.MoveNext())
                WriteProperty(PropertyName(schema?.KeySchema, entries.Key), schema?.ValueSchema, entries.Value, ref first);
        }

        Leave('}');
    }

    private void WriteProperty(string name, Schema? schema, object? value, ref bool first)
    {
        if (!first)
            output.Mark(',');
        first = false;
        output.Text(name);
        output.Mark(':');
        WriteValue(schema, value);
    }

    // A map whose keys are not all texts is a list of pairs.
    private void WritePairs(Schema? schema, IDictionary map)
    {
        Enter('[');
        var entries = map.GetEnumerator();
        for (var i = 0; entries.MoveNext(); i++)
        {
            if (i > 0)
                output.Mark(',');
            Enter('[');
            WriteValue(schema?.KeySchema, NullKey.ToValue(entries.Key));
            output.Mark(',');
            WriteValue(schema?.ValueSchema, entries.Value);
            Leave(']');
        }

        Leave(']');
    }

    private static bool HasTextKeys(IDictionary map)
    {
        if (map is Dictionary<string, object?>)
            return true;
        var entries = map.GetEnumerator();
        while (entries.MoveNext())
        {
            if (entries.Key is not string)
                return false;
        }

        return true;
    }

    private static string PropertyName(Schema? schema, object key) => key as string ?? (key is NullKey ? "null" : throw Mismatch(schema!, key));

    private static DataException Mismatch(Schema schema, object value)
    {
        var expected = schema.Type == SchemaType.Bytes ? "bytes type" : schema.Type.ToString().ToUpperInvariant();
        return new DataException($"Invalid type for {expected}: {SchemaCheck.TypeName(value)}");
    }

    private void Enter(char mark)
    {
        if (++_depth > MaxDepth)
            throw new DataException($"The value is nested deeper than {MaxDepth} levels.");
        output.Mark(mark);
    }

    private void Leave(char mark)
    {
        _depth--;
        output.Mark(mark);
    }
}
