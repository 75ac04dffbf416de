using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using RestStream.Connect.Data;

namespace RestStream.Connect.Converters;

/// <summary>Numbers of one type as their bytes, most significant first (Kafka's NumberConverter). Other types are refused, smaller ones too.</summary>
/// <param name="schema">What is read.</param>
/// <param name="name">Java's name of the type in messages.</param>
/// <param name="size">Bytes of a number.</param>
internal abstract class NumberConverter<T>(Schema schema, string name, int size) : PlainConverter
    where T : struct, INumber<T>
{
    public override bool Write(string topic, Schema? valueSchema, object? value, IBufferWriter<byte> output)
    {
        switch (value)
        {
            case null:
                return false;
            case T number:
                WriteBytes(output.GetSpan(size)[..size], number);
                output.Advance(size);
                return true;
            default:
                throw new DataException($"Failed to serialize to {name} (was {SchemaCheck.TypeName(value)}): ");
        }
    }

    public override SchemaAndValue Read(string topic, ReadOnlySpan<byte> bytes, bool isNull)
    {
        if (isNull)
            return new SchemaAndValue(schema, null);
        return bytes.Length == size
            ? new SchemaAndValue(schema, ReadBytes(bytes))
            : throw new DataException($"Failed to deserialize {name}: ", new DataException($"Size of data received is not {size}, but {bytes.Length}."));
    }

    protected abstract void WriteBytes(Span<byte> bytes, T value);

    protected abstract T ReadBytes(ReadOnlySpan<byte> bytes);
}

[Plugin("org.apache.kafka.connect.converters.ShortConverter")]
internal sealed class ShortConverter() : NumberConverter<short>(Schema.OptionalInt16, "short", sizeof(short))
{
    protected override void WriteBytes(Span<byte> bytes, short value) => BinaryPrimitives.WriteInt16BigEndian(bytes, value);

    protected override short ReadBytes(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt16BigEndian(bytes);
}

[Plugin("org.apache.kafka.connect.converters.IntegerConverter")]
internal sealed class IntegerConverter() : NumberConverter<int>(Schema.OptionalInt32, "integer", sizeof(int))
{
    protected override void WriteBytes(Span<byte> bytes, int value) => BinaryPrimitives.WriteInt32BigEndian(bytes, value);

    protected override int ReadBytes(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt32BigEndian(bytes);
}

[Plugin("org.apache.kafka.connect.converters.LongConverter")]
internal sealed class LongConverter() : NumberConverter<long>(Schema.OptionalInt64, "long", sizeof(long))
{
    protected override void WriteBytes(Span<byte> bytes, long value) => BinaryPrimitives.WriteInt64BigEndian(bytes, value);

    protected override long ReadBytes(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt64BigEndian(bytes);
}

// Java's NaN has its sign bit clear, .NET's has it set: the bytes are Java's.
[Plugin("org.apache.kafka.connect.converters.FloatConverter")]
internal sealed class FloatConverter() : NumberConverter<float>(Schema.OptionalFloat32, "float", sizeof(float))
{
    private const int JavaNaN = 0x7FC00000;

    protected override void WriteBytes(Span<byte> bytes, float value) => BinaryPrimitives.WriteInt32BigEndian(bytes, float.IsNaN(value) ? JavaNaN : BitConverter.SingleToInt32Bits(value));

    protected override float ReadBytes(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadSingleBigEndian(bytes);
}

[Plugin("org.apache.kafka.connect.converters.DoubleConverter")]
internal sealed class DoubleConverter() : NumberConverter<double>(Schema.OptionalFloat64, "double", sizeof(double))
{
    private const long JavaNaN = 0x7FF8000000000000;

    protected override void WriteBytes(Span<byte> bytes, double value) => BinaryPrimitives.WriteInt64BigEndian(bytes, double.IsNaN(value) ? JavaNaN : BitConverter.DoubleToInt64Bits(value));

    protected override double ReadBytes(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadDoubleBigEndian(bytes);
}
