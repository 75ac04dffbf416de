using System.Buffers;
using RestStream.Connect.Data;

namespace RestStream.Connect.Converters;

/// <summary>Bytes as they are; nothing else.</summary>
[Plugin("org.apache.kafka.connect.converters.ByteArrayConverter")]
internal sealed class ByteArrayConverter : PlainConverter
{
    public override bool Write(string topic, Schema? schema, object? value, IBufferWriter<byte> output)
    {
        if (schema is not null && schema.Type != SchemaType.Bytes)
            throw new DataException($"Invalid schema type for ByteArrayConverter: {schema.Type.ToString().ToUpperInvariant()}");
        if (value is null)
            return false;
        output.Write(value as byte[] ?? throw new DataException($"ByteArrayConverter is not compatible with objects of type {SchemaCheck.TypeName(value)}"));
        return true;
    }

    public override SchemaAndValue Read(string topic, ReadOnlySpan<byte> bytes, bool isNull) => new(Schema.OptionalBytes, isNull ? null : bytes.ToArray());
}
