using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Connect.Errors;

namespace RestStream.Connect.Tasks;

/// <summary>
/// Takes records of a source through transforms and converters into a <see cref="SourceUnit"/>, makes their topics, and does with failed ones what the error policy says. The usual record passes without an await and
/// without an allocation of the worker's own. Not thread safe.
/// </summary>
internal sealed class SourceWriter
{
    private readonly RunningTask _owner;
    private readonly TaskPlugins _plugins;
    private readonly Retries _retries;
    private readonly TopicCreation _topics;
    private readonly Func<SourceRecord, string, bool> _refused;
    private readonly RecordSerializer _serializer;
    private int _unit;
    private long _now;

    /// <param name="owner">The task.</param>
    /// <param name="plugins">What it works with.</param>
    /// <param name="retries">Of the broker, and of records.</param>
    /// <param name="refused">Asked about a record whose error is not tolerated; true: it is passed over all the same (<see cref="SourceTask.Refused"/>).</param>
    public SourceWriter(RunningTask owner, TaskPlugins plugins, Retries retries, Func<SourceRecord, string, bool> refused)
    {
        (_owner, _plugins, _retries, _refused) = (owner, plugins, retries, refused);
        _topics = new TopicCreation(plugins.Config);
        _serializer = new RecordSerializer(plugins.Converters, plugins.Transforms);
    }

    /// <summary>It waits for a topic that nobody may make but the user.</summary>
    public bool WaitsForTopic { get; private set; }

    /// <summary>The time of records that bring none, from here on; and records without key go to the next partition.</summary>
    public void NextBatch()
    {
        _now = _owner.Services.Time.GetUtcNow().ToUnixTimeMilliseconds();
        _unit++;
    }

    /// <summary>Adds the record to the unit, unless it is dropped by a transform or passed over. Its offset is the caller's.</summary>
    /// <exception cref="StageException">It failed, and the policy does not tolerate that.</exception>
    public ValueTask AddAsync(SourceRecord record, SourceUnit unit, CancellationToken cancellationToken)
    {
        Exception failure;
        try
        {
            return TryAdd(record, unit) is { } topic ? MakeTopicAsync(record, topic, unit, cancellationToken) : ValueTask.CompletedTask;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Plugins throw what they like; the error policy decides.
            failure = e;
        }

        return FailedAsync(record, failure, unit, cancellationToken);
    }

