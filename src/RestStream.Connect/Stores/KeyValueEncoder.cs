using System.Buffers.Binary;
using RestStream.Broker;
using RestStream.Storage.Records;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Stores;

/// <summary>Records as the bytes of key and value, each behind its length (int32, -1 = null): what <see cref="StoreTopic"/> reads.</summary>
internal sealed class KeyValueEncoder : RecordEncoder
{
    private KeyValueEncoder()
    {
    }

    public static KeyValueEncoder Shared { get; } = new();

    public override EncodedBatch Encode(LogPartition partition, ReadOnlySpan<byte> batch)
    {
        if (!RecordBatch.IsCrcValid(batch))
            throw new CorruptBatchException("The checksum is wrong.");
        using var reader = new RecordReader(batch);
        using var bytes = new MemoryStream();
        List<int> ends = [];
        List<long> offsets = [], timestamps = [];
        while (!reader.Header.IsControl && reader.MoveNext())
        {
            var record = reader.Current;
            Write(bytes, record.KeyIsNull, record.Key);
            Write(bytes, record.ValueIsNull, record.Value);
            ends.Add((int)bytes.Length);
            offsets.Add(record.Offset);
            timestamps.Add(record.Timestamp);
        }

        return new EncodedBatch(bytes.ToArray(), [.. ends], [.. offsets], [.. timestamps], hasLineBreaks: false);
    }

    /// <summary>Key and value of one encoded record.</summary>
    public static (ReadOnlyMemory<byte>? Key, ReadOnlyMemory<byte>? Value) Split(ReadOnlyMemory<byte> record)
    {
        var key = Part(record, 0, out var next);
        return (key, Part(record, next, out _));
    }

    private static ReadOnlyMemory<byte>? Part(ReadOnlyMemory<byte> record, int at, out int next)
    {
        var length = BinaryPrimitives.ReadInt32BigEndian(record.Span[at..]);
        next = at + sizeof(int) + Math.Max(0, length);
        return length < 0 ? (ReadOnlyMemory<byte>?)null : record.Slice(at + sizeof(int), length);
    }

    private static void Write(MemoryStream bytes, bool isNull, ReadOnlySpan<byte> part)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, isNull ? -1 : part.Length);
        bytes.Write(length);
        bytes.Write(part);
    }
}
