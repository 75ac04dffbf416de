using System.Buffers.Binary;
using System.Numerics;

namespace RestStream.Storage.Segments;

/// <summary>CRC-32C in pieces, for batches that are larger than the window a scan looks through.</summary>
internal static class Crc32C
{
    public const uint Start = uint.MaxValue;

    public static uint Add(uint crc, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= 8; bytes = bytes[8..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        return crc;
    }

    public static uint Finish(uint crc) => ~crc;

    public static uint Of(ReadOnlySpan<byte> bytes) => Finish(Add(Start, bytes));
}
