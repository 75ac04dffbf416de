using RestStream.Broker.Groups.Formats;
using RestStream.Broker.Topics;
using RestStream.Storage.Records;

namespace RestStream.Broker.Groups;

/// <summary>
/// Reads one partition of <see cref="OffsetsTopic"/> from its start: the records that count, oldest first. Offsets that were committed in a transaction (by Kafka; this broker writes none)
/// come when it was committed, or never. Records of a type that is not known are passed over. Damaged batches are passed over too, but reported: here and by the log to health.
/// </summary>
internal sealed class OffsetsTopicReader(Partition partition, GroupRecordHandler handle, Action<string> damaged)
{
    private readonly Dictionary<long, List<(GroupRecordKey Key, bool Deleted, byte[] Value)>> _open = [];

    public void ReadAll()
    {
        foreach (var problem in OwnLog.ReadAll(partition.Log, Take))
            damaged(problem);
    }

    private void Take(ReadOnlySpan<byte> batch)
    {
        using var reader = new RecordReader(batch);
        while (reader.MoveNext())
        {
            if (reader.Header.IsControl)
                EndTransaction(reader.Header.ProducerId, reader.Current);
            else
                Take(reader.Header, reader.Current);
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
