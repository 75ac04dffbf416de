namespace RestStream.Broker.Topics;

/// <summary>The Java client's partitioner: same key, same partition as any Kafka client.</summary>
public static class Partitioner
{
    /// <summary>murmur2 of the key bytes, made positive, modulo the partition count.</summary>
    public static int ForKey(ReadOnlySpan<byte> key, int partitions) => (Murmur2(key) & 0x7fffffff) % partitions;

    /// <summary>Kafka's murmur2 with seed 0x9747b28c.</summary>
    public static int Murmur2(ReadOnlySpan<byte> data) => throw new NotImplementedException();
}
