using System.Buffers.Binary;

namespace RestStream.Storage.Records;

/// <summary>The 61 bytes in front of every batch: Kafka's RecordBatch v2 (magic 2), big-endian.</summary>
public readonly struct RecordBatchHeader
{
    /// <summary>Bytes of the whole header; the records (or their compressed blob) follow.</summary>
    public const int Size = 61;

    /// <summary>Bytes before the part that <see cref="BatchLength"/> counts: base offset and the length itself.</summary>
    public const int LogOverhead = 12;

    /// <summary>The only batch format we read and write.</summary>
    public const sbyte CurrentMagic = 2;

    /// <summary>Attribute bit 6: compaction came upon a tombstone or a spent marker, and the base timestamp is when it may go.</summary>
    internal const short DeleteHorizonBit = 0x40;

    public long BaseOffset { get; private init; }
    public int BatchLength { get; private init; }
    public int PartitionLeaderEpoch { get; private init; }
    public sbyte Magic { get; private init; }
    public uint Crc { get; private init; }
    public short Attributes { get; private init; }
    public int LastOffsetDelta { get; private init; }
    public long BaseTimestamp { get; private init; }
    public long MaxTimestamp { get; private init; }
    public long ProducerId { get; private init; }
    public short ProducerEpoch { get; private init; }
    public int BaseSequence { get; private init; }
    public int RecordsCount { get; private init; }

    /// <summary>Bytes of the whole batch in the log. May be nonsense when the header is damaged: check before use.</summary>
    public long TotalBytes => (long)BatchLength + LogOverhead;
    public long LastOffset => BaseOffset + LastOffsetDelta;
    public long NextOffset => LastOffset + 1;
    public CompressionCodec Codec => (CompressionCodec)(Attributes & 0x07);
    public TimestampType TimestampType => (TimestampType)((Attributes >> 3) & 1);
    public bool IsTransactional => (Attributes & 0x10) != 0;
    public bool IsControl => (Attributes & 0x20) != 0;
    public bool HasDeleteHorizon => (Attributes & DeleteHorizonBit) != 0;
    public bool HasProducer => ProducerId >= 0;

    /// <summary>Sequences wrap from 2^31-1 to 0; -1 when there are none.</summary>
    public int LastSequence => BaseSequence < 0 ? -1 : (int)(((long)BaseSequence + LastOffsetDelta) & int.MaxValue);

    /// <summary>Reads the fields as they stand; nothing is checked. <paramref name="batch"/> holds at least <see cref="Size"/> bytes.</summary>
    public static RecordBatchHeader Read(ReadOnlySpan<byte> batch) => new()
    {
        BaseOffset = BinaryPrimitives.ReadInt64BigEndian(batch),
        BatchLength = BinaryPrimitives.ReadInt32BigEndian(batch[8..]),
        PartitionLeaderEpoch = BinaryPrimitives.ReadInt32BigEndian(batch[12..]),
        Magic = (sbyte)batch[16],
        Crc = BinaryPrimitives.ReadUInt32BigEndian(batch[17..]),
        Attributes = BinaryPrimitives.ReadInt16BigEndian(batch[21..]),
        LastOffsetDelta = BinaryPrimitives.ReadInt32BigEndian(batch[23..]),
        BaseTimestamp = BinaryPrimitives.ReadInt64BigEndian(batch[27..]),
        MaxTimestamp = BinaryPrimitives.ReadInt64BigEndian(batch[35..]),
        ProducerId = BinaryPrimitives.ReadInt64BigEndian(batch[43..]),
        ProducerEpoch = BinaryPrimitives.ReadInt16BigEndian(batch[51..]),
        BaseSequence = BinaryPrimitives.ReadInt32BigEndian(batch[53..]),
        RecordsCount = BinaryPrimitives.ReadInt32BigEndian(batch[57..]),
    };
}
