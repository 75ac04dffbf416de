using System.Buffers.Binary;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Topics;

/// <summary>What a topic's settings ask of a batch before it may be appended (the topic's part of Kafka's LogValidator).</summary>
internal static class BatchIntake
{
    /// <summary>
    /// Checks the batch and re-encodes it when the topic has a codec of its own; returns what is to be appended.
    /// Owns <paramref name="batch"/>: after an exception it is disposed.
    /// </summary>
    /// <exception cref="BrokerException">
    /// <see cref="ErrorCode.MessageTooLarge"/>, <see cref="ErrorCode.InvalidTimestamp"/>, <see cref="ErrorCode.InvalidRecord"/>, <see cref="ErrorCode.UnsupportedCompressionType"/>.
    /// </exception>
    public static BatchBuffer Prepare(TopicSettings settings, TopicPartition partition, BatchBuffer batch, long nowMs)
    {
        try
        {
            if (batch.Length < RecordBatchHeader.Size)
                throw Refusal(ErrorCode.InvalidRecord, partition, "Not a record batch: it is shorter than a header.");
            var header = RecordBatchHeader.Read(batch.Span);
            if (header.TotalBytes != batch.Length || header.RecordsCount <= 0)
                throw Refusal(ErrorCode.InvalidRecord, partition, "Not exactly one record batch.");
            if (settings.Log.TimestampType == TimestampType.CreateTime)
                CheckTimestamps(settings, partition, header, batch.Span, nowMs);
            if (settings.Compacted)
                CheckKeys(partition, batch.Span);
            if (settings.Codec is { } codec && codec != header.Codec)
                batch = Recompress(partition, header, batch, codec);
            if (batch.Length > settings.MaxMessageBytes)
            {
                throw Refusal(
                    ErrorCode.MessageTooLarge, partition,
                    $"The batch has {batch.Length} bytes, topic '{partition.Topic}' takes {settings.MaxMessageBytes} (max.message.bytes). Send fewer or smaller records in one request.");
            }

            return batch;
        }
        catch (CorruptBatchException e)
        {
            batch.Dispose();
            throw new BrokerException(ErrorCode.CorruptMessage, e.Message, e) { Partition = partition };
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    private static void CheckTimestamps(TopicSettings settings, TopicPartition partition, RecordBatchHeader header, ReadOnlySpan<byte> batch, long nowMs)
    {
        // A difference that overflows is larger than any limit.
        if (header.MaxTimestamp > nowMs && unchecked((ulong)(header.MaxTimestamp - nowMs)) > (ulong)settings.TimestampAfterMaxMs)
            throw BadTimestamp(partition, header.MaxTimestamp, nowMs, TopicConfigs.MessageTimestampAfterMaxMs, settings.TimestampAfterMaxMs);
        if (settings.TimestampBeforeMaxMs == long.MaxValue)
            return;

        using var reader = new RecordReader(batch);
        while (reader.MoveNext())
        {
            var timestamp = reader.Current.Timestamp;

            // -1 is "none given" and passes, as in Kafka.
            if (timestamp != -1 && timestamp < nowMs && unchecked((ulong)(nowMs - timestamp)) > (ulong)settings.TimestampBeforeMaxMs)
                throw BadTimestamp(partition, timestamp, nowMs, TopicConfigs.MessageTimestampBeforeMaxMs, settings.TimestampBeforeMaxMs);
        }
    }

    private static void CheckKeys(TopicPartition partition, ReadOnlySpan<byte> batch)
    {
        using var reader = new RecordReader(batch);
        for (var i = 0; reader.MoveNext(); i++)
        {
            if (reader.Current.KeyIsNull)
            {
                throw new BrokerException(ErrorCode.InvalidRecord, $"Topic '{partition.Topic}' is compacted (cleanup.policy), so every record needs a key; record {i} has none.")
                {
                    Subject = "key",
                    Partition = partition,
                };
            }
        }
    }

    /// <summary>The same batch with another codec: only the blob behind the header, the attributes, the length and the CRC change.</summary>
    private static BatchBuffer Recompress(TopicPartition partition, RecordBatchHeader header, BatchBuffer batch, CompressionCodec codec)
    {
        foreach (var needed in (ReadOnlySpan<CompressionCodec>)[header.Codec, codec])
        {
            if (!Compression.IsSupported(needed))
                throw Refusal(ErrorCode.UnsupportedCompressionType, partition, $"This machine has no library for the codec {needed}.");
        }

        var encoded = BatchBuffer.Rent(batch.Length);
        BatchBuffer? plain = null;
        try
        {
            var records = batch.Span[RecordBatchHeader.Size..];
            if (header.Codec != CompressionCodec.None)
            {
                plain = BatchBuffer.Rent(batch.Length * 4);
                Compression.Decompress(header.Codec, records, plain, RecordReader.DefaultMaxDecompressedBytes);
                records = plain.Span;
            }

            encoded.Length = RecordBatchHeader.Size;
            batch.Span[..RecordBatchHeader.Size].CopyTo(encoded.Span);
            if (codec == CompressionCodec.None)
            {
                encoded.EnsureCapacity(RecordBatchHeader.Size + records.Length);
                encoded.Length = RecordBatchHeader.Size + records.Length;
                records.CopyTo(encoded.Span[RecordBatchHeader.Size..]);
            }
            else
            {
                Compression.Compress(codec, records, encoded);
            }

            var bytes = encoded.Span;
            BinaryPrimitives.WriteInt32BigEndian(bytes[8..], bytes.Length - RecordBatchHeader.LogOverhead);
            BinaryPrimitives.WriteInt16BigEndian(bytes[21..], (short)((header.Attributes & ~0x07) | (int)codec));
            BinaryPrimitives.WriteUInt32BigEndian(bytes[17..], RecordBatch.ComputeCrc(bytes));
            batch.Dispose();
            return encoded;
        }
        catch
        {
            encoded.Dispose();
            throw;
        }
        finally
        {
            plain?.Dispose();
        }
    }

    private static BrokerException BadTimestamp(TopicPartition partition, long timestamp, long nowMs, string config, long limit) =>
        new(ErrorCode.InvalidTimestamp, $"Timestamp {timestamp} is more than {limit} ms ({config}) away from the broker's clock, {nowMs}.")
        {
            Subject = "timestamp",
            Partition = partition,
        };

    private static BrokerException Refusal(ErrorCode code, TopicPartition partition, string message) => new(code, message) { Partition = partition };
}
