namespace RestStream.Storage.Records;

/// <summary>What a broker checks of a batch that a client built (Kafka's LogValidator), before it may be appended.</summary>
public static class RecordBatchValidator
{
    // Codec, transactional. Timestamp type, control and delete horizon are the broker's to set.
    private const int AttributesOfClients = 0x17;

    /// <summary>Null when <paramref name="batch"/> is exactly one whole valid batch, else what is wrong: length, magic, CRC, attributes, count, deltas, sequence, codec, key.</summary>
    public static string? FindProblem(ReadOnlySpan<byte> batch, bool keyRequired, int maxDecompressedBytes = RecordReader.DefaultMaxDecompressedBytes)
    {
        if (batch.Length < RecordBatchHeader.Size)
            return $"A batch has at least {RecordBatchHeader.Size} bytes, this one {batch.Length}.";
        var header = RecordBatchHeader.Read(batch);
        if (header.Magic != RecordBatchHeader.CurrentMagic)
            return $"The batch has magic {header.Magic}; only {RecordBatchHeader.CurrentMagic} is accepted.";
        if (header.TotalBytes != batch.Length)
            return $"The batch says it has {header.TotalBytes} bytes, but {batch.Length} were sent. Send exactly one batch per partition.";
        if (!RecordBatch.IsCrcValid(batch))
            return $"The batch's CRC is {header.Crc}, that of its bytes {RecordBatch.ComputeCrc(batch)}.";
        return FindHeaderProblem(header) ?? FindRecordProblem(batch, header, keyRequired, maxDecompressedBytes);
    }

    private static string? FindHeaderProblem(RecordBatchHeader header)
    {
        if (header.IsControl)
            return "Clients may not write control batches.";
        if ((header.Attributes & ~AttributesOfClients) != 0)
            return $"The batch's attributes 0x{(ushort)header.Attributes:x4} have bits that clients may not set.";
        if (header.Codec > CompressionCodec.Zstd)
            return $"The batch's codec {(int)header.Codec} is unknown.";
        if (header.RecordsCount <= 0)
            return $"The batch says it has {header.RecordsCount} records; it needs at least one.";
        if (header.LastOffsetDelta != header.RecordsCount - 1)
            return $"The batch's last offset delta is {header.LastOffsetDelta}, with {header.RecordsCount} records it must be {header.RecordsCount - 1}.";
        if (header.HasProducer && header.BaseSequence < 0)
            return $"The batch has producer id {header.ProducerId} and sequence {header.BaseSequence}; with a producer id the sequence must not be negative.";
        if (header.HasProducer && header.ProducerEpoch < 0)
            return $"The batch has producer id {header.ProducerId} and producer epoch {header.ProducerEpoch}; with a producer id the epoch must not be negative.";
        if (header.IsTransactional && !header.HasProducer)
            return "The batch is transactional but has no producer id.";
        return null;
    }

    private static string? FindRecordProblem(ReadOnlySpan<byte> batch, RecordBatchHeader header, bool keyRequired, int maxDecompressedBytes)
    {
        try
        {
            var expectedOffset = header.BaseOffset;
            var maxTimestamp = long.MinValue;
            using var reader = new RecordReader(batch, maxDecompressedBytes);
            while (reader.MoveNext())
            {
                var record = reader.Current;
                if (record.Offset != expectedOffset)
                    return $"The record after offset delta {expectedOffset - header.BaseOffset - 1} has {record.Offset - header.BaseOffset}; deltas must count up by 1 from 0.";
                if (keyRequired && record.KeyIsNull)
                    return $"The record at offset delta {record.Offset - header.BaseOffset} has no key; a compacted topic needs keys.";
                maxTimestamp = Math.Max(maxTimestamp, record.Timestamp);
                expectedOffset++;
            }
            return maxTimestamp == header.MaxTimestamp
                ? null
                : $"The batch's max timestamp is {header.MaxTimestamp}, that of its records {maxTimestamp}.";
        }
        catch (Exception e) when (e is CorruptBatchException or NotSupportedException)
        {
            return e.Message;
        }
    }
}
