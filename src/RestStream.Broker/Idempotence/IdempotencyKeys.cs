using System.Buffers.Text;
using System.Runtime.InteropServices;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Idempotence;

/// <summary>
/// Which requests with an Idempotency-Key were done. Every such request is one unit of its batches and one record in <see cref="TopicNames.IdempotencyKeys"/>, which holds the key,
/// a hash of what was asked, and the receipt with the offsets, which the committer fills in as it gives them. So after any crash the data and the memory of it are both there or both
/// not; the topics themselves hold nothing but what was sent, and a start reads this one small topic instead of all. (A key in a header of the records would be seen by readers
/// and by Kafka's tools, would not say how a request over several partitions was answered, and would have to be searched for in all data.)
/// In memory is only where each receipt stands: some 80 bytes a key.
/// </summary>
internal sealed class IdempotencyKeys(BrokerOptions options, TimeProvider clock)
{
    /// <summary>Requests between two looks at the topics that nobody uses any more.</summary>
    private const int SweepEvery = 4096;

    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, TopicKeys> _topics = [];
    private PartitionLog? _log;
    private int _completed;

    /// <summary>Old keys leave with their segments: no compaction is needed.</summary>
    public static IReadOnlyDictionary<string, string> TopicConfig { get; } = new Dictionary<string, string>
    {
        [TopicConfigs.CleanupPolicy] = "delete",
        [TopicConfigs.Durability] = "fsync",
        [TopicConfigs.SegmentBytes] = "16777216",
        [TopicConfigs.SegmentMs] = "3600000",
        [TopicConfigs.RetentionBytes] = "-1",
    };

    public long MaxAgeMs { get; } = (long)options.IdempotencyKeyAge.TotalMilliseconds;

    /// <summary>Reads what earlier runs remember. What is damaged is told of and forgotten.</summary>
    public IReadOnlyList<string> Load(PartitionLog log)
    {
        _log = log;
        var damage = OwnLog.ReadAll(log, batch =>
        {
            using var reader = new RecordReader(batch);
            while (reader.MoveNext())
            {
                var record = reader.Current;
                if (Utf8Parser.TryParse(record.Key, out Guid topicId, out _, 'N'))
                    Remember(topicId, IdempotentRequest.IdentityOf(record.Key), record.Offset, record.Timestamp);
            }
        });
        lock (_lock)
            Sweep();
        return damage;
    }

    /// <summary>The first one with a key may go on; a repeat gets the first one's receipt.</summary>
    /// <param name="topicId">The topic in whose name the key counts; empty for requests that name several. A topic that was made again is another one.</param>
    /// <param name="key">As the client wrote it.</param>
    /// <param name="hash">Of everything that was asked.</param>
    /// <exception cref="BrokerException">
    /// <see cref="ErrorCode.IdempotencyKeyInUse"/>, <see cref="ErrorCode.IdempotencyKeyReused"/>; <see cref="ErrorCode.CorruptMessage"/>: it was done, but its receipt cannot be read.
    /// </exception>
    public IdempotentRequest Begin(Guid topicId, string key, ReadOnlySpan<byte> hash)
    {
        var request = new IdempotentRequest(this, topicId, key, hash);
        while (true)
        {
            long offset;
            lock (_lock)
            {
                ref var topic = ref CollectionsMarshal.GetValueRefOrAddDefault(_topics, topicId, out _);
                topic ??= new TopicKeys();
                if (topic.Running.TryGetValue(request.Identity, out var running))
                    throw running.AsSpan().SequenceEqual(hash) ? InUse() : Reused();
                Forget(topic);
                if (!topic.Done.TryGetValue(request.Identity, out offset))
                {
                    topic.Running.Add(request.Identity, request.Hash);
                    return request;
                }
            }

            if (TryRead(request, offset))
                return request;
        }
    }

    /// <summary>The request's unit is written.</summary>
    public void Complete(IdempotentRequest request, PartitionLog log, long offset, long timestamp)
    {
        lock (_lock)
        {
            _log = log;
            Remember(request.TopicId, request.Identity, offset, timestamp);
            if (++_completed % SweepEvery == 0)
                Sweep();
        }
    }

