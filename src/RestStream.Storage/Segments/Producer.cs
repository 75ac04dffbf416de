using System.Runtime.CompilerServices;
using RestStream.Storage.Records;

namespace RestStream.Storage.Segments;

/// <summary>
/// One idempotent producer in one partition: what the snapshot keeps of it, and the batches before its last one, by which a repeated batch is known.
/// The rules are those of Kafka's ProducerAppendInfo and ProducerStateEntry.
/// </summary>
internal sealed class Producer
{
    /// <summary>Batches that are remembered besides the last. Kafka remembers five in all (NUM_BATCHES_TO_RETAIN), as many as its client has in flight.</summary>
    private const int Earlier = 4;

    private EarlierBatches _earlier;
    private int _earlierCount;

    public Producer(ProducerState state) => State = state;

    public ProducerState State { get; }

    /// <summary>When a pass first found it idle (epoch ms); 0 = it wrote since the last pass.</summary>
    public long IdleSince { get; set; }

    /// <summary>Is from now on what the other is, or (null) a producer of that id that nobody heard of before. Allocates nothing.</summary>
    public void Become(long producerId, Producer? other)
    {
        State.CopyFrom(producerId, other?.State ?? ProducerState.Unknown);
        (_earlier, _earlierCount) = other is null ? (default, 0) : (other._earlier, other._earlierCount);
    }

    /// <summary>What Kafka's rules say of this batch, if it came next.</summary>
    public ProducerVerdict Judge(in RecordBatchHeader batch)
    {
        if (batch.ProducerEpoch < State.Epoch)
            return new ProducerVerdict(ProducerOrder.StaleEpoch, Epoch: State.Epoch);
        if (batch.ProducerEpoch != State.Epoch)
        {
            // Not heard of before: any sequence. After an epoch that is known a new one begins at 0.
            return State.Epoch < 0 || batch.BaseSequence == 0 ? default : new ProducerVerdict(ProducerOrder.Gap, ExpectedSequence: 0, Epoch: State.Epoch);
        }

        if (Find(batch.BaseSequence, batch.LastSequence) is { } original)
            return new ProducerVerdict(ProducerOrder.Duplicate, original.BaseOffset, original.Timestamp);
        var expected = State.LastSequence == int.MaxValue ? 0 : State.LastSequence + 1;
        return batch.BaseSequence == expected ? default : new ProducerVerdict(ProducerOrder.Gap, ExpectedSequence: expected, Epoch: State.Epoch);
    }

    /// <summary>Takes in a batch of the log.</summary>
    public void Add(in RecordBatchHeader batch)
    {
        if (batch.ProducerEpoch != State.Epoch)
            _earlierCount = 0;
        else if (State.LastSequence >= 0)
            Push(new ProducerBatch(State.LastSequence, State.LastOffset, State.OffsetDelta, State.Timestamp));
        State.LastSequence = batch.LastSequence;
        State.LastOffset = batch.LastOffset;
        State.OffsetDelta = batch.LastOffsetDelta;
        State.Epoch = batch.ProducerEpoch;
        State.Timestamp = batch.MaxTimestamp;
        IdleSince = 0;
        if (batch.IsTransactional && State.CurrentTransactionFirstOffset < 0)
            State.CurrentTransactionFirstOffset = batch.BaseOffset;
    }

    /// <summary>A marker began a new epoch: nothing of the old one is remembered.</summary>
    public void BeginEpoch(short epoch)
    {
        _earlierCount = 0;
        (State.Epoch, State.LastSequence, State.LastOffset, State.OffsetDelta) = (epoch, -1, -1, 0);
    }

    private ProducerBatch? Find(int firstSequence, int lastSequence)
    {
        var last = new ProducerBatch(State.LastSequence, State.LastOffset, State.OffsetDelta, State.Timestamp);
        if (last.LastSequence >= 0 && last.Is(firstSequence, lastSequence))
            return last;
        for (var i = 0; i < _earlierCount; i++)
        {
            if (_earlier[i].Is(firstSequence, lastSequence))
                return _earlier[i];
        }

        return null;
    }

    private void Push(ProducerBatch batch)
    {
        if (_earlierCount == Earlier)
        {
            Span<ProducerBatch> all = _earlier;
            all[1..].CopyTo(all);
            _earlierCount--;
        }

        _earlier[_earlierCount++] = batch;
    }

    [InlineArray(Earlier)]
    private struct EarlierBatches
    {
        private ProducerBatch _first;
    }

    private readonly record struct ProducerBatch(int LastSequence, long LastOffset, int OffsetDelta, long Timestamp)
    {
        public long BaseOffset => LastOffset - OffsetDelta;

        /// <summary>The first sequence is that many before the last, with the wrap from 0 to 2^31-1.</summary>
        public bool Is(int firstSequence, int lastSequence) => LastSequence == lastSequence && ((LastSequence - OffsetDelta) & int.MaxValue) == firstSequence;
    }
}

/// <summary>What a producer snapshot keeps of one producer; -1 where there is none.</summary>
internal sealed record ProducerState
{
    public static ProducerState Unknown { get; } = new() { ProducerId = -1 };

    public required long ProducerId { get; set; }
    public short Epoch { get; set; } = -1;
    public int LastSequence { get; set; } = -1;
    public long LastOffset { get; set; } = -1;
    public int OffsetDelta { get; set; }

    /// <summary>Largest of the last batch, or the time of the last marker.</summary>
    public long Timestamp { get; set; } = -1;
    public int CoordinatorEpoch { get; set; } = -1;
    public long CurrentTransactionFirstOffset { get; set; } = -1;

    public void CopyFrom(long producerId, ProducerState other)
    {
        (ProducerId, Epoch, LastSequence, LastOffset) = (producerId, other.Epoch, other.LastSequence, other.LastOffset);
        (OffsetDelta, Timestamp, CoordinatorEpoch, CurrentTransactionFirstOffset) = (other.OffsetDelta, other.Timestamp, other.CoordinatorEpoch, other.CurrentTransactionFirstOffset);
    }
}

/// <summary>Where a batch stands in its producer's order.</summary>
internal enum ProducerOrder : byte
{
    /// <summary>The next one, or the first one heard of.</summary>
    Next,
    Duplicate,
    Gap,
    StaleEpoch,
}

/// <param name="Order">The verdict.</param>
/// <param name="BaseOffset">For a duplicate: where the original is.</param>
/// <param name="Timestamp">For a duplicate: the original's largest timestamp.</param>
/// <param name="ExpectedSequence">For a gap: what would have been right.</param>
/// <param name="Epoch">The producer's epoch now.</param>
internal readonly record struct ProducerVerdict(ProducerOrder Order, long BaseOffset = -1, long Timestamp = -1, int ExpectedSequence = -1, short Epoch = -1);
