using System.Numerics;

namespace RestStream.Storage.Records;

/// <summary>
/// Kafka's variable-length integers: 7 bits a byte, low bits first; signed ones zig-zag. Decoders refuse more than 5 (10) bytes;
/// surplus high bits of the last byte are dropped, as Kafka's do.
/// </summary>
public static class VarInt
{
    /// <summary>Most bytes that a 32-bit value takes.</summary>
    public const int MaxBytes = 5;

    /// <summary>Most bytes that a 64-bit value takes.</summary>
    public const int MaxLongBytes = 10;

    public static int Size(int value) => SizeUnsigned(ZigZag(value));
    public static int Size(long value) => SizeUnsigned(ZigZag(value));

    /// <summary>Writes and returns how many bytes it took.</summary>
    public static int Write(Span<byte> destination, int value) => WriteUnsigned(destination, ZigZag(value));
    public static int Write(Span<byte> destination, long value) => WriteUnsigned(destination, ZigZag(value));

    public static int WriteUnsigned(Span<byte> destination, uint value)
    {
        var i = 0;
        for (; value >= 0x80; value >>= 7)
            destination[i++] = (byte)(value | 0x80);
        destination[i++] = (byte)value;
        return i;
    }

    public static int WriteUnsigned(Span<byte> destination, ulong value)
    {
        var i = 0;
        for (; value >= 0x80; value >>= 7)
            destination[i++] = (byte)(value | 0x80);
        destination[i++] = (byte)value;
        return i;
    }

    /// <summary>False when the bytes end early or are too many; then <paramref name="length"/> is 0.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out int value, out int length)
    {
        var read = TryReadUnsigned(source, out uint raw, out length);
        value = (int)(raw >> 1) ^ -(int)(raw & 1);
        return read;
    }

    public static bool TryRead(ReadOnlySpan<byte> source, out long value, out int length)
    {
        var read = TryReadUnsigned(source, out ulong raw, out length);
        value = (long)(raw >> 1) ^ -(long)(raw & 1);
        return read;
    }

    public static bool TryReadUnsigned(ReadOnlySpan<byte> source, out uint value, out int length)
    {
        if (source.Length > 0 && source[0] < 0x80)
        {
            value = source[0];
            length = 1;
            return true;
        }

        value = 0;
        for (var i = 0; i < source.Length && i < MaxBytes; i++)
        {
            value |= (uint)(source[i] & 0x7F) << (7 * i);
            if (source[i] < 0x80)
            {
                length = i + 1;
                return true;
            }
        }
        value = 0;
        length = 0;
        return false;
    }

    public static bool TryReadUnsigned(ReadOnlySpan<byte> source, out ulong value, out int length)
    {
        value = 0;
        for (var i = 0; i < source.Length && i < MaxLongBytes; i++)
        {
            value |= (ulong)(source[i] & 0x7F) << (7 * i);
            if (source[i] < 0x80)
            {
                length = i + 1;
                return true;
            }
        }
        value = 0;
        length = 0;
        return false;
    }

    private static uint ZigZag(int value) => (uint)((value << 1) ^ (value >> 31));
    private static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    // Bits divided by 7 and rounded up, without a division: exact for 1 to 64 bits.
    private static int SizeUnsigned(ulong value) => (((64 - BitOperations.LeadingZeroCount(value | 1)) * 9) + 64) >> 6;
}
