using System.Buffers.Binary;

using RestStream.Storage.Records;

namespace RestStream.Storage.Segments;

/// <summary>
/// The bytes of a <c>.snapshot</c>, version 1: int16 version, uint32 CRC-32C of what follows, int32 count, 46 bytes a producer. Named after the end offset of the state.
/// </summary>
internal static class ProducerSnapshot
{
    private const int HeaderBytes = 10, CrcStart = 6, EntryBytes = 46;

    public static byte[] ToBytes(ProducerStates states)
    {
        var bytes = new byte[HeaderBytes + states.Count * EntryBytes];
        BinaryPrimitives.WriteInt16BigEndian(bytes, 1);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(CrcStart), states.Count);
        var entry = bytes.AsSpan(HeaderBytes);
        foreach (var producer in states.All)
        {
            BinaryPrimitives.WriteInt64BigEndian(entry, producer.ProducerId);
            BinaryPrimitives.WriteInt16BigEndian(entry[8..], producer.Epoch);
            BinaryPrimitives.WriteInt32BigEndian(entry[10..], producer.LastSequence);
            BinaryPrimitives.WriteInt64BigEndian(entry[14..], producer.LastOffset);
            BinaryPrimitives.WriteInt32BigEndian(entry[22..], producer.OffsetDelta);
            BinaryPrimitives.WriteInt64BigEndian(entry[26..], producer.Timestamp);
            BinaryPrimitives.WriteInt32BigEndian(entry[34..], producer.CoordinatorEpoch);
            BinaryPrimitives.WriteInt64BigEndian(entry[38..], producer.CurrentTransactionFirstOffset);
            entry = entry[EntryBytes..];
        }
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(2), Crc32C.Compute(bytes.AsSpan(CrcStart)));
        return bytes;
    }

    /// <summary>Null when version, checksum or length is wrong.</summary>
    public static ProducerStates? TryParse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderBytes
            || BinaryPrimitives.ReadInt16BigEndian(bytes) != 1
            || BinaryPrimitives.ReadUInt32BigEndian(bytes[2..]) != Crc32C.Compute(bytes[CrcStart..])
            || BinaryPrimitives.ReadInt32BigEndian(bytes[CrcStart..]) * (long)EntryBytes != bytes.Length - HeaderBytes)
        {
            return null;
        }
        var states = new ProducerStates();
        for (var entry = bytes[HeaderBytes..]; entry.Length > 0; entry = entry[EntryBytes..])
        {
            states.Put(new ProducerState
            {
                ProducerId = BinaryPrimitives.ReadInt64BigEndian(entry),
                Epoch = BinaryPrimitives.ReadInt16BigEndian(entry[8..]),
                LastSequence = BinaryPrimitives.ReadInt32BigEndian(entry[10..]),
                LastOffset = BinaryPrimitives.ReadInt64BigEndian(entry[14..]),
                OffsetDelta = BinaryPrimitives.ReadInt32BigEndian(entry[22..]),
                Timestamp = BinaryPrimitives.ReadInt64BigEndian(entry[26..]),
                CoordinatorEpoch = BinaryPrimitives.ReadInt32BigEndian(entry[34..]),
                CurrentTransactionFirstOffset = BinaryPrimitives.ReadInt64BigEndian(entry[38..]),
            });
        }
        return states;
    }
}
