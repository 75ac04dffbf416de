using RestStream.Storage.Records;
using RestStream.Storage.Segments;

namespace RestStream.Storage.Cleaning;

/// <summary>
/// Tells which batches belong to aborted transactions and which markers still have data in front of them, while the batches of a log go by in order.
/// Kafka's rules: aborted data goes at once; a marker goes once a pass has seen no more data of its transaction, and an aborted transaction stays in the index as long as its marker must.
/// </summary>
internal sealed class TransactionFilter(IEnumerable<AbortedTransaction> aborted)
{
    private readonly Queue<AbortedTransaction> _coming = new(aborted.OrderBy(transaction => transaction.FirstOffset));
    private readonly Dictionary<long, (AbortedTransaction Transaction, bool HasData)> _ongoingAborted = [];
    private readonly HashSet<long> _ongoingCommitted = [];

    /// <summary>The aborted transactions whose markers went by and still have data. Take from it what belongs to a segment.</summary>
    public List<AbortedTransaction> Kept { get; } = [];

    /// <summary>Whether the records of this data batch were never committed.</summary>
    public bool IsAborted(in RecordBatchHeader header)
    {
        Begin(header.LastOffset);
        if (!header.IsTransactional)
            return false;
        if (!_ongoingAborted.TryGetValue(header.ProducerId, out var ongoing))
        {
            _ongoingCommitted.Add(header.ProducerId);
            return false;
        }
        _ongoingAborted[header.ProducerId] = ongoing with { HasData = true };
        return true;
    }

    /// <summary>Whether nothing of the transaction that this control batch ends is left. Always true for one that was emptied before.</summary>
    public bool IsSpent(in RecordBatchHeader header, ReadOnlySpan<byte> batch)
    {
        Begin(header.LastOffset);
        using var records = new RecordReader(batch);
        if (!records.MoveNext())
            return true;
        if (!EndTransactionMarker.TryRead(records.Current, out var marker))
            return false;
        if (marker.Commit)
            return !_ongoingCommitted.Remove(header.ProducerId);
        if (!_ongoingAborted.Remove(header.ProducerId, out var ended) || !ended.HasData)
            return true;
        Kept.Add(ended.Transaction);
        return false;
    }

    private void Begin(long offset)
    {
        while (_coming.TryPeek(out var next) && next.FirstOffset <= offset)
        {
            _coming.Dequeue();
            _ongoingAborted.TryAdd(next.ProducerId, (next, false));
        }
    }
}
