using RestStream.Broker;
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

    /// <summary>A part of an earlier request, for its answer only.</summary>
    public void Restore(TopicPartition id, AppendResult result) => (Id, Result) = (id, result);

    public void Begin(TopicTarget target, int partition) => (Target, Id) = (target, new TopicPartition(target.Topic, partition));

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
            if (Full.Count == 0)
                await broker.ProduceAsync(Id, producer is { } stamp ? Build(stamp) : Builder.Build()).ConfigureAwait(false);
            else
                await broker.ProduceAtomicAsync(TakeBatches([])).ConfigureAwait(false);
        }
        catch (BrokerException)
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
        (Target, Id, Records, Result, Failure) = (null!, default, 0, default, null);
    }
}
