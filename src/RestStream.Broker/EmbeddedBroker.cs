using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using RestStream.Broker.Fetching;
using RestStream.Broker.Groups;
using RestStream.Broker.Idempotence;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Files;
using RestStream.Storage.Records;

namespace RestStream.Broker;

/// <summary>
/// The engine in this process: topics over one data directory. Looking a topic up takes no lock; changes of one topic happen one after the other.
/// A failed flush stops writing for good (reads go on, a restart re-reads the disk); a full disk refuses appends until there is room.
/// </summary>
public sealed partial class EmbeddedBroker : IBroker, IAsyncDisposable
{
    private readonly BrokerOptions _options;
    private readonly LogDirectory _directory;
    private readonly TopicMetadata _metadata;
    private readonly BrokerInstruments _instruments;
    private readonly EncodedCache _cache;
    private readonly Retention _retention;
    private readonly GroupCoordinator _groups;
    private readonly Compaction _compaction;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Dictionary<string, string> _topicDefaults;
    private readonly ConcurrentDictionary<string, Topic> _topics = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lazy<Task> _closing;
    private ImmutableSortedSet<string> _names = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);
    private ImmutableSortedSet<string> _publicNames = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);
    private Task _retentionLoop = Task.CompletedTask;
    private Task _offsetsLoop = Task.CompletedTask;
    private Task _compactionLoop = Task.CompletedTask;
    private volatile bool _disposed;

    private EmbeddedBroker(
        BrokerOptions options, Dictionary<string, string> topicDefaults, LogDirectory directory, TopicMetadata metadata, BrokerInstruments instruments,
        GroupOptions groups, TimeProvider clock, ILogger logger)
    {
        _options = options;
        _topicDefaults = topicDefaults;
        _directory = directory;
        _metadata = metadata;
        _instruments = instruments;
        _clock = clock;
        _logger = logger;
        _cache = new EncodedCache(options.EncodedCacheBytes);
        _producerIds = new ProducerIds(directory, options, clock, () => OpenOwnTopicAsync(TopicNames.ProducerIds, ProducerIds.TopicConfig));
        _keys = new IdempotencyKeys(options, clock);
        _retention = new Retention(this, directory, _cache, options, clock, logger);
        _groups = new GroupCoordinator(this, directory, groups, clock, logger);
        _compaction = new Compaction(this, directory, options, instruments, clock, logger);
        _closing = new Lazy<Task>(CloseAsync);
    }

    /// <summary>Opens the data directory, recovers it, finishes what a crash left half done, and starts the background work. Without <paramref name="groups"/> their settings are the defaults.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.DirectoryInUse"/>, or the directory cannot be opened.</exception>
    /// <exception cref="BrokerException"><see cref="ErrorCode.InvalidConfig"/>: a topic default in the options is wrong.</exception>
    public static async Task<EmbeddedBroker> OpenAsync(
        string dataDirectory, BrokerOptions options, IFileSystem files, TimeProvider clock, ILogger logger, GroupOptions? groups = null)
    {
        var topicDefaults = TopicConfigs.FromServerNames(options.TopicDefaults);
        TopicConfigs.Validate(topicDefaults);

        var instruments = new BrokerInstruments(options);
        LogDirectory? directory = null;
        try
        {
            var events = new StorageEvents(logger, instruments);

            // Recovery reads files for a while; the caller's thread may be one that must not block.
            directory = await Task.Run(() => LogDirectory.Open(options.ToLogDirectoryOptions(dataDirectory), files, clock, events.Handle));
            var broker = new EmbeddedBroker(options, topicDefaults, directory, TopicMetadata.Open(directory, clock), instruments, groups ?? new GroupOptions(), clock, logger);
            await broker.LoadTopicsAsync();
            if (broker.TryFindTopic(TopicNames.ConsumerOffsets) is { } offsets)
                await Task.Run(() => broker._groups.LoadAsync(offsets, directory.Recovery.CleanShutdown));
            broker.LoadIdempotence();
            instruments.Observe(broker);
            broker._retentionLoop = broker._retention.RunAsync(broker._stopping.Token);
            broker._offsetsLoop = broker._groups.RunRetentionAsync(broker._stopping.Token);
            broker._compactionLoop = broker._compaction.RunAsync(broker._stopping.Token);
            var recovery = directory.Recovery;
            logger.BrokerStarted(
                dataDirectory, broker.TopicCount, broker.PartitionCount, recovery.Took, recovery.ScannedBytes,
                recovery.Partitions == 0 ? "no earlier run" : recovery.CleanShutdown ? "a clean stop" : "an unclean stop");
            return broker;
        }
        catch
        {
            instruments.Dispose();
            if (directory is not null)
                await directory.DisposeAsync();
            throw;
        }
    }

    public BrokerHealth Health
    {
        get
        {
            var damaged = new List<DamagedPartition>();
            foreach (var partition in Topics.SelectMany(t => t.Partitions))
            {
                if (partition.Log.Damage is { Count: > 0 } ranges)
                    damaged.Add(new DamagedPartition(partition.Id, ranges));
            }

            var stopped = _disposed ? "The broker is stopping." : _directory.WritesStoppedReason;
            return new BrokerHealth(stopped is null, stopped, _directory.DiskFull, FreeBytes, _directory.Recovery, damaged);
        }
    }

    /// <summary>Kafka's cluster id of the data directory.</summary>
    public string ClusterId => _directory.ClusterId;

    internal IEnumerable<Topic> Topics => _topics.Select(t => t.Value);
    internal int TopicCount => _topics.Count;
    internal int PartitionCount => Volatile.Read(ref _partitionCount);
    internal long FreeBytes => _directory.FreeBytes;
    internal int ParkedReaders => _instruments.ParkedReaders;
    internal long EncodedCacheBytes => _cache.Bytes;
    internal Retention Retention => _retention;
    internal GroupCoordinator Groups => _groups;
    internal ImmutableSortedSet<string> PublicTopicNames => Volatile.Read(ref _publicNames);
    internal Compaction Compaction => _compaction;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<AppendResult> ProduceAsync(TopicPartition partition, BatchBuffer batch, long expectedOffset = -1)
    {
        var started = _instruments.WantsProduceDuration ? _clock.GetTimestamp() : 0;
        Partition target;
        int records, bytes;
        try
        {
            (target, batch) = Accept(partition, batch);
            (records, bytes) = (RecordBatchHeader.Read(batch.Span).RecordsCount, batch.Length);
        }
        catch (BrokerException e)
        {
            _instruments.ProduceRefused(e.Code);
            throw;
        }

        try
        {
            var result = await _directory.AppendAsync(target.Log, batch, expectedOffset).ConfigureAwait(false);
            if (result.Duplicate)
                _instruments.ProduceRepeated();
            else
                target.Counters.In(records, bytes);
            if (started != 0)
                _instruments.Produced(_clock.GetElapsedTime(started).TotalSeconds);
            return result;
        }
        catch (StorageException e)
        {
            throw Refused(e, target);
        }
    }

    public long MaxAtomicBytes => _options.MaxAtomicBytes;

    public async ValueTask<IReadOnlyList<AppendResult>> ProduceAtomicAsync(IReadOnlyList<(TopicPartition Partition, BatchBuffer Batch)> parts)
    {
        var accepted = AcceptUnit(parts);
        return await AppendUnitAsync(accepted, accepted.ConvertAll(a => (a.Partition.Log, a.Batch)), lastTakesResults: false);
    }

    public IFetch OpenFetch(IReadOnlyList<FetchPosition> positions)
    {
        var partitions = new Partition[positions.Count];
        var known = new FetchPosition[positions.Count];
        for (var i = 0; i < partitions.Length; i++)
        {
            var position = positions[i];
            var topic = FindTopic(position.Partition.Topic);
            if (position.TopicId != default && position.TopicId != topic.Id)
                throw TopicGone(position.Partition, position.TopicId);
            partitions[i] = topic.Partition(position.Partition.Partition);
            known[i] = position with { TopicId = topic.Id };
        }

        return new Fetch(this, partitions, known, _clock, _instruments);
    }

    public TimestampedOffset? FindOffset(TopicPartition partition, long timestamp) => Look(partition, log => log.FindOffset(timestamp));

    public async Task<IReadOnlyDictionary<int, long>> TruncateAsync(string topic, IReadOnlyDictionary<int, long> before, CancellationToken cancellationToken)
    {
        var found = FindTopic(topic);
        RefuseOwnTopic(topic);
        if (!found.Settings.Log.CleanupDelete)
        {
            throw new BrokerException(ErrorCode.PolicyViolation, $"Topic '{topic}' does not delete records: its cleanup.policy is '{found.Settings.Effective[TopicConfigs.CleanupPolicy]}'.")
            {
                Subject = TopicConfigs.CleanupPolicy,
            };
        }

        // All are checked before any is cut, so that a wrong one changes nothing.
        var cuts = new List<(Partition Partition, long Offset)>(before.Count);
        foreach (var (number, offset) in before)
        {
            var partition = found.Partition(number);
            var end = partition.Log.HighWatermark;
            if (offset < -1 || offset > end)
                throw BrokerException.OffsetOutOfRange(partition.Id, offset, partition.Log.LogStartOffset, end);
            cuts.Add((partition, offset == -1 ? end : offset));
        }

        var starts = new Dictionary<int, long>(cuts.Count);
        foreach (var (partition, offset) in cuts)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                await _directory.DeleteRecordsAsync(partition.Log, offset);
            }
            catch (StorageException e)
            {
                throw BrokerException.From(e, partition.Id, partition.Log);
            }

            starts[partition.Id.Partition] = partition.Log.LogStartOffset;
        }

        return starts;
    }

    public IReadOnlyList<SegmentInfo> DescribeSegments(TopicPartition partition) => Look(partition, log => log.Segments);

    /// <summary>
    /// Wakes all readers (they find the broker stopped), finishes what was accepted, flushes and releases the directory. Returns when everything is written and the data directory is free, also to who asks a second time.
    /// </summary>
    /// <exception cref="IOException">Something could not be written at the end, and so for <see cref="StorageException"/> and <see cref="UnauthorizedAccessException"/>. The directory is free all the same; the next start repairs.</exception>
    public ValueTask DisposeAsync() => new(_closing.Value);

    private async Task CloseAsync()
    {
        _disposed = true;
        await _stopping.CancelAsync();
        await _retentionLoop;
        await _offsetsLoop;
        _groups.Dispose();
        await _compactionLoop;
        try
        {
            await _directory.DisposeAsync();
        }
        finally
        {
            foreach (var partition in Topics.SelectMany(t => t.Partitions))
                partition.MarkDeleted();
            _instruments.Dispose();
            _stopping.Dispose();
        }

        _logger.BrokerStopped();
    }

    /// <summary>Why a reader's partition is gone: the broker stopped, the topic was made again, or it is deleted.</summary>
    internal BrokerException TopicGone(TopicPartition partition, Guid topicId)
    {
        if (_disposed)
            return new BrokerException(ErrorCode.KafkaStorageError, "The broker is stopping.") { Partition = partition };
        if (!_topics.TryGetValue(partition.Topic, out var now) || now.Id == topicId)
            return BrokerException.UnknownTopic(partition.Topic);
        return new BrokerException(ErrorCode.TopicRecreated, $"Topic '{partition.Topic}' was deleted and made again. Start from its beginning.")
        {
            Subject = partition.Topic,
            Partition = partition,
        };
    }

    internal Topic? TryFindTopic(string name) => _topics.GetValueOrDefault(name);

    private Topic FindTopic(string name) => _topics.TryGetValue(name, out var topic) ? topic : throw BrokerException.UnknownTopic(name);

    /// <summary>Asks a log something; a failure, or the topic's end meanwhile, becomes the broker's refusal.</summary>
    private T Look<T>(TopicPartition id, Func<PartitionLog, T> question)
    {
        var topic = FindTopic(id.Topic);
        var log = topic.Partition(id.Partition).Log;
        try
        {
            return question(log);
        }
        catch (StorageException e)
        {
            throw e.Error == StorageError.PartitionDeleted ? TopicGone(id, topic.Id) : BrokerException.From(e, id, log);
        }
        catch (ObjectDisposedException)
        {
            throw TopicGone(id, topic.Id);
        }
        catch (IOException e)
        {
            throw new BrokerException(ErrorCode.KafkaStorageError, $"{id} cannot be read: {e.Message}", e) { Partition = id };
        }
    }

    private TopicDescription Describe(Topic topic)
    {
        try
        {
            return topic.Describe();
        }
        catch (Exception e) when (e is ObjectDisposedException or StorageException { Error: StorageError.PartitionDeleted })
        {
            throw TopicGone(new TopicPartition(topic.Name, 0), topic.Id);
        }
    }

    /// <summary>Finds the partition and checks the batch, which is disposed when it is refused.</summary>
    private (Partition Partition, BatchBuffer Batch) Accept(TopicPartition id, BatchBuffer batch)
    {
        Topic topic;
        Partition partition;
        try
        {
            topic = FindTopic(id.Topic);
            RefuseOwnTopic(id.Topic);
            partition = topic.Partition(id.Partition);
        }
        catch
        {
            batch.Dispose();
            throw;
        }

        return (partition, BatchIntake.Prepare(topic.Settings, id, batch, _clock.GetUtcNow().ToUnixTimeMilliseconds()));
    }

    /// <summary>The same for batches that are written all or none: when one is refused, all are disposed.</summary>
    private List<AcceptedBatch> AcceptUnit(IReadOnlyList<(TopicPartition Partition, BatchBuffer Batch)> parts)
    {
        var accepted = new List<AcceptedBatch>(parts.Count);
        try
        {
            foreach (var (id, batch) in parts)
            {
                var (partition, prepared) = Accept(id, batch);
                accepted.Add(new(partition, prepared, RecordBatchHeader.Read(prepared.Span).RecordsCount, prepared.Length));
            }

            var bytes = accepted.Sum(a => (long)a.Bytes);
            if (bytes > _options.MaxAtomicBytes)
            {
                throw new BrokerException(
                    ErrorCode.RecordListTooLarge,
                    $"What is written all or nothing has at most {_options.MaxAtomicBytes} bytes (a quarter of RestStream:Broker:JournalMaxBytes), this has {bytes}. Nothing was written: send fewer records at a time.");
            }

            return accepted;
        }
        catch (BrokerException e)
        {
            // The one that was refused, if it was one, is disposed already; the ones before it and behind it are still ours.
            foreach (var batch in accepted)
                batch.Batch.Dispose();
            for (var i = accepted.Count + 1; i < parts.Count; i++)
                parts[i].Batch.Dispose();
            _instruments.ProduceRefused(e.Code);
            throw;
        }
    }

    private async ValueTask<IReadOnlyList<AppendResult>> AppendUnitAsync(List<AcceptedBatch> accepted, IReadOnlyList<(PartitionLog Log, BatchBuffer Batch)> parts, bool lastTakesResults)
    {
        try
        {
            var results = await _directory.AppendAtomicAsync(parts, lastTakesResults).ConfigureAwait(false);
            foreach (var (partition, _, records, bytes) in accepted)
                partition.Counters.In(records, bytes);
            return results;
        }
        catch (StorageException e)
        {
            throw Refused(e, accepted[0].Partition);
        }
    }

    private BrokerException Refused(StorageException error, Partition partition)
    {
        var refusal = BrokerException.From(error, partition.Id, partition.Log);
        _instruments.ProduceRefused(refusal.Code);
        return refusal;
    }

    private static void RefuseOwnTopic(string topic)
    {
        if (TopicNames.IsOwn(topic))
            throw new BrokerException(ErrorCode.InvalidTopic, $"Only the broker itself changes '{topic}'.") { Subject = topic };
    }

    /// <summary>A batch that may be appended; its records and bytes are counted when it is.</summary>
    private readonly record struct AcceptedBatch(Partition Partition, BatchBuffer Batch, int Records, int Bytes);
}
