using RestStream.Connect.Data;

namespace RestStream.Connect;

/// <summary>A record on its way through transforms. Immutable: a transform answers a changed copy (<c>record with { Topic = "other" }</c>).</summary>
public abstract record ConnectRecord
{
    /// <summary>The topic it goes to or came from.</summary>
    public required string Topic { get; init; }

    /// <summary>The partition; null for a source record: the worker chooses by the key.</summary>
    public int? Partition { get; init; }

    /// <summary>What the key is; null = no schema.</summary>
    public Schema? KeySchema { get; init; }

    /// <summary>The key.</summary>
    public object? Key { get; init; }

    /// <summary>What the value is; null = no schema.</summary>
    public Schema? ValueSchema { get; init; }

    /// <summary>The value.</summary>
    public object? Value { get; init; }

    /// <summary>Milliseconds since the epoch; null for a source record: the time of the append.</summary>
    public long? Timestamp { get; init; }

    /// <summary>Headers in order; a name may come more than once.</summary>
    public IReadOnlyList<Header> Headers { get; init; } = [];
}

/// <summary>One header of a record.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Schema">What the value is; null = no schema.</param>
/// <param name="Value">The value.</param>
public sealed record Header(string Key, Schema? Schema, object? Value);

/// <summary>A record that a source read, with the place where it stood.</summary>
public sealed record SourceRecord : ConnectRecord
{
    /// <summary>Which part of the source it comes from (a file, a table): strings, numbers, booleans. Offsets of different partitions are independent.</summary>
    public required IReadOnlyDictionary<string, object?> SourcePartition { get; init; }

    /// <summary>
    /// Where to read on after this record: what <see cref="ISourceTaskContext.LastOffsetAsync"/> answers once the record is in the log. Strings, numbers, booleans; integers come back as <see cref="long"/>.
    /// </summary>
    public required IReadOnlyDictionary<string, object?> SourceOffset { get; init; }
}

/// <summary>A record of a topic, handed to a sink.</summary>
public sealed record SinkRecord : ConnectRecord
{
    /// <summary>Its offset in the partition it came from.</summary>
    public required long Offset { get; init; }

    /// <summary>The topic it was read from; transforms do not change it. The key of offsets, together with <see cref="OriginalPartition"/>.</summary>
    public required string OriginalTopic { get; init; }

    /// <summary>The partition it was read from.</summary>
    public required int OriginalPartition { get; init; }
}

/// <summary>A partition of a topic.</summary>
public readonly record struct TopicPartition(string Topic, int Partition)
{
    /// <summary>As Kafka prints it: <c>orders-0</c>.</summary>
    public override string ToString() => $"{Topic}-{Partition}";
}
