using System.Buffers;
using RestStream.Connect.Data;

namespace RestStream.Connect.Converters;

/// <summary>True and false as one byte, 1 or 0.</summary>
[Plugin("org.apache.kafka.connect.converters.BooleanConverter")]
internal sealed class BooleanConverter : PlainConverter
{
    public override bool Write(string topic, Schema? schema, object? value, IBufferWriter<byte> output)
    {
        if (schema is not null && schema.Type != SchemaType.Boolean)
            throw new DataException($"Invalid schema type for BooleanConverter: {schema.Type.ToString().ToUpperInvariant()}");
        if (value is null)
            return false;
        output.Write([value is bool b ? (byte)(b ? 1 : 0) : throw new DataException($"BooleanConverter is not compatible with objects of type {SchemaCheck.TypeName(value)}")]);
        return true;
    }

    public override SchemaAndValue Read(string topic, ReadOnlySpan<byte> bytes, bool isNull) => bytes switch
    {
        _ when isNull => new SchemaAndValue(Schema.OptionalBoolean, null),
        [0] => new SchemaAndValue(Schema.OptionalBoolean, false),
        [1] => new SchemaAndValue(Schema.OptionalBoolean, true),
        _ => throw new DataException("Failed to deserialize boolean: ", new DataException($"Expected one byte, 0 or 1; found {bytes.Length} bytes.")),
    };
}
