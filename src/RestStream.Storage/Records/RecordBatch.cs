using System.Buffers.Binary;

namespace RestStream.Storage.Records;

/// <summary>In-place work on the bytes of one whole batch. Base offset and leader epoch lie outside the CRC, so setting them costs nothing.</summary>
public static class RecordBatch
{
    /// <summary>First byte that the CRC covers; it covers everything from here to the end.</summary>
    public const int CrcStart = 21;

    public static void SetBaseOffset(Span<byte> batch, long baseOffset) => BinaryPrimitives.WriteInt64BigEndian(batch, baseOffset);

    public static void SetPartitionLeaderEpoch(Span<byte> batch, int epoch) => BinaryPrimitives.WriteInt32BigEndian(batch[12..], epoch);

    /// <summary>Gives every record the broker's time: attribute bit 3, the max timestamp, and a new CRC.</summary>
    public static void SetLogAppendTime(Span<byte> batch, long timestamp) => throw new NotImplementedException();

    /// <summary>CRC-32C of byte 21 to the end.</summary>
    public static uint ComputeCrc(ReadOnlySpan<byte> batch) => throw new NotImplementedException();

    public static bool IsCrcValid(ReadOnlySpan<byte> batch) => throw new NotImplementedException();
}
