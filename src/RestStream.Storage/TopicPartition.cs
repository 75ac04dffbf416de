namespace RestStream.Storage;

/// <summary>A topic's name and one of its partitions.</summary>
public readonly record struct TopicPartition(string Topic, int Partition)
{
    /// <summary>The partition directory's name, <c>orders-0</c>.</summary>
    public override string ToString() => $"{Topic}-{Partition}";
}
