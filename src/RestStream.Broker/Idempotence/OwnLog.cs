using RestStream.Broker.Fetching;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Idempotence;

/// <summary>Reads a log that the broker keeps for itself.</summary>
internal static class OwnLog
{
    /// <summary>Bytes read at a time.</summary>
    private const int ReadBytes = 1024 * 1024;

    public delegate void BatchSeen(ReadOnlySpan<byte> batch);

    /// <summary>Shows every batch from the start of the log. What is damaged is passed over and told in the answer.</summary>
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
                    if (!RecordBatch.IsCrcValid(batch.Bytes))
                        throw new DamagedBatchException(batch.ToDamage("the checksum is wrong"));
                    seen(batch.Bytes);
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
                damage.Add(e.Message);
                offset = Math.Max(offset + 1, e.Range.To);
            }
        }

        return damage;
    }
}
