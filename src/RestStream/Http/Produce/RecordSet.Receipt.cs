using System.Text;
using RestStream.Broker.Idempotence;
using RestStream.Storage;

namespace RestStream.Http.Produce;

// What is kept of a request that may be repeated: enough to write its answer again, byte for byte, in whatever form the request asks.
internal sealed partial class RecordSet
{
    private const byte ReceiptVersion = 1;

    /// <summary>
    /// Version 1: the parts (topic, partition, number of the batch whose result tells its place), then for each record its part and its time, as the difference to the one before.
    /// Numbers are 7 bits a byte. Where the records went is not known yet; that comes from the results.
    /// </summary>
    /// <param name="firstBatches">For each part, the number of its first batch.</param>
    private byte[] ToReceipt(int[] firstBatches)
    {
        using var bytes = new MemoryStream();
        using (var writer = new BinaryWriter(bytes, Encoding.UTF8))
        {
            writer.Write(ReceiptVersion);
            writer.Write7BitEncodedInt(_partCount);
            for (var i = 0; i < _partCount; i++)
            {
                writer.Write(_parts[i].Id.Topic);
                writer.Write7BitEncodedInt(_parts[i].Id.Partition);
                writer.Write7BitEncodedInt(firstBatches[i]);
            }

            writer.Write7BitEncodedInt(Count);
            var before = 0L;
            foreach (var entry in _entries.AsSpan(0, Count))
            {
                writer.Write7BitEncodedInt(entry.Part);
                writer.Write7BitEncodedInt64(ZigZag(entry.Timestamp - before));
                before = entry.Timestamp;
            }
        }

        return bytes.ToArray();
    }

    /// <summary>Takes the place of an earlier request, for its answer. Always true.</summary>
    /// <exception cref="InvalidDataException">A newer version wrote the receipt.</exception>
    public bool Restore(IdempotentReceipt receipt)
    {
        using var reader = new BinaryReader(new MemoryStream(receipt.Content.ToArray()), Encoding.UTF8);
        if (reader.ReadByte() is not ReceiptVersion and var version)
            throw new InvalidDataException($"The receipt of this Idempotency-Key has version {version}; a newer RestStream wrote it.");
        _partCount = reader.Read7BitEncodedInt();
        for (var i = 0; i < _partCount; i++)
        {
            if (i == _parts.Count)
                _parts.Add(new PartitionPart());
            _parts[i].Restore(new TopicPartition(reader.ReadString(), reader.Read7BitEncodedInt()), receipt.Results[reader.Read7BitEncodedInt()]);
        }

        Count = reader.Read7BitEncodedInt();
        if (_entries.Length < Count)
            _entries = new Entry[Count];
        var before = 0L;
        for (var i = 0; i < Count; i++)
        {
            var part = reader.Read7BitEncodedInt();
            var coded = reader.Read7BitEncodedInt64();
            before += (coded >>> 1) ^ -(coded & 1);
            _entries[i] = new Entry(part, _parts[part].Records++, before);
        }

        return Replayed = true;
    }

    private static long ZigZag(long number) => (number << 1) ^ (number >> 63);
}
