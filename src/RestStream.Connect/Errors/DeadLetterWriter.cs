using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Connect.Stores;
using RestStream.Connect.Tasks;
using RestStream.Storage.Records;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Errors;

/// <summary>
/// What a sink does with records that failed, by its error policy. Records go to the dead letter topic with the bytes that they have in the log; offsets are committed only when those writes are durable
/// (<see cref="FlushAsync"/>). Safe on any thread.
/// </summary>
internal sealed class DeadLetterWriter(RunningTask owner, TaskPlugins plugins, Retries retries)
{
    private readonly Lock _lock = new();
    private readonly List<Task> _pending = [];

    /// <summary>Makes the topic, so that it is there before the first error.</summary>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        if (plugins.Errors.DlqTopic is { } topic && !owner.Services.Broker.TryGetIntake(topic, out _))
            await retries.Broker.ExecuteAsync(async token => await TopicCreation.CreateAsync(owner.Services.Broker, DeadLetterQueue.Spec(topic), token), cancellationToken);
    }

    /// <summary>The task says that it goes on without this record. Completes when it is safe in the queue.</summary>
    /// <exception cref="StageException">That is not tolerated.</exception>
    public Task ReportedAsync(SinkRecord record, Exception failure) =>
        FailedAsync(
            Stage.TaskPut, ErrorTrace.PluginName(owner.Definition.TaskType), record.OriginalTopic, record.OriginalPartition, record.Offset, record.Timestamp, failure, plugins.Errors.TolerateAll, null, 0);

    /// <summary>One record failed before it came to the task. Completes when it is safe in the queue.</summary>
    /// <exception cref="StageException">That is not tolerated.</exception>
    public Task FailedAsync(string stage, string? className, EncodedBatch batch, int index, TopicPartition from, Exception failure) =>
        FailedAsync(stage, className, from.Topic, from.Partition, batch.Offsets[index], batch.Timestamps[index], failure, plugins.Errors.Tolerates(stage, failure), batch, index);

    private Task FailedAsync(
        string stage, string? className, string topic, int partition, long offset, long? timestamp, Exception failure, bool tolerated, EncodedBatch? batch, int index)
    {
        var metrics = owner.Metrics;
        Interlocked.Increment(ref metrics.Errors);
        metrics.Failed(owner.Services.Time.GetUtcNow().ToUnixTimeMilliseconds());
        var trace = plugins.Secrets.Scrub(ErrorTrace.Of(failure));
        var error = new RecordError(owner.Definition.Id, stage, className, topic, partition, offset, timestamp, failure, plugins.Secrets.Scrub(failure.Message), trace);
        if (plugins.Errors.Log)
        {
            Interlocked.Increment(ref metrics.Logged);
            owner.Logger.RecordFailed(
                error.Task.Connector, error.Task.Task, stage, className, plugins.Errors.LogRecords ? error.LogText : "", error.Message);
        }

        if (!tolerated)
            throw new StageException(stage, error.Place, failure);
        Interlocked.Increment(ref metrics.Skipped);
        if (plugins.Errors.DlqTopic is not { } dlq)
            return Task.CompletedTask;
        Interlocked.Increment(ref metrics.DlqRequests);
        if (batch is null)
            (batch, index) = ReadAgain(topic, partition, offset);
        var sent = SendAsync(dlq, error, batch, index);
        lock (_lock)
            _pending.Add(sent);
        return sent;
    }

    /// <summary>Everything sent so far is durable.</summary>
    public async Task FlushAsync()
    {
        Task[] pending;
        lock (_lock)
        {
            pending = [.. _pending];
            _pending.Clear();
        }

        await Task.WhenAll(pending);
    }

    private async Task SendAsync(string dlq, RecordError error, EncodedBatch batch, int index)
    {
        try
        {
            await retries.Broker.ExecuteAsync(async _ =>
            {
                var broker = owner.Services.Broker;
                if (!broker.TryGetIntake(dlq, out var intake))
                    throw BrokerException.UnknownTopic(dlq);
                var (built, partition) = Build(batch, index, error, intake);
                await owner.WriteAsync(() => broker.ProduceAsync(new LogPartition(dlq, partition), built).AsTask());
            });
        }
        catch (BrokerException)
        {
            Interlocked.Increment(ref owner.Metrics.DlqFailures);
            throw;
        }
    }

    private (BatchBuffer Batch, int Partition) Build(EncodedBatch batch, int index, RecordError error, in TopicIntake intake)
    {
        var raw = new RawRecord(batch.Record(index).Span);
        var (errorHeaders, errorCount) = plugins.Errors.DlqHeaders ? error.EncodeHeaders(DeadLetterQueue.Room(intake, raw.Key, raw.Value, raw.EncodedHeaders)) : ([], 0);
        using var builder = new RecordBatchBuilder();
        builder.Append(batch.Timestamps[index], raw.KeyIsNull, raw.Key, raw.ValueIsNull, raw.Value, [.. raw.EncodedHeaders, .. errorHeaders], raw.HeaderCount + errorCount);
        return (builder.Build(), raw.KeyIsNull ? 0 : Partitioner.ForKey(raw.Key, intake.Partitions));
    }

    /// <summary>The record as the log has it. Sinks give back what they were handed, and that does not carry its bytes along.</summary>
    private (EncodedBatch Batch, int Index) ReadAgain(string topic, int partition, long offset)
    {
        var slices = new List<EncodedSlice>();
        using var fetch = owner.Services.Broker.OpenFetch([new FetchPosition(new LogPartition(topic, partition), offset)]);
        if (fetch.Read(RawRecordEncoder.Shared, 1, 1, slices) == 0 || slices[0].Batch.Offsets[slices[0].First] != offset)
            throw new ConnectException($"The record {topic}-{partition}@{offset} is no longer in the log, so it cannot go to the dead letter queue.");
        return (slices[0].Batch, slices[0].First);
    }
}
