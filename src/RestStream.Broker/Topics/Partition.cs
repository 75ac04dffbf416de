using RestStream.Broker.Fetching;
using RestStream.Storage;

namespace RestStream.Broker.Topics;

/// <summary>
/// One partition as the broker serves it: its log, the readers that wait for it, and its newest batches in encoded form.
/// Once its topic is deleted it stays in the hands of its readers, and tells them so.
/// </summary>
internal sealed class Partition
{
    private readonly EncodedCache _cache;
    private readonly Lock _lock = new();
    private EncodedTail[] _tails = [];
    private LogConfig _config;
    private bool _timeRetentionHeld;
    private volatile bool _deleted;

    public Partition(TopicPartition id, PartitionLog log, LogConfig config, TopicCounters counters, EncodedCache cache)
    {
        Id = id;
        Log = log;
        Counters = counters;
        _cache = cache;
        _config = config;
        log.Config = config;
        log.Advanced = Waiters.WakeAll;
    }

    public TopicPartition Id { get; }
    public PartitionLog Log { get; }
    public TopicCounters Counters { get; }
    public WaitList Waiters { get; } = new();
    public bool Deleted => _deleted;

    /// <summary>Whether a reader at this position has something to come for: records, or the news that the topic is gone.</summary>
    public bool HasRecordsAt(long position) => _deleted || Log.HighWatermark > position;

    public PartitionDescription Describe() => new(Id.Partition, Log.LogStartOffset, Log.HighWatermark, Log.SizeBytes, Log.LeaderEpoch) { Counter = () => Log.RecordCount };

    /// <summary>New settings, from the next append, roll or retention pass on.</summary>
    public void SetConfig(LogConfig config)
    {
        lock (_lock)
        {
            _config = config;
            ApplyConfig();
        }
    }

    /// <summary>Keeps everything for ever, however old it looks, until told otherwise: the clock cannot be trusted just now.</summary>
    public void HoldTimeRetention(bool hold)
    {
        lock (_lock)
        {
            if (_timeRetentionHeld == hold)
                return;
            _timeRetentionHeld = hold;
            ApplyConfig();
        }
    }

    public EncodedTail Tail(RecordEncoder encoder)
    {
        // Copied on write; a handful of formats at most, so a walk beats a dictionary.
        foreach (var tail in Volatile.Read(ref _tails))
        {
            if (ReferenceEquals(tail.Encoder, encoder))
                return tail;
        }

        return AddTail(encoder);
    }

    /// <summary>Compaction took records away, which the encoded batches of before may still hold.</summary>
    public void ForgetEncoded()
    {
        lock (_lock)
        {
            foreach (var tail in _tails)
                _cache.Remove(tail);
            Volatile.Write(ref _tails, []);
        }
    }

    /// <summary>The topic is gone: wakes all readers with that news and frees the memory.</summary>
    public void MarkDeleted()
    {
        _deleted = true;
        Waiters.WakeAll();
        lock (_lock)
        {
            foreach (var tail in _tails)
                _cache.Remove(tail);
        }
    }

    private EncodedTail AddTail(RecordEncoder encoder)
    {
        lock (_lock)
        {
            if (_tails.FirstOrDefault(t => ReferenceEquals(t.Encoder, encoder)) is { } existing)
                return existing;
            var created = _cache.CreateTail(encoder);
            Volatile.Write(ref _tails, [.. _tails, created]);
            return created;
        }
    }

    private void ApplyConfig() => Log.Config = _timeRetentionHeld ? _config with { RetentionMs = -1 } : _config;
}
