using RestStream.Broker.Groups.Formats;
using RestStream.Storage;

namespace RestStream.Broker.Groups;

/// <summary>What a group has committed. Touched under the group's lock only.</summary>
internal sealed class GroupOffsets
{
    private readonly Dictionary<TopicPartition, OffsetEntry> _entries = [];

    public IEnumerable<OffsetEntry> All => _entries.Values;

    public int Count => _entries.Count;

    public OffsetEntry? Find(TopicPartition partition) => _entries.GetValueOrDefault(partition);

    public OffsetEntry FindOrAdd(string group, TopicPartition partition)
    {
        if (!_entries.TryGetValue(partition, out var entry))
            _entries.Add(partition, entry = new OffsetEntry(partition, new OffsetCommitKey(group, partition.Topic, partition.Partition).ToBytes()));
        return entry;
    }

    /// <summary>Forgets the entry when nothing is committed and nothing on its way.</summary>
    public void RemoveIfEmpty(OffsetEntry entry)
    {
        if (entry is { Committed: null, Newest: null })
            _entries.Remove(entry.Partition);
    }
}

/// <summary>One partition's offset: what is committed, and the newest commit on its way to the log.</summary>
internal sealed class OffsetEntry(TopicPartition partition, byte[] key)
{
    public TopicPartition Partition { get; } = partition;

    /// <summary>The key of its records.</summary>
    public byte[] Key { get; } = key;

    /// <summary>Durable. Null: only a first commit is on its way.</summary>
    public OffsetCommitValue? Committed { get; set; }

    /// <summary>The last commit queued and not settled yet.</summary>
    public PendingWrite? Newest { get; set; }

    /// <summary>The offset that <see cref="Newest"/> writes.</summary>
    public long NewestOffset { get; set; }
}