    /// <summary>The request is over, done or not.</summary>
    public void Release(IdempotentRequest request)
    {
        lock (_lock)
        {
            if (_topics.TryGetValue(request.TopicId, out var topic) && topic.Running.TryGetValue(request.Identity, out var hash) && ReferenceEquals(hash, request.Hash))
                topic.Running.Remove(request.Identity);
        }
    }

    /// <summary>Where the log must be cut so that all topics together do not hold more keys than the settings allow; -1 = it need not. A quarter is cut at a time.</summary>
    public long CutAt(PartitionLog log) =>
        log.HighWatermark - log.LogStartOffset >= options.IdempotencyKeysInAll ? log.HighWatermark - (options.IdempotencyKeysInAll * 3L / 4) : -1;

    private static BrokerException InUse() => new(ErrorCode.IdempotencyKeyInUse, "A request with this Idempotency-Key is being worked on. Ask again in a moment for its answer.");

    private static BrokerException Reused() =>
        new(ErrorCode.IdempotencyKeyReused, "This Idempotency-Key was used for another request (other path, query or body). Nothing was written: a new request needs a new key.") { Subject = "Idempotency-Key" };

    private bool TryRead(IdempotentRequest request, long offset)
    {
        var log = _log!;
        using var buffer = BatchBuffer.Rent(1024);
        try
        {
            log.Read(offset, 1, buffer);
            if (!RecordBatch.IsCrcValid(buffer.Span))
                throw new CorruptBatchException("the checksum is wrong");
            using var reader = new RecordReader(buffer.Span);
            while (reader.MoveNext())
            {
                if (reader.Current.Offset == offset)
                    return request.TryTakeReceipt(reader.Current.Value) ? true : throw Reused();
            }

            throw new CorruptBatchException("the record is not there");
        }
        catch (StorageException e) when (e.Error == StorageError.OffsetOutOfRange && offset < log.LogStartOffset)
        {
            // Retention took it this moment; the next look finds it forgotten.
            return false;
        }
        catch (StorageException e)
        {
            throw BrokerException.From(e, log.Id, log);
        }
        catch (CorruptBatchException e)
        {
            throw BrokerException.Damaged(log.Id, offset + 1, e.Message, e);
        }
    }

    private void Remember(Guid topicId, UInt128 identity, long offset, long timestamp)
    {
        ref var topic = ref CollectionsMarshal.GetValueRefOrAddDefault(_topics, topicId, out _);
        topic ??= new TopicKeys();
        topic.Done[identity] = offset;
        topic.Order.Enqueue(new DoneKey(identity, offset, timestamp));
        Forget(topic);
    }

    /// <summary>Forgets what is too old, too much, or no longer in the log.</summary>
    private void Forget(TopicKeys topic)
    {
        var oldest = clock.GetUtcNow().ToUnixTimeMilliseconds() - MaxAgeMs;
        var start = _log?.LogStartOffset ?? 0;
        while (topic.Order.TryPeek(out var key) && (topic.Order.Count > options.IdempotencyKeysPerTopic || key.Timestamp <= oldest || key.Offset < start))
        {
            topic.Order.Dequeue();
            if (topic.Done.TryGetValue(key.Identity, out var offset) && offset == key.Offset)
                topic.Done.Remove(key.Identity);
        }
    }

    private void Sweep()
    {
        foreach (var (id, topic) in _topics)
        {
            Forget(topic);
            if (topic.Order.Count == 0 && topic.Running.Count == 0)
                _topics.Remove(id);
        }
    }

    private sealed class TopicKeys
    {
        /// <summary>Hashes of the requests in work.</summary>
        public Dictionary<UInt128, byte[]> Running { get; } = [];

        /// <summary>Offsets of the receipts.</summary>
        public Dictionary<UInt128, long> Done { get; } = [];

        /// <summary>The same, oldest first.</summary>
        public Queue<DoneKey> Order { get; } = [];
    }

    private readonly record struct DoneKey(UInt128 Identity, long Offset, long Timestamp);
}
