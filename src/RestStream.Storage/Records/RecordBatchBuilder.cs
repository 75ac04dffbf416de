using System.Buffers.Binary;

namespace RestStream.Storage.Records;

/// <summary>
/// Builds one batch in a pooled buffer: 61 bytes are kept free, each record is encoded straight behind the one before,
/// <see cref="Build"/> fills in the header and the CRC. No allocation per record. Reusable after <see cref="Build"/>. Not thread safe.
/// An <see cref="Append"/> that throws leaves the batch as it was.
/// </summary>
public sealed class RecordBatchBuilder : IDisposable
{
    // Enough for a small record or two; the buffer doubles from there.
    private const int FirstCapacity = 1024;

    private BatchBuffer? _buffer;
    private long _baseTimestamp;
    private bool _baseIsSet;
    private long _maxTimestamp;
    private int _lastOffsetDelta = -1;

    public int Count { get; private set; }

    /// <summary>Bytes so far, header included, before compression.</summary>
    public int Bytes => _buffer?.Length ?? RecordBatchHeader.Size;

    /// <summary>Adds a record. <paramref name="encodedHeaders"/> are <paramref name="headerCount"/> headers as <see cref="HeaderEncoder"/> wrote them.</summary>
    public void Append(long timestamp, bool keyIsNull, ReadOnlySpan<byte> key, bool valueIsNull, ReadOnlySpan<byte> value,
        ReadOnlySpan<byte> encodedHeaders = default, int headerCount = 0) =>
        AppendAt(_lastOffsetDelta + 1, timestamp, keyIsNull, key, valueIsNull, value, encodedHeaders, headerCount);

    /// <summary>As <see cref="Append"/>, but this far above the base offset: compaction leaves gaps. Deltas must grow.</summary>
    internal void AppendAt(int offsetDelta, long timestamp, bool keyIsNull, ReadOnlySpan<byte> key, bool valueIsNull, ReadOnlySpan<byte> value,
        ReadOnlySpan<byte> encodedHeaders = default, int headerCount = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(offsetDelta, _lastOffsetDelta);
        var first = Count == 0;
        var baseTimestamp = first && !_baseIsSet ? timestamp : _baseTimestamp;
        var timestampDelta = unchecked(timestamp - baseTimestamp);
        var keyLength = keyIsNull ? -1 : key.Length;
        var valueLength = valueIsNull ? -1 : value.Length;
        var body = 1L + VarInt.Size(timestampDelta) + VarInt.Size(offsetDelta)
            + VarInt.Size(keyLength) + Math.Max(keyLength, 0) + VarInt.Size(valueLength) + Math.Max(valueLength, 0)
            + VarInt.Size(headerCount) + encodedHeaders.Length;
        var needed = Bytes + body + VarInt.MaxBytes;
        if (needed > Array.MaxLength)
            throw new InvalidOperationException($"A batch of {needed} bytes is more than a batch can hold.");

        var buffer = _buffer ??= RentWithHeader((int)needed);
        buffer.EnsureCapacity((int)needed);
        var at = buffer.Length;
        var bytes = buffer.Whole;
        at += VarInt.Write(bytes[at..], (int)body);
        bytes[at++] = 0;
        at += VarInt.Write(bytes[at..], timestampDelta);
        at += VarInt.Write(bytes[at..], offsetDelta);
        at += WriteBytes(bytes[at..], keyLength, key);
        at += WriteBytes(bytes[at..], valueLength, value);
        at += VarInt.Write(bytes[at..], headerCount);
        encodedHeaders.CopyTo(bytes[at..]);
        buffer.Length = at + encodedHeaders.Length;

        _baseTimestamp = baseTimestamp;
        _maxTimestamp = first ? timestamp : Math.Max(_maxTimestamp, timestamp);
        _lastOffsetDelta = offsetDelta;
        Count++;
    }

