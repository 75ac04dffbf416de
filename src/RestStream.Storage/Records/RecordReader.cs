namespace RestStream.Storage.Records;

/// <summary>
/// Walks the records of one whole batch, decompressing into a pooled buffer when a codec is set. Dispose gives the buffer back;
/// spans of <see cref="Current"/> are dead then. Checks every length before it is used, so hostile bytes end in <see cref="CorruptBatchException"/>,
/// never in another exception or an allocation of a claimed size. Does not check the CRC (see <see cref="RecordBatch.IsCrcValid"/>).
/// </summary>
public ref struct RecordReader
{
    /// <summary>Absolute cap on what one batch may decompress to. 32 MiB: three times the default request limit.</summary>
    public const int DefaultMaxDecompressedBytes = 32 * 1024 * 1024;

    public RecordReader(ReadOnlySpan<byte> batch, int maxDecompressedBytes = DefaultMaxDecompressedBytes) => throw new NotImplementedException();

    public readonly RecordBatchHeader Header => throw new NotImplementedException();

    public readonly RecordView Current => throw new NotImplementedException();

    /// <exception cref="CorruptBatchException">The bytes are not records, or there are more or fewer than the header says.</exception>
    public bool MoveNext() => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}

/// <summary>One record inside a batch; valid until its reader moves on or is disposed.</summary>
public readonly ref struct RecordView
{
    public long Offset { get; init; }
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

/// <summary>Walks the headers of one record.</summary>
public ref struct HeaderReader
{
    public HeaderReader(RecordView record) => throw new NotImplementedException();

    public readonly ReadOnlySpan<byte> Key => throw new NotImplementedException();
    public readonly bool ValueIsNull => throw new NotImplementedException();
    public readonly ReadOnlySpan<byte> Value => throw new NotImplementedException();

    public bool MoveNext() => throw new NotImplementedException();
}
