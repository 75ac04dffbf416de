using RestStream.Storage.Records;

namespace RestStream.Storage.Segments;

/// <summary>
/// The idempotent producers of a partition with their newest batches and open transactions, as the log itself tells. Not thread safe: hold the log's write lock.
/// </summary>
internal sealed class ProducerStates
{
    private readonly Dictionary<long, Producer> _producers = [];

    public int Count => _producers.Count;

    /// <summary>In the order of their ids, as a snapshot has them.</summary>
    public IEnumerable<ProducerState> All => _producers.Values.Select(producer => producer.State).OrderBy(state => state.ProducerId);

    public Producer? Find(long producerId) => _producers.GetValueOrDefault(producerId);

    public void Put(ProducerState state) => _producers[state.ProducerId] = new Producer(state);

    /// <summary>First offset of the oldest open transaction, or -1.</summary>
    public long FirstOpenTransactionOffset
    {
        get
        {
            var first = -1L;
            foreach (var (_, producer) in _producers)
            {
                if (producer.State.CurrentTransactionFirstOffset >= 0 && (first < 0 || producer.State.CurrentTransactionFirstOffset < first))
                    first = producer.State.CurrentTransactionFirstOffset;
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

        Entry(header.ProducerId).Add(header);
        return null;
    }

    /// <summary>Forgets producers that wrote nothing for so long. One with an open transaction stays.</summary>
    public void ForgetIdle(long nowMs, long expirationMs)
    {
        List<long>? gone = null;
        foreach (var (id, producer) in _producers)
        {
            if (producer.IdleSince == 0)
                producer.IdleSince = nowMs;
            else if (nowMs - producer.IdleSince >= expirationMs && producer.State.CurrentTransactionFirstOffset < 0)
                (gone ??= []).Add(id);
        }

        foreach (var id in gone ?? [])
            _producers.Remove(id);
    }

    /// <summary>Makes room for new producers: when there are <paramref name="max"/>, forgets the quarter of them that wrote the longest ago.</summary>
    public void MakeRoom(int max)
    {
        if (_producers.Count < max)
            return;
        var oldest = _producers.Values.Where(p => p.State.CurrentTransactionFirstOffset < 0).OrderBy(p => p.State.LastOffset).Take(_producers.Count - max + Math.Max(1, max / 4));
        foreach (var producer in oldest.ToList())
            _producers.Remove(producer.State.ProducerId);
    }

    private AbortedTransaction? EndTransaction(in RecordBatchHeader header, ReadOnlySpan<byte> batch)
    {
        if (!TryReadMarker(batch, out var marker, out var timestamp))
            return null;
        var producer = Entry(header.ProducerId);
        var state = producer.State;
        producer.IdleSince = 0;
        if (state.Epoch != header.ProducerEpoch)
            producer.BeginEpoch(header.ProducerEpoch);
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

    private Producer Entry(long producerId)
    {
        if (!_producers.TryGetValue(producerId, out var producer))
            _producers.Add(producerId, producer = new Producer(new ProducerState { ProducerId = producerId }));
        return producer;
    }
}
