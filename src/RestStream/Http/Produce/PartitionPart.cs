using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Http.Errors;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Http.Produce;

/// <summary>The records of one request for one partition: appended as one unit, so that they are all there or none.</summary>
internal sealed class PartitionPart
{
    public TopicTarget Target { get; private set; } = null!;
    public TopicPartition Id { get; private set; }
    public RecordBatchBuilder Builder { get; } = new();

    /// <summary>Batches that reached the topic's largest size; the builder goes on with the next.</summary>
    public List<BatchBuffer> Full { get; } = [];

    /// <summary>How many records there are in all.</summary>
    public int Records { get; set; }

    /// <summary>Of the first batch; the others follow it without a gap.</summary>
    public AppendResult Result { get; set; }
    public HttpError? Failure { get; set; }

    /// <summary>Partitions to which the key of the first record belonged when the topic had fewer.</summary>
    private int[] _earlierPlaces = [];

    /// <summary>A part of an earlier request, for its answer only.</summary>
    public void Restore(TopicPartition id, AppendResult result) => (Id, Result) = (id, result);

    public void Begin(TopicTarget target, int partition) => (Target, Id) = (target, new TopicPartition(target.Topic, partition));

    /// <summary>The place of the first record follows from its key, and its request may be the repeat of one that was sent when the topic had fewer partitions.</summary>
    public void NoteEarlierPlaces(ReadOnlySpan<byte> key)
    {
        var earlier = Target.Intake.EarlierPartitions;
        if (earlier.Count == 0)
            return;
        var places = new SortedSet<int>();
        foreach (var partitions in earlier)
            places.Add(Partitioner.ForKey(key, partitions));
        places.Remove(Id.Partition);
        _earlierPlaces = [.. places];
    }

    /// <summary>Appends the one batch of an idempotent producer. Gives it to the broker before it returns, unless the topic grew.</summary>
    /// <exception cref="HttpError">422: it may be the repeat of a request that is in another partition.</exception>
    public ValueTask<AppendResult> AppendAsync(IBroker broker, ProducerStamp producer, long expectedOffset)
    {
        var batch = Build(producer);
        return _earlierPlaces.Length == 0
            ? broker.ProduceAsync(Id, batch, expectedOffset)
            : AppendUnlessElsewhereAsync(broker, Id, _earlierPlaces, Target.Intake.Partitions, batch, producer, expectedOffset);
    }

    /// <summary>
    /// Gives the batches to the broker before it returns, and goes on until they are as durable as the topic asks. A refusal is kept in <see cref="Failure"/>.
    /// </summary>
    public async Task AppendAsync(IBroker broker)
    {
        try
        {
            Result = Full.Count == 0 ? await broker.ProduceAsync(Id, Builder.Build()) : (await broker.ProduceAtomicAsync(TakeBatches([])))[0];
        }
        catch (BrokerException e)
        {
            Failure = ErrorResponses.From(e);
        }
    }

    /// <summary>The same for <c>acks=0</c>: this object may be used again as soon as the call returns, and nobody hears of a refusal but the broker's metrics.</summary>
    public async Task AppendUnseenAsync(IBroker broker, ProducerStamp? producer = null)
    {
        try
        {
            if (Full.Count == 0 && producer is { } stamp)
                await AppendAsync(broker, stamp, expectedOffset: -1).ConfigureAwait(false);
            else if (Full.Count == 0)
                await broker.ProduceAsync(Id, Builder.Build()).ConfigureAwait(false);
            else
                await broker.ProduceAtomicAsync(TakeBatches([])).ConfigureAwait(false);
        }
        catch (Exception refusal) when (refusal is BrokerException or HttpError)
        {
            // What acks=0 asks for.
        }
    }

    /// <summary>The one batch, with what makes a repeat of it known.</summary>
    public BatchBuffer Build(ProducerStamp producer) => Builder.Build(CompressionCodec.None, producer.Id, producer.Epoch, producer.Sequence);

    /// <summary>Moves the finished batches over, the builder's last.</summary>
    public List<(TopicPartition Partition, BatchBuffer Batch)> TakeBatches(List<(TopicPartition Partition, BatchBuffer Batch)> into)
    {
        foreach (var batch in Full)
            into.Add((Id, batch));
        Full.Clear();
        into.Add((Id, Builder.Build()));
        return into;
    }

    public void Clear()
    {
        foreach (var batch in Full)
            batch.Dispose();
        Full.Clear();
        Builder.Reset();
        (Target, Id, Records, Result, Failure, _earlierPlaces) = (null!, default, 0, default, null, []);
    }

    /// <summary>
    /// Sequences are counted per partition, so one that another partition has too proves nothing: which of the two is meant only the client knows. Whether a partition has it is asked by an
    /// append at an offset that cannot be: a repeat is known before the offset is looked at.
    /// </summary>
    private static async ValueTask<AppendResult> AppendUnlessElsewhereAsync(
        IBroker broker, TopicPartition id, int[] earlier, int partitions, BatchBuffer batch, ProducerStamp producer, long expectedOffset)
    {
        var given = false;
        try
        {
            foreach (var place in earlier)
            {
                if (!await HasAsync(broker, id with { Partition = place }, batch))
                    continue;
                throw HttpError.Invalid("partition",
                    $"Since topic '{id.Topic}' has {partitions} partitions this key belongs to partition {id.Partition}, and partition {place}, to which it belonged before, has records of producer {producer.Id}, "
                    + $"epoch {producer.Epoch}, with sequence {producer.Sequence}. Nothing was written. Name the partition: {place} if this request repeats that one, {id.Partition} if not.");
            }

            given = true;
            return await broker.ProduceAsync(id, batch, expectedOffset);
        }
        finally
        {
            if (!given)
                batch.Dispose();
        }
    }

    private static async ValueTask<bool> HasAsync(IBroker broker, TopicPartition id, BatchBuffer batch)
    {
        var copy = BatchBuffer.Rent(batch.Length);
        copy.Length = batch.Length;
        batch.Span.CopyTo(copy.Span);
        try
        {
            return (await broker.ProduceAsync(id, copy, expectedOffset: long.MaxValue)).Duplicate;
        }
        catch (BrokerException e) when (e.Code is ErrorCode.OffsetMismatch or ErrorCode.OutOfOrderSequenceNumber)
        {
            return false;
        }
    }
}