    /// <summary>Makes the timestamps of the next batch count from here instead of from its first record's: what compaction does where it sets a delete horizon.</summary>
    internal void SetBaseTimestamp(long baseTimestamp)
    {
        if (Count > 0)
            throw new InvalidOperationException("The base timestamp is set before the first record.");
        (_baseTimestamp, _baseIsSet) = (baseTimestamp, true);
    }

    /// <summary>
    /// Finishes the batch with base offset 0 and leader epoch -1 and gives its bytes away; the builder is empty again.
    /// With a codec all records become one compressed blob behind the header.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is no record.</exception>
    /// <exception cref="NotSupportedException">This machine lacks the codec; the records are still in the builder.</exception>
    public BatchBuffer Build(CompressionCodec codec = CompressionCodec.None, long producerId = -1, short producerEpoch = -1, int baseSequence = -1) =>
        BuildWith(codec, producerId, producerEpoch, baseSequence, attributes: 0, lastOffsetDelta: _lastOffsetDelta);

    /// <summary>As <see cref="Build"/>, with further attribute bits and a last offset beyond the last record's (compaction keeps it).</summary>
    internal BatchBuffer BuildWith(CompressionCodec codec, long producerId, short producerEpoch, int baseSequence, short attributes, int lastOffsetDelta)
    {
        if (_buffer is null || Count == 0)
            throw new InvalidOperationException("A batch needs at least one record.");
        ArgumentOutOfRangeException.ThrowIfLessThan(lastOffsetDelta, _lastOffsetDelta);

        var batch = _buffer;
        if (codec != CompressionCodec.None)
        {
            batch = RentWithHeader(_buffer.Length);
            try
            {
                Compression.Compress(codec, _buffer.Span[RecordBatchHeader.Size..], batch);
            }
            catch
            {
                batch.Dispose();
                throw;
            }
        }

        var header = batch.Span;
        BinaryPrimitives.WriteInt64BigEndian(header, 0);
        BinaryPrimitives.WriteInt32BigEndian(header[8..], batch.Length - RecordBatchHeader.LogOverhead);
        BinaryPrimitives.WriteInt32BigEndian(header[12..], -1);
        header[16] = (byte)RecordBatchHeader.CurrentMagic;
        BinaryPrimitives.WriteInt16BigEndian(header[21..], (short)(attributes | (short)codec));
        BinaryPrimitives.WriteInt32BigEndian(header[23..], lastOffsetDelta);
        BinaryPrimitives.WriteInt64BigEndian(header[27..], _baseTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(header[35..], _maxTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(header[43..], producerId);
        BinaryPrimitives.WriteInt16BigEndian(header[51..], producerEpoch);
        BinaryPrimitives.WriteInt32BigEndian(header[53..], baseSequence);
        BinaryPrimitives.WriteInt32BigEndian(header[57..], Count);
        RecordBatch.WriteCrc(header);

        if (ReferenceEquals(batch, _buffer))
            _buffer = null;
        Reset();
        return batch;
    }

    /// <summary>Forgets all records.</summary>
    public void Reset()
    {
        if (_buffer is not null)
            _buffer.Length = RecordBatchHeader.Size;
        Count = 0;
        _lastOffsetDelta = -1;
        _baseIsSet = false;
    }

    /// <summary>Gives the buffer back. The builder may be used again, so a second call does nothing.</summary>
    public void Dispose()
    {
        _buffer?.Dispose();
        _buffer = null;
        Reset();
    }

    private static BatchBuffer RentWithHeader(int capacity)
    {
        var buffer = BatchBuffer.Rent(Math.Max(capacity, FirstCapacity));
        buffer.Length = RecordBatchHeader.Size;
        return buffer;
    }

    private static int WriteBytes(Span<byte> destination, int length, ReadOnlySpan<byte> bytes)
    {
        var prefix = VarInt.Write(destination, length);
        if (length <= 0)
            return prefix;
        bytes.CopyTo(destination[prefix..]);
        return prefix + length;
    }
}
