using System.Buffers.Binary;

namespace RestStream.Storage.Records;

/// <summary>In-place work on the bytes of one whole batch. Base offset and leader epoch lie outside the CRC, so setting them costs nothing.</summary>
public static class RecordBatch
{
    /// <summary>First byte that the CRC covers; it covers everything from here to the end.</summary>
    public const int CrcStart = 21;

    private const int CrcPosition = 17, AttributesPosition = 21, MaxTimestampPosition = 35, ProducerIdPosition = 43;
    private const short LogAppendTimeBit = 0x08;

    public static void SetBaseOffset(Span<byte> batch, long baseOffset) => BinaryPrimitives.WriteInt64BigEndian(batch, baseOffset);

    public static void SetPartitionLeaderEpoch(Span<byte> batch, int epoch) => BinaryPrimitives.WriteInt32BigEndian(batch[12..], epoch);

    /// <summary>Gives every record the broker's time: attribute bit 3, the max timestamp, and a new CRC. The base timestamp stays as sent, as Kafka keeps it.</summary>
    public static void SetLogAppendTime(Span<byte> batch, long timestamp)
    {
        var attributes = BinaryPrimitives.ReadInt16BigEndian(batch[AttributesPosition..]);
        BinaryPrimitives.WriteInt16BigEndian(batch[AttributesPosition..], (short)(attributes | LogAppendTimeBit));
        BinaryPrimitives.WriteInt64BigEndian(batch[MaxTimestampPosition..], timestamp);
        WriteCrc(batch);
    }

    /// <summary>Whether an idempotent producer sent the batch.</summary>
    public static bool HasProducer(ReadOnlySpan<byte> batch) => BinaryPrimitives.ReadInt64BigEndian(batch[ProducerIdPosition..]) >= 0;

    /// <summary>CRC-32C of byte 21 to the end.</summary>
    public static uint ComputeCrc(ReadOnlySpan<byte> batch) => Crc32C.Compute(batch[CrcStart..]);

    /// <summary>Whether the stored CRC is that of the bytes. False for fewer bytes than a header has.</summary>
    public static bool IsCrcValid(ReadOnlySpan<byte> batch) =>
        batch.Length >= RecordBatchHeader.Size && BinaryPrimitives.ReadUInt32BigEndian(batch[CrcPosition..]) == ComputeCrc(batch);

    /// <summary>
    /// Bytes of the whole batch that begins at the start of <paramref name="bytes"/> (which may hold more, or less than all of it).
    /// False when there are not even the 12 bytes that say so, or when the length cannot be one.
    /// </summary>
    public static bool TryReadTotalBytes(ReadOnlySpan<byte> bytes, out int totalBytes)
    {
        totalBytes = 0;
        if (bytes.Length < RecordBatchHeader.LogOverhead)
            return false;
        var batchLength = BinaryPrimitives.ReadInt32BigEndian(bytes[8..]);
        if (batchLength is < RecordBatchHeader.Size - RecordBatchHeader.LogOverhead or > int.MaxValue - RecordBatchHeader.LogOverhead)
            return false;
        totalBytes = batchLength + RecordBatchHeader.LogOverhead;
        return true;
    }

    /// <summary>Writes the CRC of the bytes as they stand.</summary>
    internal static void WriteCrc(Span<byte> batch) => BinaryPrimitives.WriteUInt32BigEndian(batch[CrcPosition..], ComputeCrc(batch));
}
