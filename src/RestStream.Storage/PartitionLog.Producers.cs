using RestStream.Storage.Records;
using RestStream.Storage.Segments;

namespace RestStream.Storage;

public sealed partial class PartitionLog
{
    // Producers as they will be when the group in work is written; a group that fails leaves no trace. Committer thread.
    private readonly Dictionary<long, Producer> _groupProducers = [];

    /// <summary>Reads the producers' state if it was not needed before. Committer thread.</summary>
    internal void LoadProducers()
    {
        lock (_writeLock)
            _ = Producers;
    }

    /// <summary>Whether a batch of a producer may be written next, behind what is written and what the group in work already has. Committer thread.</summary>
    internal ProducerVerdict Judge(in RecordBatchHeader batch)
    {
        if (_groupProducers.TryGetValue(batch.ProducerId, out var producer))
            return producer.Judge(batch);
        lock (_writeLock)
            return Producers.Find(batch.ProducerId)?.Judge(batch) ?? default;
    }

    /// <summary>A batch of a producer is part of the group in work; its offset is set. A new producer may take the place of the oldest, when there are <paramref name="max"/>. Committer thread.</summary>
    internal void AddToGroup(in RecordBatchHeader batch, int max)
    {
        if (!_groupProducers.TryGetValue(batch.ProducerId, out var producer))
        {
            lock (_writeLock)
            {
                producer = Producers.Find(batch.ProducerId)?.Copy();
                if (producer is null)
                    Producers.MakeRoom(max);
            }

            _groupProducers.Add(batch.ProducerId, producer ??= new Producer(new ProducerState { ProducerId = batch.ProducerId }));
        }

        producer.Add(batch);
    }

    /// <summary>The group is written, or failed. Committer thread.</summary>
    internal void EndGroup() => _groupProducers.Clear();

    /// <summary>Forgets producers that have been idle for so long. Nothing to do, and nothing read, for a log that no producer wrote to since the start.</summary>
    internal void ForgetIdleProducers(long nowMs, TimeSpan expiration)
    {
        lock (_writeLock)
            _producers?.ForgetIdle(nowMs, (long)expiration.TotalMilliseconds);
    }
}
