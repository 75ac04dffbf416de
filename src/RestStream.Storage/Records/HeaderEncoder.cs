namespace RestStream.Storage.Records;

/// <summary>Encodes headers in Kafka's form (varint lengths, UTF-8 key, value or null) for <see cref="RecordBatchBuilder.Append"/>.</summary>
public static class HeaderEncoder
{
    /// <summary>Most bytes that a header with this key and value can take.</summary>
    public static int MaxBytes(int keyBytes, int valueBytes) => keyBytes + valueBytes + (2 * VarInt.MaxBytes);

    /// <summary>Writes one header and returns how many bytes it took.</summary>
    public static int Write(Span<byte> destination, ReadOnlySpan<byte> key, bool valueIsNull, ReadOnlySpan<byte> value)
    {
        var length = VarInt.Write(destination, key.Length);
        key.CopyTo(destination[length..]);
        length += key.Length;
        if (valueIsNull)
            return length + VarInt.Write(destination[length..], -1);

        length += VarInt.Write(destination[length..], value.Length);
        value.CopyTo(destination[length..]);
        return length + value.Length;
    }
}
