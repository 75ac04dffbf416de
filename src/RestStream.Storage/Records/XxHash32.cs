using System.Buffers.Binary;
using System.Numerics;

namespace RestStream.Storage.Records;

/// <summary>xxHash32 with seed 0, the checksum of LZ4 frames.</summary>
internal static class XxHash32
{
    private const uint Prime1 = 2654435761, Prime2 = 2246822519, Prime3 = 3266489917, Prime4 = 668265263, Prime5 = 374761393;

    public static uint Compute(ReadOnlySpan<byte> bytes)
    {
        var length = (uint)bytes.Length;
        uint hash;
        if (bytes.Length >= 16)
        {
            uint a = unchecked(Prime1 + Prime2), b = Prime2, c = 0, d = unchecked(0 - Prime1);
            for (; bytes.Length >= 16; bytes = bytes[16..])
            {
                a = Round(a, BinaryPrimitives.ReadUInt32LittleEndian(bytes));
                b = Round(b, BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]));
                c = Round(c, BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]));
                d = Round(d, BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]));
            }
            hash = BitOperations.RotateLeft(a, 1) + BitOperations.RotateLeft(b, 7) + BitOperations.RotateLeft(c, 12) + BitOperations.RotateLeft(d, 18);
        }
        else
        {
            hash = Prime5;
        }

        hash += length;
        for (; bytes.Length >= 4; bytes = bytes[4..])
            hash = BitOperations.RotateLeft(hash + (BinaryPrimitives.ReadUInt32LittleEndian(bytes) * Prime3), 17) * Prime4;
        foreach (var last in bytes)
            hash = BitOperations.RotateLeft(hash + (last * Prime5), 11) * Prime1;

        hash = (hash ^ (hash >> 15)) * Prime2;
        hash = (hash ^ (hash >> 13)) * Prime3;
        return hash ^ (hash >> 16);
    }

    private static uint Round(uint lane, uint input) => BitOperations.RotateLeft(lane + (input * Prime2), 13) * Prime1;
}
