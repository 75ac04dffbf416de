using System.Runtime.CompilerServices;
using RestStream.Broker;
using RestStream.Broker.Idempotence;
using RestStream.Http.Errors;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Http.Produce;

// The ways to hand the records over.
internal sealed partial class RecordSet
{
    /// <summary>
    /// Hands every partition's records to the broker and waits until they are as durable as their topics ask.
    /// A partition that fails refuses its records; nothing is thrown.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask AppendAsync()
    {
        if (_partCount == 1 && _parts[0].Full.Count == 0)
        {
            // By far the most requests.
            var part = _parts[0];
            try
            {
                part.Result = await broker.ProduceAsync(part.Id, part.Builder.Build());
            }
            catch (BrokerException e)
            {
                part.Failure = ErrorResponses.From(e);
            }
        }
        else
        {
            var appends = new Task[_partCount];
            for (var i = 0; i < appends.Length; i++)
                appends[i] = _parts[i].AppendAsync(broker);
            await Task.WhenAll(appends);
        }

        PutFailuresInPlace();
    }

    /// <summary>Appends everything as one unit: all records or, with an exception, none.</summary>
    /// <exception cref="BrokerException">Why nothing was written.</exception>
    public async Task AppendAtomicAsync()
    {
        if (_partCount == 0)
            return;
        if (_partCount == 1 && _parts[0].Full.Count == 0)
        {
            _parts[0].Result = await broker.ProduceAsync(_parts[0].Id, _parts[0].Builder.Build());
            return;
        }

        var batches = TakeBatches(out var firsts);
        var results = await broker.ProduceAtomicAsync(batches);
        for (var i = 0; i < _partCount; i++)
            _parts[i].Result = results[firsts[i]];
    }

    /// <summary>Appends everything as one unit with the key of the request and what became of its records: all of it or, with an exception, nothing.</summary>
    /// <exception cref="BrokerException">Why nothing was written.</exception>
    public async Task AppendOnceAsync(IdempotentRequest request)
    {
        if (_partCount == 0)
            return;
        var batches = TakeBatches(out var firsts);
        var results = await broker.ProduceOnceAsync(request, batches, ToReceipt(firsts));
        for (var i = 0; i < _partCount; i++)
            _parts[i].Result = results[firsts[i]];
    }

    /// <summary>Appends everything as one batch whose first record gets this offset: all records or, with an exception, none.</summary>
    /// <exception cref="HttpError">422: the records are for several partitions, or too many for one batch.</exception>
    /// <exception cref="BrokerException"><see cref="ErrorCode.OffsetMismatch"/>, and every other reason why nothing was written.</exception>
    public async Task AppendAtAsync(long offset)
    {
        if (_partCount == 0)
            return;
        if (_partCount > 1)
            throw HttpError.Invalid("If-Match", $"If-Match is the next offset of one partition, and these records go to {_partCount}. Name one in the path: /topics/{{topic}}/partitions/{{partition}}/records.");
        var part = _parts[0];
        if (part.Full.Count > 0)
            throw HttpError.Invalid("If-Match", "With If-Match the records of a request are one batch; these are more than max.message.bytes of the topic.");
        part.Result = await broker.ProduceAsync(part.Id, part.Builder.Build(), offset);
    }

    /// <summary>Hands everything to the broker and does not wait; what fails now fails unseen, as <c>acks=0</c> asks.</summary>
    public void AppendWithoutWaiting()
    {
        for (var i = 0; i < _partCount; i++)
            _ = _parts[i].AppendUnseenAsync(broker);
    }

    /// <summary>Appends everything as one batch of an idempotent producer: written once, however often the request comes.</summary>
    /// <exception cref="HttpError">422 the records are for several partitions, or perhaps written to another one; 413 too many for one batch; what the sequence is refused with.</exception>
    /// <exception cref="BrokerException">Every other reason why nothing was written.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask AppendAsProducerAsync(ProducerStamp producer, long expectedOffset)
    {
        if (OnlyPart(producer) is not { } part)
            return;
        try
        {
            part.Result = await part.AppendAsync(broker, producer, expectedOffset);
            Replayed = part.Result.Duplicate;
            if (Replayed && part.Result.Timestamp < 0)
                TakeTimesFromLog(part);
        }
        catch (BrokerException e) when (e.Code == ErrorCode.OutOfOrderSequenceNumber)
        {
            var gap = ErrorResponses.From(e);
            throw gap.With((ProducerStamp.ReceivedSequenceHeader, $"{producer.Sequence}"), ("received_seq", producer.Sequence));
        }
    }

    /// <summary>The same without waiting.</summary>
    /// <exception cref="HttpError">422 the records are for several partitions; 413 too many for one batch.</exception>
    public void AppendAsProducerWithoutWaiting(ProducerStamp producer) => _ = OnlyPart(producer)?.AppendUnseenAsync(broker, producer);

    /// <summary>Records that name no time have the first request's, not this one's.</summary>
    private void TakeTimesFromLog(PartitionPart part)
    {
        var times = RecordTimes.Read(broker, part.Id, part.Result.BaseOffset, part.Records);
        for (var i = 0; i < Count; i++)
        {
            if (times.TryGetValue(part.Result.BaseOffset + _entries[i].Index, out var time))
                _entries[i] = _entries[i] with { Timestamp = time };
        }
    }

    /// <summary>All batches, and which of them is the first of each part.</summary>
    private List<(TopicPartition Partition, BatchBuffer Batch)> TakeBatches(out int[] firsts)
    {
        var batches = new List<(TopicPartition, BatchBuffer)>(_partCount);
        firsts = new int[_partCount];
        for (var i = 0; i < _partCount; i++)
        {
            firsts[i] = batches.Count;
            _parts[i].TakeBatches(batches);
        }

        return batches;
    }

    private PartitionPart? OnlyPart(ProducerStamp producer)
    {
        if (_partCount == 0)
            return null;
        if (_partCount > 1)
        {
            throw HttpError.Invalid(ProducerStamp.IdHeader,
                $"The sequence of producer {producer.Id} is counted per partition, and these records go to {_partCount}. Send a request for each, or name one in the path: /topics/{{topic}}/partitions/{{partition}}/records.");
        }

        return _parts[0].Full.Count == 0
            ? _parts[0]
            : throw new HttpError(413, 41306, "unit-too-large", "Unit too large", "The records of a producer's request are one batch; these are more than max.message.bytes of the topic. Send fewer at a time.");
    }

    /// <summary>Entries of a partition whose append failed become refusals.</summary>
    private void PutFailuresInPlace()
    {
        for (var i = 0; i < _partCount; i++)
        {
            if (_parts[i].Failure is not { } failure)
                continue;
            for (var e = 0; e < Count; e++)
            {
                if (_entries[e].Part != i)
                    continue;
                _refusals.Add(failure);
                _entries[e] = new Entry(-_refusals.Count, 0, 0);
            }
        }
    }
}
