using RestStream.Storage.Records;

namespace RestStream.Storage.Segments;

/// <summary>
/// The last batch of every idempotent producer and its open transaction, as the log itself tells. Held by the committer thread; not thread safe.
/// </summary>
internal sealed class ProducerStates
{
    private readonly SortedDictionary<long, ProducerState> _producers = [];

    public int Count => _producers.Count;

    public IEnumerable<ProducerState> All => _producers.Values;

    public ProducerState? Find(long producerId) => _producers.GetValueOrDefault(producerId);

    public void Put(ProducerState state) => _producers[state.ProducerId] = state;

    /// <summary>First offset of the oldest open transaction, or -1.</summary>
    public long FirstOpenTransactionOffset
    {
        get
        {
            var first = -1L;
            foreach (var producer in _producers.Values)
            {
                if (producer.CurrentTransactionFirstOffset >= 0 && (first < 0 || producer.CurrentTransactionFirstOffset < first))
                    first = producer.CurrentTransactionFirstOffset;
            }
            return first;
        }
    }

    /// <summary>Takes in one batch of the log, data or marker. Returns the transaction that an ABORT marker ended, else null.</summary>
    public AbortedTransaction? Update(in RecordBatchHeader header, ReadOnlySpan<byte> batch)
    {
        if (!header.HasProducer)
            return null;
        if (header.IsControl)
            return EndTransaction(header, batch);

        var state = Entry(header.ProducerId);
        state.LastSequence = LastSequence(header);
        state.LastOffset = header.LastOffset;
        state.OffsetDelta = header.LastOffsetDelta;
        state.Epoch = header.ProducerEpoch;
        state.Timestamp = header.MaxTimestamp;
        if (header.IsTransactional && state.CurrentTransactionFirstOffset < 0)
            state.CurrentTransactionFirstOffset = header.BaseOffset;
        return null;
    }

    private AbortedTransaction? EndTransaction(in RecordBatchHeader header, ReadOnlySpan<byte> batch)
    {
        if (!TryReadMarker(batch, out var marker, out var timestamp))
            return null;
        var state = Entry(header.ProducerId);
        if (state.Epoch != header.ProducerEpoch)
        {
            // A new epoch starts with sequence 0 again: nothing of the old one is remembered.
            state.Epoch = header.ProducerEpoch;
            state.LastSequence = -1;
            state.LastOffset = -1;
            state.OffsetDelta = 0;
        }
        var firstOffset = state.CurrentTransactionFirstOffset;
        state.CurrentTransactionFirstOffset = -1;
        state.CoordinatorEpoch = marker.CoordinatorEpoch;
        state.Timestamp = timestamp;
        if (firstOffset < 0 || marker.Commit)
            return null;
        var stillOpen = FirstOpenTransactionOffset;
        return new AbortedTransaction(header.ProducerId, firstOffset, header.BaseOffset, stillOpen >= 0 ? stillOpen : header.LastOffset + 1);
    }

    /// <summary>False for control batches of another kind, and for one without its record.</summary>
    private static bool TryReadMarker(ReadOnlySpan<byte> batch, out EndTransactionMarker marker, out long timestamp)
    {
        (marker, timestamp) = (default, -1);
        if (batch.Length < RecordBatchHeader.Size)
            return false;
        try
        {
            using var reader = new RecordReader(batch);
            if (!reader.MoveNext())
                return false;
            timestamp = reader.Current.Timestamp;
            return EndTransactionMarker.TryRead(reader.Current, out marker);
        }
        catch (CorruptBatchException)
        {
            return false;
        }
    }

    private ProducerState Entry(long producerId)
    {
        if (!_producers.TryGetValue(producerId, out var state))
            _producers.Add(producerId, state = new ProducerState { ProducerId = producerId });
        return state;
    }

    /// <summary>Sequences wrap from 2^31-1 to 0.</summary>
    private static int LastSequence(in RecordBatchHeader header) =>
        header.BaseSequence < 0 ? -1 : (int)(((long)header.BaseSequence + header.LastOffsetDelta) & int.MaxValue);
}

/// <summary>What a producer snapshot keeps of one producer; -1 where there is none.</summary>
internal sealed record ProducerState
{
    public required long ProducerId { get; init; }
    public short Epoch { get; set; } = -1;
    public int LastSequence { get; set; } = -1;
    public long LastOffset { get; set; } = -1;
    public int OffsetDelta { get; set; }
    public long Timestamp { get; set; } = -1;
    public int CoordinatorEpoch { get; set; } = -1;
    public long CurrentTransactionFirstOffset { get; set; } = -1;
}
