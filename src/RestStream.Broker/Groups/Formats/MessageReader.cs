using System.Buffers.Binary;
using System.Text;
using RestStream.Storage.Records;

namespace RestStream.Broker.Groups.Formats;

/// <summary>
/// Reads the fields of a Kafka message one after the other: big-endian numbers, strings of int16 length (-1 null) and, in flexible versions, of unsigned varint length+1 (0 null).
/// Every read names its field, so that a refusal can say where the bytes went wrong.
/// </summary>
/// <exception cref="CorruptGroupRecordException">Thrown by every read that finds too few bytes or an impossible length.</exception>
internal ref struct MessageReader(ReadOnlySpan<byte> bytes, string message)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _position;

    private readonly int Remaining => _bytes.Length - _position;

    public short Int16(string field) => BinaryPrimitives.ReadInt16BigEndian(Take(sizeof(short), field));
    public int Int32(string field) => BinaryPrimitives.ReadInt32BigEndian(Take(sizeof(int), field));
    public long Int64(string field) => BinaryPrimitives.ReadInt64BigEndian(Take(sizeof(long), field));
    public Guid Uuid(string field) => new(Take(16, field), bigEndian: true);

    /// <summary>The version in front of a value: what this program can read, or a refusal.</summary>
    public short Version(short highest)
    {
        var version = Int16("version");
        return version >= 0 && version <= highest
            ? version
            : throw new CorruptGroupRecordException($"{message}: version {version} is unknown, versions 0 to {highest} can be read.");
    }

    public string String(string field) => NullableString(field) ?? throw Corrupt(field, "is null, which the format does not allow");

    public string? NullableString(string field)
    {
        var length = Int16(field);
        return length == -1 ? null : Text(length, field);
    }

    public string CompactString(string field)
    {
        var lengthPlusOne = UnsignedVarint(field);
        return lengthPlusOne == 0 ? throw Corrupt(field, "is null, which the format does not allow") : Text(lengthPlusOne - 1, field);
    }

    public byte[] Bytes(string field) => NullableBytes(field) ?? throw Corrupt(field, "is null, which the format does not allow");

    public byte[]? NullableBytes(string field)
    {
        var length = Int32(field);
        return length == -1 ? null : Take(length, field).ToArray();
    }

    /// <summary>The int32 count of an array. A count that the remaining bytes cannot hold is refused here, before anybody makes room for it.</summary>
    public int Count(int leastBytesPerElement, string field)
    {
        var count = Int32(field);
        if (count < 0 || (long)count * leastBytesPerElement > Remaining)
            throw Corrupt(field, $"announces {count} elements");
        return count;
    }

    /// <summary>Reads a tagged field's number and moves to its content. Tags must ascend, as Kafka writes them.</summary>
    public (int Tag, int Bytes) TagHeader()
    {
        var tag = UnsignedVarint("tag");
        var size = UnsignedVarint("size of tag");
        return size > Remaining ? throw Corrupt("size of tag", $"announces {size} bytes") : (tag, size);
    }

    public int TagCount() => UnsignedVarint("number of tags");

    public void Skip(int count, string field) => Take(count, field);

    /// <summary>Refuses bytes behind the last field.</summary>
    public readonly void End()
    {
        if (Remaining > 0)
            throw Corrupt("end", "is not the end");
    }

    public readonly CorruptGroupRecordException Corrupt(string field, string problem) =>
        new($"{message}: {field} {problem} (at byte {_position} of {_bytes.Length}).");

    private int UnsignedVarint(string field)
    {
        if (!VarInt.TryReadUnsigned(_bytes[_position..], out uint value, out var length) || value > int.MaxValue)
            throw Corrupt(field, "is no unsigned varint of 31 bits");
        _position += length;
        return (int)value;
    }

    private string Text(int length, string field)
    {
        var utf8 = Take(length, field);
        try
        {
            return StrictUtf8.GetString(utf8);
        }
        catch (DecoderFallbackException error)
        {
            throw new CorruptGroupRecordException($"{message}: {field} is not UTF-8 (before byte {_position} of {_bytes.Length}).", error);
        }
    }

    private ReadOnlySpan<byte> Take(int length, string field)
    {
        if (length < 0 || length > Remaining)
            throw Corrupt(field, $"needs {length} bytes, {Remaining} are left");
        var taken = _bytes.Slice(_position, length);
        _position += length;
        return taken;
    }
}
