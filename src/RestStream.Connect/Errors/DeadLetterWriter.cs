using RestStream.Broker;
using RestStream.Connect.Stores;
using RestStream.Connect.Tasks;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Errors;

/// <summary>
/// What a sink does with records that failed, by its error policy. Records go to the dead letter topic with the bytes that they have in the log; offsets are committed only when those writes are durable
/// (<see cref="FlushAsync"/>). One that could not be written is a record lost unless its offset stays behind: from then on every flush throws, until the task is started again. Safe on any thread.
/// </summary>
internal sealed class DeadLetterWriter(RunningTask owner, TaskPlugins plugins, Retries retries)
{
    /// <summary>Most on their way, and <see cref="_mostBytes"/>: nobody waits for a single one, so a topic of bad records alone would else be in memory as a whole before the next commit.</summary>
    private const int MostPending = 1_000;

    private readonly long _mostBytes = owner.Services.Options.TaskMaxBytes / 4;
    private readonly Lock _lock = new();
    private readonly Queue<(Task Sent, long Bytes)> _pending = [];
    private long _pendingBytes;
    private StageException? _failure;

    /// <summary>One could not be written; the task is at its end.</summary>
    public bool HasFailed => Volatile.Read(ref _failure) is not null;

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
        DeadLetter letter;
        try
        {
            letter = batch is null ? ReadAgain(topic, partition, offset) : DeadLetter.Of(batch, index);
        }
        catch (Exception e) when (e is BrokerException or ConnectException)
        {
            throw Lost(dlq, error, e);
        }

        var sent = SendAsync(dlq, error, letter);
        lock (_lock)
        {
            DropWritten();
            var bytes = letter.Bytes + error.Trace.Length;
            _pending.Enqueue((sent, bytes));
            _pendingBytes += bytes;
        }

        return sent;
    }

    /// <summary>Waits for the oldest while too many are on their way.</summary>
    /// <exception cref="StageException">One could not be written.</exception>
    public async ValueTask MakeRoomAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task oldest;
            lock (_lock)
            {
                DropWritten();
                if (_failure is not null)
                    throw _failure;
                if (_pending.Count == 0 || (_pending.Count < MostPending && _pendingBytes < _mostBytes))
                    return;
                oldest = _pending.Peek().Sent;
            }

            await oldest.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Everything sent so far is durable.</summary>
    /// <exception cref="StageException">One could not be written, now or at any time before: no offset may be committed.</exception>
    public async Task FlushAsync()
    {
        Task[] pending;
        lock (_lock)
            pending = [.. _pending.Select(p => p.Sent)];
        await Task.WhenAll(pending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            DropWritten();
            if (_failure is not null)
                throw _failure;
        }
    }

    /// <summary>Under the lock.</summary>
    private void DropWritten()
    {
        while (_pending.TryPeek(out var oldest) && oldest.Sent.IsCompleted)
            _pendingBytes -= _pending.Dequeue().Bytes;
    }

    private async Task SendAsync(string dlq, RecordError error, DeadLetter letter)
    {
        try
        {
            await retries.Broker.ExecuteAsync(async _ =>
            {
                var broker = owner.Services.Broker;
                if (!broker.TryGetIntake(dlq, out var intake))
                    throw BrokerException.UnknownTopic(dlq);
                var fitting = DeadLetterQueue.Fit(broker, dlq, intake, letter, error, plugins.Errors.DlqHeaders, owner.Services.Time.GetUtcNow().ToUnixTimeMilliseconds());
                await owner.WriteAsync(() => broker.ProduceAsync(new LogPartition(dlq, fitting.PartitionOf(intake.Partitions)), fitting.Build()).AsTask());
            });
        }
        catch (Exception e)
        {
            // Whatever it was, the record is not in the queue.
            throw Lost(dlq, error, e);
        }
    }

    private StageException Lost(string dlq, RecordError error, Exception cause)
    {
        Interlocked.Increment(ref owner.Metrics.DlqFailures);
        var failure = DeadLetterQueue.Unwritable(dlq, error, cause);
        lock (_lock)
            _failure ??= failure;
        return failure;
    }

    /// <summary>The record as the log has it. Sinks give back what they were handed, and that does not carry its bytes along.</summary>
    private DeadLetter ReadAgain(string topic, int partition, long offset)
    {
        var slices = new List<EncodedSlice>();
        using var fetch = owner.Services.Broker.OpenFetch([new FetchPosition(new LogPartition(topic, partition), offset)]);
        if (fetch.Read(RawRecordEncoder.Shared, 1, 1, slices) == 0 || slices[0].Batch.Offsets[slices[0].First] != offset)
            throw new ConnectException($"The record {topic}-{partition}@{offset} is no longer in the log, so it cannot go to the dead letter queue.");
        return DeadLetter.Of(slices[0].Batch, slices[0].First);
    }
}
