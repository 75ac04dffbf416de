using System.Collections.Frozen;
using RestStream.Broker.Groups;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Files;

namespace RestStream.Broker;

// Topics come, change and go. The order of the steps is what survives a crash at any point:
//   create: directories, then the record. Without the record the directories are strays.
//   more partitions: the same.
//   delete: the record, then the directories. With the record the rest is finished at the next start.
public sealed partial class EmbeddedBroker
{
    /// <summary>Changes of different topics mostly run side by side; names that collide with each other never do, because they share a lock.</summary>
    private readonly SemaphoreSlim[] _topicLocks = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1))];
    private readonly Dictionary<string, string> _collisionKeys = new(StringComparer.Ordinal);
    private readonly Lock _namesLock = new();
    private int _partitionCount;
    private int _reservedTopics;

    public async Task<TopicDescription> CreateTopicAsync(TopicSpec spec, CancellationToken cancellationToken)
    {
        if (TopicNames.FindProblem(spec.Name) is { } problem)
            throw new BrokerException(ErrorCode.InvalidTopic, problem) { Subject = "topic" };
        RefuseOwnTopic(spec.Name);
        return Describe(await CreateAsync(spec, cancellationToken));
    }

    /// <summary>The topic of groups and their offsets, made when it is not there.</summary>
    internal async Task<Topic> OpenOffsetsTopicAsync(int partitions)
    {
        if (TryFindTopic(TopicNames.ConsumerOffsets) is { } existing)
            return existing;
        return await CreateAsync(new TopicSpec(TopicNames.ConsumerOffsets, partitions, OffsetsTopic.Configs), CancellationToken.None);
    }

    private async Task<Topic> CreateAsync(TopicSpec spec, CancellationToken cancellationToken)
    {
        var count = spec.Partitions ?? _options.DefaultPartitions;
        CheckPartitionCount(count);
        TopicConfigs.Validate(spec.Configs);

        using var _ = await LockTopicAsync(spec.Name, cancellationToken);
        if (_topics.ContainsKey(spec.Name))
            throw new BrokerException(ErrorCode.TopicAlreadyExists, $"Topic '{spec.Name}' exists already.") { Subject = spec.Name };
        RefuseCollision(spec.Name);

        using var room = ReserveRoom(topics: 1, partitions: count);
        var settings = TopicSettings.Create(spec.Configs, _topicDefaults);
        var created = DateTimeOffset.FromUnixTimeMilliseconds(_clock.GetUtcNow().ToUnixTimeMilliseconds());
        var topic = new Topic(spec.Name, Guid.NewGuid(), created, settings, [], new TopicCounters());
        topic = topic with { Partitions = await CreatePartitionsAsync(topic, count) };
        await WriteOrUndoAsync(topic, topic.Partitions);
        room.Keep();
        Publish(topic);
        _groups.TopicChanged(topic.Name);
        _logger.TopicCreated(topic.Name, count, topic.Id);
        return topic;
    }

    public async Task<TopicDescription> AlterTopicAsync(string topic, TopicChange change, CancellationToken cancellationToken)
    {
        FindTopic(topic);
        // Its configs are the operator's; how groups are spread over it is not.
        if (topic != TopicNames.ConsumerOffsets || change.Partitions is not null)
            RefuseOwnTopic(topic);
        using var _ = await LockTopicAsync(topic, cancellationToken);
        var before = FindTopic(topic);

        var configs = new Dictionary<string, string>(before.Settings.Overridden, StringComparer.Ordinal);
        foreach (var (key, value) in change.Configs)
        {
            if (value is not null)
                configs[key] = value;
            else if (TopicConfigs.Find(key) is not null)
                configs.Remove(key);
            else
                TopicConfigs.Validate(new Dictionary<string, string> { [key] = "" });
        }

        TopicConfigs.Validate(configs);
        var count = change.Partitions ?? before.Partitions.Length;
        if (count < before.Partitions.Length)
        {
            throw new BrokerException(
                ErrorCode.InvalidPartitions, $"Topic '{topic}' has {before.Partitions.Length} partitions; their number can only grow, not become {count}.")
            {
                Subject = "partitions",
            };
        }

        CheckPartitionCount(count);
        var settings = TopicSettings.Create(configs, _topicDefaults);
        var added = count - before.Partitions.Length;
        if (added == 0 && SameConfigs(settings.Overridden, before.Settings.Overridden))
            return Describe(before);

        using var room = ReserveRoom(topics: 0, partitions: added);
        var after = before with { Settings = settings };
        Partition[] fresh = added == 0 ? [] : await CreatePartitionsAsync(after, added);
        after = after with
        {
            Partitions = [.. before.Partitions, .. fresh],
            EarlierPartitions = added == 0 ? before.EarlierPartitions : [.. before.EarlierPartitions, before.Partitions.Length],
        };
        await WriteOrUndoAsync(after, fresh);
        room.Keep();
        foreach (var partition in before.Partitions)
            partition.SetConfig(LogConfigOf(topic, settings));
        Publish(after);
        if (added > 0)
            _groups.TopicChanged(topic);
        _logger.TopicAltered(topic, count, string.Join(',', settings.Overridden.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Key}={c.Value}")));
        return Describe(after);
    }

    public async Task DeleteTopicAsync(string topic, CancellationToken cancellationToken)
    {
        FindTopic(topic);
        RefuseOwnTopic(topic);
        using var _ = await LockTopicAsync(topic, cancellationToken);
        var gone = FindTopic(topic);
        try
        {
            await _metadata.DeleteAsync(topic);
        }
        catch (StorageException e)
        {
            throw ChangeFailed(e, topic);
        }

        Unpublish(gone);
        _groups.TopicDeleted(topic);
        foreach (var partition in gone.Partitions)
            partition.MarkDeleted();
        await DeleteDirectoriesAsync(gone.Partitions);
        _logger.TopicDeleted(topic, gone.Id);
    }

    public IReadOnlyList<TopicDescription> ListTopics(string? after, int limit, bool includeInternal)
    {
        var names = Volatile.Read(ref includeInternal ? ref _names : ref _publicNames);
        var index = after is null ? 0 : names.IndexOf(after);
        index = index < 0 ? ~index : after is null ? 0 : index + 1;
        var page = new List<TopicDescription>(Math.Min(Math.Max(0, limit), names.Count - index));
        for (; index < names.Count && page.Count < limit; index++)
        {
            try
            {
                if (_topics.TryGetValue(names[index], out var topic))
                    page.Add(Describe(topic));
            }
            catch (BrokerException e) when (e.Code is ErrorCode.UnknownTopicOrPartition or ErrorCode.TopicRecreated)
            {
                // Deleted since the snapshot of the names was taken: left out.
            }
        }

        return page;
    }

    public TopicDescription DescribeTopic(string topic) => Describe(FindTopic(topic));

    public bool TryGetIntake(string topic, out TopicIntake intake)
    {
        if (!_topics.TryGetValue(topic, out var found))
        {
            intake = default;
            return false;
        }

        intake = found.Settings.Intake with { Partitions = found.Partitions.Length, EarlierPartitions = found.EarlierPartitions };
        return true;
    }

    /// <summary>Brings metadata and directories together again after a start.</summary>
    private async Task LoadTopicsAsync()
    {
        var state = _metadata.Read();
        foreach (var problem in state.Damage)
            _logger.MetadataDamaged(problem);
        if (!state.Topics.ContainsKey(TopicNames.Metadata))
        {
            var own = new TopicRecord(TopicNames.Metadata, _metadata.Log.TopicId, 1, _clock.GetUtcNow().ToUnixTimeMilliseconds(), MetadataConfigs);
            await _metadata.WriteAsync(own);
            state.Topics[own.Name] = own;
        }

        var unclaimed = new List<PartitionLog>();
        foreach (var log in _directory.Partitions)
        {
            if (log == _metadata.Log)
                continue;
            if (state.Topics.TryGetValue(log.Id.Topic, out var topic) && topic.TopicId == log.TopicId && log.Id.Partition < topic.Partitions)
                continue;
            if (state.DeletedIds.Contains(log.TopicId))
            {
                await _directory.DeleteAsync(log);
                _logger.DeletionFinished(log.Id);
            }
            else
            {
                unclaimed.Add(log);
            }
        }

        var adopted = state.Damage.Count > 0 ? Adopt(unclaimed, state) : [];
        foreach (var log in unclaimed.Where(l => !adopted.Contains(l.TopicId)))
        {
            await _directory.SetAsideAsync(log);
            _logger.StraySetAside(log.Id, log.TopicId);
        }

        foreach (var record in state.Topics.Values)
            Publish(Load(record));
        foreach (var record in state.Topics.Values.Where(t => adopted.Contains(t.TopicId)))
            await _metadata.WriteAsync(record);
        await _metadata.RewriteIfWorthwhileAsync(state);
    }

    /// <summary>
    /// Part of the metadata cannot be read, so directories that no record claims may be topics that somebody needs. Serves those that are whole under their name,
    /// with nothing ever deleted. Returns their ids.
    /// </summary>
    private HashSet<Guid> Adopt(List<PartitionLog> unclaimed, TopicMetadataState state)
    {
        var adopted = new HashSet<Guid>();
        foreach (var group in unclaimed.GroupBy(l => (l.Id.Topic, l.TopicId)))
        {
            var count = group.Max(l => l.Id.Partition) + 1;
            if (state.Topics.ContainsKey(group.Key.Topic) || count != group.Count() || TopicNames.FindProblem(group.Key.Topic) is not null)
                continue;
            var configs = new Dictionary<string, string> { [TopicConfigs.RetentionMs] = "-1", [TopicConfigs.RetentionBytes] = "-1" };
            state.Topics[group.Key.Topic] = new TopicRecord(group.Key.Topic, group.Key.TopicId, count, _clock.GetUtcNow().ToUnixTimeMilliseconds(), configs);
            adopted.Add(group.Key.TopicId);
            _logger.TopicAdopted(group.Key.Topic, count);
        }

        return adopted;
    }

    private Topic Load(TopicRecord record)
    {
        // A newer version may have known configs that this one does not; they come back when that version does, but have no effect now.
        var known = record.Configs.Where(c => TopicConfigs.Find(c.Key)?.FindProblem(c.Value) is null && TopicConfigs.Find(c.Key) is not null).ToFrozenDictionary();
        var settings = TopicSettings.Create(known, _topicDefaults);
        var counters = new TopicCounters();
        var partitions = new Partition[record.Partitions];
        for (var i = 0; i < partitions.Length; i++)
        {
            var id = new TopicPartition(record.Name, i);
            var log = _directory.Find(id);
            if (log is null)
            {
                _logger.PartitionMissing(id);
                log = _directory.Create(id, record.TopicId, settings.Log);
            }

            partitions[i] = new Partition(id, log, LogConfigOf(record.Name, settings), counters, _cache);
        }

        Interlocked.Add(ref _partitionCount, partitions.Length);
        Interlocked.Increment(ref _reservedTopics);
        return new Topic(record.Name, record.TopicId, DateTimeOffset.FromUnixTimeMilliseconds(record.Created), settings, partitions, counters);
    }

    /// <summary>
    /// What the log obeys. Generations and offsets go on to be written when the disk is full for producers, or nobody could read what is there; they are small, and compacted.
    /// </summary>
    private static LogConfig LogConfigOf(string topic, TopicSettings settings) => topic switch
    {
        TopicNames.Metadata => TopicMetadata.LogConfig,
        TopicNames.ConsumerOffsets => settings.Log with { Durability = Durability.Fsync, UsesReserve = true },
        _ => settings.Log,
    };

    /// <summary>The metadata topic's own configs, as it shows them.</summary>
    private static FrozenDictionary<string, string> MetadataConfigs { get; } = new Dictionary<string, string>
    {
        [TopicConfigs.CleanupPolicy] = "compact",
        [TopicConfigs.Durability] = "fsync",
        [TopicConfigs.RetentionMs] = "-1",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Makes the directories of the next <paramref name="count"/> partitions, or none of them.</summary>
    private async Task<Partition[]> CreatePartitionsAsync(Topic topic, int count)
    {
        var partitions = new List<Partition>(count);
        try
        {
            // Files are made and flushed, some milliseconds each: not on the caller's thread.
            TopicPartition[] ids = [.. Enumerable.Range(topic.Partitions.Length, count).Select(p => new TopicPartition(topic.Name, p))];
            await Task.Run(() => _directory.Create(ids, topic.Id, topic.Settings.Log,
                log => partitions.Add(new Partition(log.Id, log, LogConfigOf(topic.Name, topic.Settings), topic.Counters, _cache))));
            return [.. partitions.OrderBy(p => p.Id.Partition)];
        }
        catch (Exception e) when (e is StorageException or IOException)
        {
            await DeleteDirectoriesAsync(partitions);
            throw ChangeFailed(e, topic.Name);
        }
    }

    /// <summary>Writes the topic's record. When that certainly did not happen the new directories go again; when it may have, the next start finds out.</summary>
    private async Task WriteOrUndoAsync(Topic topic, Partition[] fresh)
    {
        try
        {
            await _metadata.WriteAsync(topic.ToRecord());
        }
        catch (StorageException e)
        {
            if (e.Error != StorageError.WritesStopped)
                await DeleteDirectoriesAsync(fresh);
            throw ChangeFailed(e, topic.Name);
        }
    }

    /// <summary>What cannot be deleted now is not in anybody's way but on the disk: the next start deletes it, or sets it aside when no record ever claimed it.</summary>
    private async Task DeleteDirectoriesAsync(IReadOnlyList<Partition> partitions)
    {
        if (partitions.Count == 0)
            return;
        try
        {
            await _directory.DeleteAsync([.. partitions.Select(p => p.Log)]);
        }
        catch (Exception e) when (e is StorageException or IOException)
        {
            _logger.DirectoryNotDeleted(e, partitions[0].Id.Topic);
        }
    }

    private static BrokerException ChangeFailed(Exception error, string topic)
    {
        var full = error is StorageException { Error: StorageError.DiskFull } || (error is IOException io && DiskErrors.IsDiskFull(io));
        return full
            ? new BrokerException(ErrorCode.DiskFull, $"The disk is full: topic '{topic}' was not changed. Delete topics or old records, or make room.", error)
            : new BrokerException(ErrorCode.KafkaStorageError, $"Topic '{topic}' could not be changed: {error.Message}", error);
    }

    private void CheckPartitionCount(int count)
    {
        if (count < 1)
            throw new BrokerException(ErrorCode.InvalidPartitions, "A topic needs at least 1 partition.") { Subject = "partitions" };
        if (count > _options.MaxPartitionsPerTopic)
        {
            throw new BrokerException(
                ErrorCode.InvalidPartitions, $"A topic has at most {_options.MaxPartitionsPerTopic} partitions here (RestStream:Broker:MaxPartitionsPerTopic), not {count}.")
            {
                Subject = "partitions",
            };
        }
    }

    private void RefuseCollision(string name)
    {
        string? other;
        lock (_namesLock)
            _collisionKeys.TryGetValue(TopicNames.CollisionKey(name), out other);
        if (other is not null)
        {
            throw new BrokerException(ErrorCode.InvalidTopic, $"Topic '{name}' collides with topic '{other}': '.' and '_' count as the same, as in Kafka.")
            {
                Subject = "topic",
            };
        }
    }

    private async Task<IDisposable> LockTopicAsync(string name, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var semaphore = _topicLocks[(uint)StringComparer.Ordinal.GetHashCode(TopicNames.CollisionKey(name)) % _topicLocks.Length];
        await semaphore.WaitAsync(cancellationToken);
        return new Unlock(semaphore);
    }

    /// <summary>Counts what is about to be made, so that concurrent creates cannot pass the limits together. Given back unless kept.</summary>
    private Room ReserveRoom(int topics, int partitions)
    {
        var room = new Room(this, topics, partitions);
        var problem =
            topics > 0 && Volatile.Read(ref _reservedTopics) > _options.MaxTopics
                ? $"There are {_options.MaxTopics} topics already, the most allowed (RestStream:Broker:MaxTopics)."
            : partitions > 0 && Volatile.Read(ref _partitionCount) > _options.MaxPartitions
                ? $"There would be more than {_options.MaxPartitions} partitions, the most allowed (RestStream:Broker:MaxPartitions)."
            : null;
        if (problem is null)
            return room;
        room.Dispose();
        throw new BrokerException(ErrorCode.LimitReached, problem);
    }

    private void Publish(Topic topic)
    {
        lock (_namesLock)
        {
            _topics[topic.Name] = topic;
            _collisionKeys[TopicNames.CollisionKey(topic.Name)] = topic.Name;
            Volatile.Write(ref _names, _names.Add(topic.Name));
            if (!topic.Internal)
                Volatile.Write(ref _publicNames, _publicNames.Add(topic.Name));
        }
    }

    private void Unpublish(Topic topic)
    {
        lock (_namesLock)
        {
            _topics.TryRemove(topic.Name, out _);
            _collisionKeys.Remove(TopicNames.CollisionKey(topic.Name));
            Volatile.Write(ref _names, _names.Remove(topic.Name));
            Volatile.Write(ref _publicNames, _publicNames.Remove(topic.Name));
        }

        Interlocked.Decrement(ref _reservedTopics);
        Interlocked.Add(ref _partitionCount, -topic.Partitions.Length);
    }

    private static bool SameConfigs(FrozenDictionary<string, string> one, FrozenDictionary<string, string> other) =>
        one.Count == other.Count && one.All(c => other.TryGetValue(c.Key, out var value) && value == c.Value);

    private sealed class Unlock(SemaphoreSlim semaphore) : IDisposable
    {
        public void Dispose() => semaphore.Release();
    }

    private sealed class Room : IDisposable
    {
        private readonly EmbeddedBroker _broker;
        private readonly int _topics;
        private readonly int _partitions;
        private bool _kept;

        public Room(EmbeddedBroker broker, int topics, int partitions)
        {
            _broker = broker;
            _topics = topics;
            _partitions = partitions;
            Add(1);
        }

        public void Keep() => _kept = true;

        public void Dispose()
        {
            if (!_kept)
                Add(-1);
        }

        private void Add(int sign)
        {
            Interlocked.Add(ref _broker._reservedTopics, sign * _topics);
            Interlocked.Add(ref _broker._partitionCount, sign * _partitions);
        }
    }
}
