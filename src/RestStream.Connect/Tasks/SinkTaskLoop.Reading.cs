using RestStream.Broker;
using RestStream.Connect.Errors;
using RestStream.Connect.Stores;

namespace RestStream.Connect.Tasks;

// What it reads, and how that becomes records.
internal sealed partial class SinkTaskLoop
{
    /// <summary>Fills the batch with what is there now. False: nothing.</summary>
    private async Task<bool> ReadAsync()
    {
        if (_fetch is null)
            return false;
        int read;
        try
        {
            read = _fetch.Read(RawRecordEncoder.Shared, _member!.MaxRecords, _member.MaxBytes, _slices);
        }
        catch (BrokerException e) when (e is { Code: ErrorCode.OffsetOutOfRange or ErrorCode.CorruptMessage, Partition: { } id } && _fetched.Find(p => p.Log == id) is { } partition)
        {
            PassGap(partition, e);
            return false;
        }
        catch (BrokerException e) when (e.Code is ErrorCode.UnknownTopicOrPartition or ErrorCode.TopicRecreated)
        {
            // The group hears of it as well; until then the other partitions are read.
            LeaveOut(e);
            return false;
        }

        for (var i = 0; i < _fetched.Count; i++)
            _fetched[i].Position = _fetch.Positions[i].Offset;
        if (read == 0)
            return false;
        Metrics.RecordsInTotal += read;
        Metrics.RecordsIn.Add(read);
        Metrics.BatchSize.Add(read);
        Metrics.Active.Add(Interlocked.Add(ref Metrics.ActiveRecords, read));
        (_hasBatch, _batchRead) = (true, read);
        _batch.EnsureCapacity(read);
        foreach (var slice in _slices)
        {
            var id = _fetched[slice.PositionIndex].Id;
            _batchBytes += slice.Batch.Ends[slice.Last] - slice.Batch.Start(slice.First);
            for (var i = slice.First; i <= slice.Last; i++)
            {
                var converting = ConvertAsync(slice.Batch, i, id);
                if (!converting.IsCompletedSuccessfully)
                    await converting;
            }

            if (Services.Options.TopicTracking)
                Services.Statuses.TopicUsed(Definition.Id.Connector, Definition.Id.Task, id.Topic);
        }

        _slices.Clear();
        return true;
    }

    /// <summary>Adds the record to the batch, unless it is dropped by a transform or passed over.</summary>
    private ValueTask ConvertAsync(EncodedBatch batch, int index, TopicPartition id)
    {
        Exception failure;
        try
        {
            Convert((batch, index, id));
            return ValueTask.CompletedTask;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Plugins throw what they like; the error policy decides.
            failure = e;
        }

        return FailedAsync(batch, index, id, failure);
    }

    private void Convert((EncodedBatch Batch, int Index, TopicPartition Id) from)
    {
        if (_deserializer.Transform(_deserializer.Read(from.Batch, from.Index, from.Id.Topic, from.Id.Partition)) is { } record)
            _batch.Add(record);
    }

    private async ValueTask FailedAsync(EncodedBatch batch, int index, TopicPartition id, Exception failure)
    {
        if (failure is RetriableException && _plugins.Errors.RetryTimeout != TimeSpan.Zero)
        {
            Interlocked.Increment(ref Metrics.Errors);
            try
            {
                await _retries.BoundedAsync(Convert, (batch, index, id), failure, StopToken);
                return;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                failure = e;
            }
        }

        // Not waited for here, unless they are too many: the commit does.
        _ = _deadLetters.FailedAsync(_deserializer.Stage, _deserializer.ClassName, batch, index, id, failure);
        await _deadLetters.MakeRoomAsync(StopToken);
    }

    /// <summary>
    /// The offset is not in the log (deleted by retention, cut off, or the topic is new), which the reset policy answers; or records are damaged on disk, which is an error of the records there: the policy for errors
    /// answers, and with tolerance they are passed over.
    /// </summary>
    private void PassGap(SinkPartition partition, BrokerException error)
    {
        long next;
        if (error.Code == ErrorCode.CorruptMessage)
        {
            if (!_plugins.Errors.TolerateAll)
                throw new StageException(Stage.KafkaConsume, $"{partition.Id}@{partition.Position}", error);
            Interlocked.Increment(ref Metrics.Skipped);
            Metrics.Failed(Services.Time.GetUtcNow().ToUnixTimeMilliseconds());
            next = error.Earliest;
        }
        else
        {
            if (_member!.Reset == "none")
                throw new StageException(Stage.KafkaConsume, $"{partition.Id}@{partition.Position}", error, "Offset is out of range and consumer.override.auto.offset.reset is none");
            next = _member.Reset == "latest" ? error.Latest : error.Earliest;
        }

        Logger.GapPassed(Definition.Id.Connector, Definition.Id.Task, next, partition.Id.ToString(), error.Message);

        // Behind the end after a loss of records: what comes to stand there next is new, so the place goes back with it.
        partition.WentBack |= next < partition.Position;
        (partition.Position, partition.Delivered) = (next, next);
        OpenFetch();
    }

    private void LeaveOut(BrokerException gone)
    {
        _partitions = [.. _partitions.Where(p => gone.Partition is { } id ? p.Log != id : p.Log.Topic != gone.Subject)];
        OpenFetch();
    }

    /// <summary>Does what the task asked about its partitions since it was last looked at.</summary>
    private void ApplyChanges()
    {
        if (_context.TakeChanges() is not { } seeks)
            return;
        foreach (var partition in _partitions)
        {
            if (!seeks.TryGetValue(partition.Id, out var offset))
                continue;

            // Records that wait to be put again and were read before are not what the task wants now.
            _batch.RemoveAll(r => r.OriginalTopic == partition.Id.Topic && r.OriginalPartition == partition.Id.Partition);
            partition.WentBack = offset < partition.Committed;
            (partition.Position, partition.Delivered) = (offset, offset);
        }

        OpenFetch();
    }

    /// <summary>Reads the partitions that are not paused, from where they stand.</summary>
    private void OpenFetch()
    {
        _fetch?.Dispose();
        _fetch = null;
        while (true)
        {
            _fetched = [.. _partitions.Where(p => !_context.IsPaused(p.Id))];
            if (_fetched.Count == 0)
                return;
            try
            {
                _fetch = Services.Broker.OpenFetch([.. _fetched.Select(p => new FetchPosition(p.Log, p.Position, p.TopicId))]);
                return;
            }
            catch (BrokerException e) when (e.Code is ErrorCode.UnknownTopicOrPartition or ErrorCode.TopicRecreated)
            {
                // Without the topics that went meanwhile.
                _partitions = [.. _partitions.Where(p => Services.Broker.TryGetIntake(p.Log.Topic, out _) && Services.Broker.DescribeTopic(p.Log.Topic).TopicId == p.TopicId)];
            }
        }
    }
}
