using RestStream.Storage.Records;
using RestStream.Storage.Segments;

namespace RestStream.Storage;

public sealed partial class PartitionLog
{
    // Producers as they will be when the group in work is written; a group that fails leaves no trace. Committer thread.
    private readonly Dictionary<long, Producer> _groupProducers = [];

    /// <summary>Those of earlier groups, to be used again: a busy producer is in every group.</summary>
    private readonly Stack<Producer> _spareProducers = [];

    /// <summary>More is a burst; its memory is given back.</summary>
    private const int MaxSpareProducers = 256;

    /// <summary>Reads the producers' state if it was not needed before. Committer thread.</summary>
    internal void LoadProducers()
    {
        lock (_writeLock)
            _ = Producers;
    }

    /// <summary>
    /// Whether a batch may be written next, behind what is written and what the group in work already has: Kafka's rules of idempotent producers, asked by the committer because it decides the order.
    /// The answer is why not, or null. <paramref name="original"/>: where the same batch already is. Committer thread.
    /// </summary>
    internal StorageException? Judge(in RecordBatchHeader batch, out AppendResult? original)
    {
        original = null;
        var verdict = batch.HasProducer ? JudgeByRules(batch) : default;
        switch (verdict.Order)
        {
            case ProducerOrder.Next:
                return null;
            case ProducerOrder.Duplicate:
                original = new AppendResult(verdict.BaseOffset, _config.TimestampType == TimestampType.LogAppendTime ? verdict.Timestamp : -1, Duplicate: true);
                return null;
            case ProducerOrder.StaleEpoch:
                return new StorageException(
                    StorageError.StaleProducerEpoch, $"Producer {batch.ProducerId} has epoch {verdict.Epoch} in {Id}, not {batch.ProducerEpoch}: another took its place.")
                {
                    ProducerEpoch = verdict.Epoch,
                };
            default:
                return new StorageException(
                    StorageError.OutOfOrderSequence,
                    $"The next sequence of producer {batch.ProducerId}, epoch {batch.ProducerEpoch}, in {Id} is {verdict.ExpectedSequence}, not {batch.BaseSequence}.")
                {
                    ProducerEpoch = verdict.Epoch,
                    ExpectedSequence = verdict.ExpectedSequence,
                };
        }
    }

    /// <summary>A batch of a producer is part of the group in work; its offset is set. A new producer may take the place of the oldest, when there are <paramref name="max"/>. Committer thread.</summary>
    internal void AddToGroup(in RecordBatchHeader batch, int max)
    {
        if (!_groupProducers.TryGetValue(batch.ProducerId, out var producer))
        {
            if (!_spareProducers.TryPop(out producer))
                producer = new Producer(new ProducerState { ProducerId = batch.ProducerId });
            lock (_writeLock)
            {
                var written = Producers.Find(batch.ProducerId);
                producer.Become(batch.ProducerId, written);
                if (written is null)
                    Producers.MakeRoom(max);
            }

            _groupProducers.Add(batch.ProducerId, producer);
        }

        producer.Add(batch);
    }

    /// <summary>The group is written, or failed. Committer thread.</summary>
    internal void EndGroup()
    {
        foreach (var (_, producer) in _groupProducers)
        {
            if (_spareProducers.Count < MaxSpareProducers)
                _spareProducers.Push(producer);
        }

        _groupProducers.Clear();
    }

    private ProducerVerdict JudgeByRules(in RecordBatchHeader batch)
    {
        if (_groupProducers.TryGetValue(batch.ProducerId, out var producer))
            return producer.Judge(batch);
        lock (_writeLock)
            return Producers.Find(batch.ProducerId)?.Judge(batch) ?? default;
    }

    /// <summary>Forgets producers that have been idle for so long. Nothing to do, and nothing read, for a log that no producer wrote to since the start.</summary>
    internal void ForgetIdleProducers(long nowMs, TimeSpan expiration)
    {
        lock (_writeLock)
            _producers?.ForgetIdle(nowMs, (long)expiration.TotalMilliseconds);
    }
}
