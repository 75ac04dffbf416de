using System.Buffers.Binary;

namespace RestStream.Broker.Topics;

/// <summary>The Java client's partitioner: same key, same partition as any Kafka client.</summary>
public static class Partitioner
{
    private const uint Seed = 0x9747b28c;
    private const uint M = 0x5bd1e995;
    private const int R = 24;

    /// <summary>murmur2 of the key bytes, made positive, modulo the partition count.</summary>
    public static int ForKey(ReadOnlySpan<byte> key, int partitions) => (Murmur2(key) & 0x7fffffff) % partitions;

    /// <summary>Kafka's murmur2 with seed 0x9747b28c.</summary>
    public static int Murmur2(ReadOnlySpan<byte> data)
    {
        var hash = Seed ^ (uint)data.Length;
        while (data.Length >= 4)
        {
            var k = BinaryPrimitives.ReadUInt32LittleEndian(data) * M;
            k ^= k >> R;
            hash = (hash * M) ^ (k * M);
            data = data[4..];
        }

        if (data.Length == 3)
            hash ^= (uint)data[2] << 16;
        if (data.Length >= 2)
            hash ^= (uint)data[1] << 8;
        if (data.Length >= 1)
            hash = (hash ^ data[0]) * M;

        hash ^= hash >> 13;
        hash *= M;
        return (int)(hash ^ (hash >> 15));
    }
}
