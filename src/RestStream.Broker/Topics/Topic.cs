using RestStream.Storage;

namespace RestStream.Broker.Topics;

/// <summary>A topic as it stands; a change makes a new object with the same partitions. Immutable, so readers need no lock.</summary>
internal sealed record Topic(string Name, Guid Id, DateTimeOffset Created, TopicSettings Settings, Partition[] Partitions, TopicCounters Counters)
{
    /// <summary>Numbers of partitions that it had before, as far as it grew since the start.</summary>
    public IReadOnlyList<int> EarlierPartitions { get; init; } = [];

    public bool Internal { get; } = TopicNames.IsInternal(Name);

    /// <exception cref="BrokerException"><see cref="ErrorCode.UnknownTopicOrPartition"/>.</exception>
    public Partition Partition(int number) =>
        (uint)number < (uint)Partitions.Length ? Partitions[number] : throw BrokerException.UnknownPartition(new TopicPartition(Name, number), Partitions.Length);

    public TopicDescription Describe() =>
        new(Name, Id, Created, Internal, Settings.Effective, Settings.Overridden, Array.ConvertAll(Partitions, p => p.Describe()));

    public TopicRecord ToRecord() => new(Name, Id, Partitions.Length, Created.ToUnixTimeMilliseconds(), Settings.Overridden);
}

/// <summary>What went through a topic since the start; added to by many threads.</summary>
internal sealed class TopicCounters
{
    private long _recordsIn, _bytesIn, _recordsOut, _bytesOut;

    public long RecordsIn => Interlocked.Read(ref _recordsIn);
    public long BytesIn => Interlocked.Read(ref _bytesIn);
    public long RecordsOut => Interlocked.Read(ref _recordsOut);
    public long BytesOut => Interlocked.Read(ref _bytesOut);

    public void In(int records, int bytes)
    {
        Interlocked.Add(ref _recordsIn, records);
        Interlocked.Add(ref _bytesIn, bytes);
    }

    public void Out(int records, int bytes)
    {
        Interlocked.Add(ref _recordsOut, records);
        Interlocked.Add(ref _bytesOut, bytes);
    }
}
