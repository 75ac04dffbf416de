using RestStream.Broker.Fetching;
using RestStream.Broker.Groups.Formats;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Groups;

/// <summary>
/// Reads one partition of <see cref="OffsetsTopic"/> from its start: the records that count, oldest first. Offsets that were committed in a transaction (by Kafka; this broker writes none)
/// come when it was committed, or never. Records of a type that is not known are passed over. Damaged batches are passed over too, but reported: here and by the log to health.
/// </summary>
internal sealed class OffsetsTopicReader(Partition partition, GroupRecordHandler handle, Action<string> damaged)
{
    private const int ReadBytes = 1024 * 1024;

    private readonly Dictionary<long, List<(GroupRecordKey Key, bool Deleted, byte[] Value)>> _open = [];

    public void ReadAll()
    {
        var log = partition.Log;
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
                    Take(batch);
                    offset = batch.Next;
                }
            }
            catch (StorageException e) when (e.Error == StorageError.DamagedRange && e.Offset > offset)
            {
                damaged(e.Message);
                offset = e.Offset;
            }
            catch (DamagedBatchException e)
            {
                e.Report(log);
                damaged($"{partition.Id}: {e.Message}");
                offset = Math.Max(offset + 1, e.Range.To);
            }
        }
    }

    private void Take(BatchAt batch)
    {
        if (!RecordBatch.IsCrcValid(batch.Bytes))
            throw new DamagedBatchException(batch.ToDamage("the checksum is wrong"));
        try
        {
            using var reader = new RecordReader(batch.Bytes);
            while (reader.MoveNext())
            {
                if (reader.Header.IsControl)
                    EndTransaction(reader.Header.ProducerId, reader.Current);
                else
                    Take(reader.Header, reader.Current);
            }
        }
        catch (Exception e) when (e is CorruptBatchException or CorruptGroupRecordException)
        {
            throw new DamagedBatchException(batch.ToDamage(e.Message), e);
        }
    }

    private void Take(RecordBatchHeader header, RecordView record)
    {
        if (record.Key.Length < sizeof(short) || !GroupRecordKey.TryParse(record.Key, out var key))
            return;
        if (!header.IsTransactional)
        {
            handle(key, record.ValueIsNull, record.Value);
            return;
        }

        if (!_open.TryGetValue(header.ProducerId, out var waiting))
            _open.Add(header.ProducerId, waiting = []);
        waiting.Add((key, record.ValueIsNull, record.Value.ToArray()));
    }

    private void EndTransaction(long producerId, RecordView marker)
    {
        if (!EndTransactionMarker.TryRead(marker, out var end) || !_open.Remove(producerId, out var waiting) || !end.Commit)
            return;
        foreach (var (key, deleted, value) in waiting)
            handle(key, deleted, value);
    }
}

/// <summary>One record of the topic; a deleted one has a null value.</summary>
internal delegate void GroupRecordHandler(GroupRecordKey key, bool deleted, ReadOnlySpan<byte> value);
