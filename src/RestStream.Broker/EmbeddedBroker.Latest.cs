using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker;

public sealed partial class EmbeddedBroker
{
    /// <summary>A search reads at the speed of the disk or decompresses at that of a core, so more at a time would only take each other's.</summary>
    private readonly SemaphoreSlim _searches = new(Math.Max(1, Environment.ProcessorCount / 2));

    public async Task<LatestRecord?> FindLatestAsync(TopicPartition partition, ReadOnlyMemory<byte> key, RecordEncoder encoder, CancellationToken cancellationToken)
    {
        FindTopic(partition.Topic).Partition(partition.Partition);
        await _searches.WaitAsync(cancellationToken);
        try
        {
            return await Task.Run(() => Look(partition, log => FindLatest(log, key, encoder, cancellationToken)), cancellationToken);
        }
        finally
        {
            _searches.Release();
        }
    }

    private static LatestRecord? FindLatest(PartitionLog log, ReadOnlyMemory<byte> key, RecordEncoder encoder, CancellationToken cancellationToken)
    {
        using var batch = BatchBuffer.Rent(64 * 1024);
        var offset = log.FindLatest(key, batch, cancellationToken);
        return offset < 0 ? null : new LatestRecord(encoder.EncodePart(log.Id, batch.Span, offset, maxRecords: 1, maxBytes: int.MaxValue), IsTombstone(batch.Span, offset));
    }

    private static bool IsTombstone(ReadOnlySpan<byte> batch, long offset)
    {
        using var records = new RecordReader(batch);
        while (records.MoveNext())
        {
            if (records.Current.Offset == offset)
                return records.Current.ValueIsNull;
        }

        return false;
    }
}