    /// <summary>The task could not read this record; the error policy decides. Its offset is the caller's.</summary>
    /// <exception cref="StageException">The policy does not tolerate that.</exception>
    public ValueTask RefusedAsync(SourceRecord record, RecordException failure, SourceUnit unit, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _owner.Metrics.Errors);
        return PassOverAsync(record, failure, Stage.TaskPoll, ErrorTrace.PluginName(_owner.Definition.TaskType), unit, cancellationToken);
    }

    /// <summary>Null: done. Else the topic that is missing.</summary>
    private string? TryAdd(SourceRecord record, SourceUnit unit)
    {
        if (_serializer.Transform(record) is not { } transformed)
            return null;
        if (!_owner.Services.Broker.TryGetIntake(transformed.Topic, out var intake))
            return transformed.Topic;
        _serializer.Serialize(transformed);
        Check(transformed, intake);
        unit.Append(
            transformed.Topic, Partition(transformed, intake), intake, transformed.Timestamp ?? _now, _serializer.KeyIsNull, _serializer.Key, _serializer.ValueIsNull, _serializer.Value,
            _serializer.Headers, _serializer.HeaderCount);
        return null;
    }

    private int Partition(ConnectRecord record, in TopicIntake intake)
    {
        if (record.Partition is { } partition)
            return partition;
        if (!_serializer.KeyIsNull)
            return Partitioner.ForKey(_serializer.Key, intake.Partitions);

        // All of a batch to one partition, the next batch to the next: few large batches instead of many small ones.
        return intake.Partitions == 1 ? 0 : _unit % intake.Partitions;
    }

    /// <summary>What the log would refuse is refused here: one bad record must not take its batch along.</summary>
    private void Check(ConnectRecord record, in TopicIntake intake)
    {
        if (record.Partition is { } partition && (partition < 0 || partition >= intake.Partitions))
            throw new ConnectException($"The record wants partition {partition} of topic '{record.Topic}', which has partitions 0 to {intake.Partitions - 1}.");
        if (intake.KeyRequired && _serializer.KeyIsNull)
            throw new BrokerException(ErrorCode.InvalidRecord, $"Topic '{record.Topic}' is compacted (cleanup.policy), so every record needs a key; this one has none.") { Subject = "key" };
        var bytes = Storage.Records.RecordBatchHeader.Size + SourceUnit.MostBytes(_serializer.Key, _serializer.Value, _serializer.Headers);
        if (bytes > SourceUnit.SafeBytes(intake) && !(intake.Compressed && FitsCompressed(record, intake)))
        {
            throw new BrokerException(
                ErrorCode.MessageTooLarge,
                $"The record has {bytes} bytes{(intake.Compressed ? " and is too large compressed too" : "")}, topic '{record.Topic}' takes {intake.MaxMessageBytes} (max.message.bytes). Raise that, or make the record smaller.");
        }

        if (record.Timestamp is { } timestamp && !DeadLetterQueue.TakesTimestamp(intake, timestamp, _now))
            throw new BrokerException(ErrorCode.InvalidTimestamp, $"The timestamp {timestamp} lies further from the broker's clock, {_now}, than topic '{record.Topic}' takes (message.timestamp.before.max.ms, message.timestamp.after.max.ms).");
    }

    private bool FitsCompressed(ConnectRecord record, in TopicIntake intake) => DeadLetterQueue.FitsCompressed(
        _owner.Services.Broker, record.Topic, intake,
        new DeadLetter(
            _serializer.KeyIsNull ? null : _serializer.Key.ToArray(), _serializer.ValueIsNull ? null : _serializer.Value.ToArray(), _serializer.Headers.ToArray(), _serializer.HeaderCount, record.Timestamp ?? _now));

    /// <summary>Makes the topic, or waits until somebody did; then the record is begun anew.</summary>
    private async ValueTask MakeTopicAsync(SourceRecord record, string topic, SourceUnit unit, CancellationToken cancellationToken)
    {
        var broker = _owner.Services.Broker;
        await _retries.Broker.ExecuteAsync(async token =>
        {
            if (TopicNames.FindProblem(topic) is { } problem)
                throw new StageException(Stage.KafkaProduce, topic, new BrokerException(ErrorCode.InvalidTopic, problem) { Subject = "topic" }, "Unrecoverable exception trying to send");
            if (_topics.IsConfigured)
                await _topics.CreateAsync(broker, topic, token);
            else if (_owner.Services.Options.AutoCreateTopics && !topic.StartsWith("__", StringComparison.Ordinal))
                await TopicCreation.CreateAsync(broker, new TopicSpec(topic, null, new Dictionary<string, string>()), token);
            else
                await WaitForTopicAsync(topic, token);
        }, cancellationToken);
        await AddAsync(record, unit, cancellationToken);
    }

    /// <summary>As with Kafka the task stays RUNNING and nothing arrives; but the log says why, the status says stalled, and it goes on by itself.</summary>
    private async Task WaitForTopicAsync(string topic, CancellationToken cancellationToken)
    {
        _owner.Logger.WaitsForTopic(_owner.Definition.Id.Connector, _owner.Definition.Id.Task, topic);
        WaitsForTopic = true;
        try
        {
            while (!_owner.Services.Broker.TryGetIntake(topic, out _))
                await Task.Delay(TimeSpan.FromSeconds(1), _owner.Services.Time, cancellationToken);
        }
        finally
        {
            WaitsForTopic = false;
        }
    }

    private async ValueTask FailedAsync(SourceRecord record, Exception failure, SourceUnit unit, CancellationToken cancellationToken)
    {
        var (stage, className) = (_serializer.Stage, _serializer.ClassName);
        Interlocked.Increment(ref _owner.Metrics.Errors);
        if (failure is RetriableException && _plugins.Errors.RetryTimeout != TimeSpan.Zero)
        {
            try
            {
                string? missing = null;
                await _retries.BoundedAsync(r => missing = TryAdd(r, unit), record, failure, cancellationToken);
                if (missing is not null)
                    await MakeTopicAsync(record, missing, unit, cancellationToken);
                return;
            }
            catch (Exception e) when (e is not (OperationCanceledException or StageException))
            {
                (failure, stage, className) = (e, _serializer.Stage, _serializer.ClassName);
            }
        }

        await PassOverAsync(record, failure, stage, className, unit, cancellationToken);
    }

    private async ValueTask PassOverAsync(SourceRecord record, Exception failure, string stage, string? className, SourceUnit unit, CancellationToken cancellationToken)
    {
        _owner.Metrics.Failed(_now);
        var error = ErrorOf(record, failure, stage, className);
        LogIfAsked(error);
        var tolerated = _plugins.Errors.Tolerates(stage, failure);
        if (!tolerated && (_plugins.Errors.TolerateAll || stage == Stage.TaskPoll || failure is FatalException || !_refused(record, error.Message)))
            throw new StageException(stage, error.Place, failure);
        Interlocked.Increment(ref _owner.Metrics.Skipped);
        if (tolerated && _plugins.Errors.DlqTopic is { } dlq)
            await ToDlqAsync(record, error, dlq, unit, cancellationToken);
    }

    private RecordError ErrorOf(SourceRecord record, Exception failure, string stage, string? className) =>
        new(_owner.Definition.Id, stage, className, record.Topic, null, null, record.Timestamp, failure, _plugins.Secrets.Scrub(failure.Message), _plugins.Secrets.Scrub(ErrorTrace.Of(failure)));

    private void LogIfAsked(RecordError error)
    {
        if (!_plugins.Errors.Log)
            return;
        Interlocked.Increment(ref _owner.Metrics.Logged);
        _owner.Logger.RecordFailed(
            error.Task.Connector, error.Task.Task, error.Stage, error.ClassName, _plugins.Errors.LogRecords ? error.LogText : "", error.Message);
    }

    /// <summary>
    /// The record as it came from the source, before any transform, in the same unit as its offset: it is in the queue exactly when it is passed over. Each part is written by the task's own converter; a part that this
    /// converter refuses is written as text.
    /// </summary>
    /// <exception cref="StageException">The queue does not take it. That is said before it is part of the unit, which the log would refuse as a whole.</exception>
    private async ValueTask ToDlqAsync(SourceRecord record, RecordError error, string dlq, SourceUnit unit, CancellationToken cancellationToken)
    {
        var broker = _owner.Services.Broker;
        Interlocked.Increment(ref _owner.Metrics.DlqRequests);
        try
        {
            if (!broker.TryGetIntake(dlq, out var intake))
            {
                await _retries.Broker.ExecuteAsync(async token => await TopicCreation.CreateAsync(broker, DeadLetterQueue.Spec(dlq), token), cancellationToken);
                if (!broker.TryGetIntake(dlq, out intake))
                    throw BrokerException.UnknownTopic(dlq);
            }

            var letter = DeadLetterQueue.Fit(
                broker, dlq, intake, DeadLetterQueue.Serialize(record, _plugins.Converters, record.Timestamp ?? _now), error, _plugins.Errors.DlqHeaders, _now);
            unit.Append(
                dlq, letter.PartitionOf(intake.Partitions), intake, letter.Timestamp, letter.Key is null, letter.Key, letter.Value is null, letter.Value, letter.Headers, letter.HeaderCount);
        }
        catch (Exception e) when (e is BrokerException or ConnectException)
        {
            Interlocked.Increment(ref _owner.Metrics.DlqFailures);
            throw DeadLetterQueue.Unwritable(dlq, error, e);
        }
    }
}
