using RestStream.Broker.Groups.Formats;
using RestStream.Broker.Topics;
using RestStream.Storage;

namespace RestStream.Broker.Groups;

// The start, and what runs in the background from then on.
internal sealed partial class GroupCoordinator
{
    /// <summary>Reads all groups back. Sessions of members begin anew; nobody else is active yet.</summary>
    public async Task LoadAsync(Topic topic, bool cleanShutdown)
    {
        var goingBack = new List<Task>();
        var started = Clock.GetTimestamp();
        Parallel.ForEach(topic.Partitions, Load);
        foreach (var (_, group) in _groups)
        {
            group.StartSessions();
            group.ForgetOffsetsOfEarlierTopics();
            if (!cleanShutdown)
                goingBack.Add(group.GoBackBehindLostRecordsAsync());
            group.RebalanceIfIncomplete();
        }

        // Before anybody reads: a full disk leaves it for the next start.
        await Task.WhenAll(goingBack).ConfigureAwait(false);

        if (_groups.Count > 0)
            Log.GroupsLoaded(_groups.Count, MemberCount, Clock.GetElapsedTime(started));
    }

    /// <summary>Looks for expired offsets and groups until cancelled.</summary>
    public async Task RunRetentionAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Options.OffsetsRetentionCheckInterval, Clock, cancellationToken);
                ExpireOffsets();
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    /// <summary>Queues the end of everything whose time is over.</summary>
    public void ExpireOffsets()
    {
        foreach (var (_, group) in _groups)
            group.Expire(Options.OffsetsRetention);
    }

    private void Load(Partition partition)
    {
        // All records of a group are in one partition, and the last one of a key counts.
        var stored = new Dictionary<string, StoredGroup>(StringComparer.Ordinal);
        new OffsetsTopicReader(partition, Take, problem => Log.GroupRecordsDamaged(problem)).ReadAll();
        foreach (var (name, state) in stored.Where(s => s.Value.Metadata is not null || s.Value.Offsets.Count > 0))
        {
            var group = new Group(this, name, partition);
            if (state.Metadata is { } metadata)
                group.Restore(metadata);
            foreach (var (id, value) in state.Offsets)
                group.RestoreOffset(id, value);
            lock (_lock)
                Add(group);
        }

        void Take(GroupRecordKey key, bool deleted, ReadOnlySpan<byte> value)
        {
            if (!stored.TryGetValue(key.Group, out var group))
                stored.Add(key.Group, group = new StoredGroup());
            if (key is GroupMetadataKey)
                group.Metadata = deleted ? null : GroupMetadataValue.Parse(value);
            else if (key is OffsetCommitKey offset && deleted)
                group.Offsets.Remove(new TopicPartition(offset.Topic, offset.Partition));
            else if (key is OffsetCommitKey committed)
                group.Offsets[new TopicPartition(committed.Topic, committed.Partition)] = OffsetCommitValue.Parse(value);
        }
    }

    private sealed class StoredGroup
    {
        public GroupMetadataValue? Metadata { get; set; }
        public Dictionary<TopicPartition, OffsetCommitValue> Offsets { get; } = [];
    }
}
