using RestStream.Broker;
using RestStream.Http.Errors;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Http.Produce;

/// <summary>The records of one request for one partition: appended as one unit, so that they are all there or none.</summary>
internal sealed class PartitionPart
{
    private ValueTask<AppendResult>? _single;
    private ValueTask<IReadOnlyList<AppendResult>>? _several;

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

    public void Begin(TopicTarget target, int partition) => (Target, Id) = (target, new TopicPartition(target.Topic, partition));

    public void Start(IBroker broker)
    {
        try
        {
            if (Full.Count == 0)
                _single = broker.ProduceAsync(Id, Builder.Build());
            else
                _several = broker.ProduceAtomicAsync(TakeBatches([]));
        }
        catch (BrokerException e)
        {
            Failure = ErrorResponses.From(e);
        }
    }

    public async ValueTask FinishAsync()
    {
        try
        {
            if (_single is { } single)
                Result = await single;
            else if (_several is { } several)
                Result = (await several)[0];
        }
        catch (BrokerException e)
        {
            Failure = ErrorResponses.From(e);
        }
        finally
        {
            (_single, _several) = (null, null);
        }
    }

    /// <summary>Takes the batches before it returns; the rest goes on by itself.</summary>
    public async Task StartUnseenAsync(IBroker broker)
    {
        try
        {
            if (Full.Count == 0)
                await broker.ProduceAsync(Id, Builder.Build()).ConfigureAwait(false);
            else
                await broker.ProduceAtomicAsync(TakeBatches([])).ConfigureAwait(false);
        }
        catch (BrokerException)
        {
            // acks=0 asked for exactly this: nobody waits for the answer. The broker's metrics count the refusal.
        }
    }

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
