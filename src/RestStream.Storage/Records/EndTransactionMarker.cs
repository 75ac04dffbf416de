using System.Buffers.Binary;

namespace RestStream.Storage.Records;

/// <summary>The one record of a control batch that ends a transaction (attributes 0x30, 78 bytes in all).</summary>
public readonly record struct EndTransactionMarker(bool Commit, int CoordinatorEpoch)
{
    private const short Transactional = 0x10, Control = 0x20;
    private const int KeyBytes = 4, ValueBytes = 6;

    /// <summary>The whole control batch with base offset 0 and leader epoch -1.</summary>
    public BatchBuffer Build(long timestamp, long producerId, short producerEpoch)
    {
        // Key: int16 version 0, int16 type (0 abort, 1 commit). Value: int16 version 0, int32 coordinator epoch.
        Span<byte> key = stackalloc byte[KeyBytes];
        Span<byte> value = stackalloc byte[ValueBytes];
        BinaryPrimitives.WriteInt16BigEndian(key, 0);
        BinaryPrimitives.WriteInt16BigEndian(key[2..], (short)(Commit ? 1 : 0));
        BinaryPrimitives.WriteInt16BigEndian(value, 0);
        BinaryPrimitives.WriteInt32BigEndian(value[2..], CoordinatorEpoch);

        using var builder = new RecordBatchBuilder();
        builder.Append(timestamp, keyIsNull: false, key, valueIsNull: false, value);
        return builder.BuildWith(CompressionCodec.None, producerId, producerEpoch, baseSequence: -1, attributes: Transactional | Control, lastOffsetDelta: 0);
    }

    /// <summary>False when the record of a control batch is no such marker (KRaft has others).</summary>
    public static bool TryRead(RecordView record, out EndTransactionMarker marker)
    {
        marker = default;
        if (record.Key.Length < KeyBytes || record.Value.Length < ValueBytes)
            return false;
        var type = BinaryPrimitives.ReadInt16BigEndian(record.Key[2..]);
        if (type is not (0 or 1))
            return false;
        marker = new EndTransactionMarker(type == 1, BinaryPrimitives.ReadInt32BigEndian(record.Value[2..]));
        return true;
    }
}
