using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using RestStream.Storage.Records;

namespace RestStream.Broker.Groups.Formats;

/// <summary>Writes the fields that <see cref="MessageReader"/> reads.</summary>
internal sealed class MessageWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

    public MessageWriter Int16(short value)
    {
        BinaryPrimitives.WriteInt16BigEndian(_bytes.GetSpan(sizeof(short)), value);
        _bytes.Advance(sizeof(short));
        return this;
    }

    public MessageWriter Int32(int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(_bytes.GetSpan(sizeof(int)), value);
        _bytes.Advance(sizeof(int));
        return this;
    }

    public MessageWriter Int64(long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(_bytes.GetSpan(sizeof(long)), value);
        _bytes.Advance(sizeof(long));
        return this;
    }

    public MessageWriter Uuid(Guid value)
    {
        value.TryWriteBytes(_bytes.GetSpan(16), bigEndian: true, out _);
        _bytes.Advance(16);
        return this;
    }

    /// <exception cref="ArgumentException">More than 32,767 bytes of UTF-8: the format has no room for it.</exception>
    public MessageWriter String(string? value)
    {
        if (value is null)
            return Int16(-1);
        var length = Encoding.UTF8.GetByteCount(value);
        if (length > short.MaxValue)
            throw new ArgumentException($"A string of {length} bytes does not fit: a group record's strings have at most {short.MaxValue}.", nameof(value));
        Int16((short)length);
        return Utf8(value);
    }

    public MessageWriter CompactString(string value) => UnsignedVarint(Encoding.UTF8.GetByteCount(value) + 1).Utf8(value);

    /// <summary>Null is written as length -1.</summary>
    public MessageWriter Bytes(byte[]? value)
    {
        if (value is null)
            return Int32(-1);
        Int32(value.Length);
        _bytes.Write(value);
        return this;
    }

    public MessageWriter UnsignedVarint(int value)
    {
        _bytes.Advance(VarInt.WriteUnsigned(_bytes.GetSpan(VarInt.MaxBytes), (uint)value));
        return this;
    }

    private MessageWriter Utf8(string value)
    {
        Encoding.UTF8.GetBytes(value, _bytes);
        return this;
    }
}
