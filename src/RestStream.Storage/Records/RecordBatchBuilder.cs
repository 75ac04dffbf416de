namespace RestStream.Storage.Records;

/// <summary>
/// Builds one batch in a pooled buffer: 61 bytes are kept free, each record is encoded straight behind the one before,
/// <see cref="Build"/> fills in the header and the CRC. No allocation per record. Reusable after <see cref="Build"/>. Not thread safe.
/// </summary>
public sealed class RecordBatchBuilder : IDisposable
{
    public int Count => throw new NotImplementedException();

    /// <summary>Bytes so far, header included, before compression.</summary>
    public int Bytes => throw new NotImplementedException();

    /// <summary>Adds a record. <paramref name="encodedHeaders"/> are <paramref name="headerCount"/> headers as <see cref="HeaderEncoder"/> wrote them.</summary>
    public void Append(long timestamp, bool keyIsNull, ReadOnlySpan<byte> key, bool valueIsNull, ReadOnlySpan<byte> value,
        ReadOnlySpan<byte> encodedHeaders = default, int headerCount = 0) => throw new NotImplementedException();

    /// <summary>Finishes the batch with base offset 0 and leader epoch -1 and gives its bytes away; the builder is empty again.</summary>
    public BatchBuffer Build(CompressionCodec codec = CompressionCodec.None, long producerId = -1, short producerEpoch = -1, int baseSequence = -1) =>
        throw new NotImplementedException();

    /// <summary>Forgets all records.</summary>
    public void Reset() => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}

/// <summary>Encodes headers in Kafka's form (varint lengths, UTF-8 key, value or null) for <see cref="RecordBatchBuilder.Append"/>.</summary>
public static class HeaderEncoder
{
    /// <summary>Most bytes that a header with this key and value can take.</summary>
    public static int MaxBytes(int keyBytes, int valueBytes) => keyBytes + valueBytes + 10;

    /// <summary>Writes one header and returns how many bytes it took.</summary>
    public static int Write(Span<byte> destination, ReadOnlySpan<byte> key, bool valueIsNull, ReadOnlySpan<byte> value) => throw new NotImplementedException();
}
