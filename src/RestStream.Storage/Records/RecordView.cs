namespace RestStream.Storage.Records;

/// <summary>One record inside a batch; valid until its reader moves on or is disposed.</summary>
public readonly ref struct RecordView
{
    public long Offset { get; init; }

    /// <summary>Epoch ms: the record's own, or the broker's where the batch says log append time.</summary>
    public long Timestamp { get; init; }
    public bool KeyIsNull { get; init; }
    public ReadOnlySpan<byte> Key { get; init; }
    public bool ValueIsNull { get; init; }
    public ReadOnlySpan<byte> Value { get; init; }
    public int HeaderCount { get; init; }

    /// <summary>The headers as they stand in the record; walk them with <see cref="HeaderReader"/>.</summary>
    public ReadOnlySpan<byte> EncodedHeaders { get; init; }

    /// <summary>Bytes of the whole encoded record, its length prefix included.</summary>
    public int EncodedBytes { get; init; }
}
