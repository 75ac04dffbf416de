using System.Buffers.Binary;
using RestStream.Broker;
using RestStream.Storage.Records;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Stores;

/// <summary>
/// Hands records out as they are: each is three lengths (key, value; -1 = null; number of headers) and behind them the bytes of key, value and headers as the log has them.
/// One copy per batch, shared by all sinks that read it.
/// </summary>
internal sealed class RawRecordEncoder : RecordEncoder
{
    private RawRecordEncoder()
    {
    }

    /// <summary>The one instance: it is the key of the broker's cache.</summary>
    public static RawRecordEncoder Shared { get; } = new();

    public override EncodedBatch Encode(LogPartition partition, ReadOnlySpan<byte> batch) => EncodePart(partition, batch, long.MinValue, int.MaxValue, int.MaxValue);

    public override EncodedBatch EncodePart(LogPartition partition, ReadOnlySpan<byte> batch, long from, int maxRecords, int maxBytes)
    {
        if (!RecordBatch.IsCrcValid(batch))
            throw new CorruptBatchException("the checksum is wrong");
        using var reader = new RecordReader(batch);
        if (reader.Header.IsControl)
            return new EncodedBatch([], [], [], [], hasLineBreaks: false);

        // The checksum vouches for the count. Without a codec no record is larger here than there by more than the three lengths.
        var capacity = Math.Min(reader.Header.RecordsCount, maxRecords);
        var bytes = GC.AllocateUninitializedArray<byte>((int)Math.Min(Array.MaxLength, batch.Length + ((long)capacity * RawRecord.LengthsBytes)));
        var ends = new int[capacity];
        var offsets = new long[capacity];
        var timestamps = new long[capacity];
        int count = 0, at = 0;
        while (count < capacity && (count == 0 || at < maxBytes) && reader.MoveNext())
        {
            var record = reader.Current;
            if (record.Offset < from)
                continue;
            var needed = (long)at + RawRecord.LengthsBytes + record.Key.Length + record.Value.Length + record.EncodedHeaders.Length;
            if (needed > bytes.Length)
                Array.Resize(ref bytes, (int)Math.Min(Array.MaxLength, Math.Max(needed, bytes.Length * 2L)));
            at += RawRecord.Write(bytes.AsSpan(at), record);
            (ends[count], offsets[count], timestamps[count]) = (at, record.Offset, record.Timestamp);
            count++;
        }

        if (count < capacity)
        {
            Array.Resize(ref ends, count);
            Array.Resize(ref offsets, count);
            Array.Resize(ref timestamps, count);
        }

        return new EncodedBatch(bytes, ends, offsets, timestamps, hasLineBreaks: false);
    }
}

/// <summary>One record of a batch that <see cref="RawRecordEncoder"/> encoded.</summary>
internal readonly ref struct RawRecord
{
    public const int LengthsBytes = 3 * sizeof(int);

    public RawRecord(ReadOnlySpan<byte> encoded)
    {
        var keyLength = BinaryPrimitives.ReadInt32LittleEndian(encoded);
        var valueLength = BinaryPrimitives.ReadInt32LittleEndian(encoded[4..]);
        HeaderCount = BinaryPrimitives.ReadInt32LittleEndian(encoded[8..]);
        (KeyIsNull, ValueIsNull) = (keyLength < 0, valueLength < 0);
        var rest = encoded[LengthsBytes..];
        Key = rest[..Math.Max(0, keyLength)];
        Value = rest.Slice(Key.Length, Math.Max(0, valueLength));
        EncodedHeaders = rest[(Key.Length + Value.Length)..];
    }

    public bool KeyIsNull { get; }
    public ReadOnlySpan<byte> Key { get; }
    public bool ValueIsNull { get; }
    public ReadOnlySpan<byte> Value { get; }
    public int HeaderCount { get; }
    public ReadOnlySpan<byte> EncodedHeaders { get; }

    /// <summary>The value to keep; null for a tombstone.</summary>
    public ReadOnlyMemory<byte>? CopyValue() => ValueIsNull ? (ReadOnlyMemory<byte>?)null : Value.ToArray();

    public HeaderReader Headers() => new(new RecordView { EncodedHeaders = EncodedHeaders, HeaderCount = HeaderCount });

    public static int Write(Span<byte> destination, RecordView record)
    {
        BinaryPrimitives.WriteInt32LittleEndian(destination, record.KeyIsNull ? -1 : record.Key.Length);
        BinaryPrimitives.WriteInt32LittleEndian(destination[4..], record.ValueIsNull ? -1 : record.Value.Length);
        BinaryPrimitives.WriteInt32LittleEndian(destination[8..], record.HeaderCount);
        var at = LengthsBytes;
        record.Key.CopyTo(destination[at..]);
        at += record.Key.Length;
        record.Value.CopyTo(destination[at..]);
        at += record.Value.Length;
        record.EncodedHeaders.CopyTo(destination[at..]);
        return at + record.EncodedHeaders.Length;
    }
}
