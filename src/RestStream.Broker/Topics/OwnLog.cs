using System.Text.Json;
using RestStream.Broker.Fetching;
using RestStream.Broker.Groups.Formats;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Topics;

/// <summary>Reads a log that the broker keeps for itself: topics, groups, producer ids, idempotency keys.</summary>
internal static class OwnLog
{
    /// <summary>Bytes read at a time.</summary>
    private const int ReadBytes = 1024 * 1024;

    public delegate void BatchSeen(ReadOnlySpan<byte> batch);

    /// <summary>Shows every batch from the start of the log. What is damaged, or cannot be understood, is passed over, reported to the log, and told in the answer.</summary>
    public static List<string> ReadAll(PartitionLog log, BatchSeen seen)
    {
        var damage = new List<string>();
        using var buffer = BatchBuffer.Rent(ReadBytes);
        var offset = log.LogStartOffset;
        while (offset < log.HighWatermark)
        {
            buffer.Length = 0;
            try
            {
                log.Read(offset, ReadBytes, buffer);
                if (buffer.Length == 0)
                    break;
                foreach (var batch in new BatchWalker(buffer.Span, offset))
                {
                    Show(batch, seen);
                    offset = batch.Next;
                }
            }
            catch (StorageException e) when (e.Error == StorageError.DamagedRange && e.Offset > offset)
            {
                damage.Add(e.Message);
                offset = e.Offset;
            }
            catch (DamagedBatchException e)
            {
                e.Report(log);
                damage.Add($"{log.Id}: {e.Message}");
                offset = Math.Max(offset + 1, e.Range.To);
            }
        }

        return damage;
    }

    private static void Show(BatchAt batch, BatchSeen seen)
    {
        if (!RecordBatch.IsCrcValid(batch.Bytes))
            throw new DamagedBatchException(batch.ToDamage("the checksum is wrong"));
        try
        {
            seen(batch.Bytes);
        }
        catch (Exception e) when (e is CorruptBatchException or CorruptGroupRecordException or JsonException or FormatException)
        {
            throw new DamagedBatchException(batch.ToDamage(e.Message), e);
        }
    }
}
