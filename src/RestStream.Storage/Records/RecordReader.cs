namespace RestStream.Storage.Records;

/// <summary>
/// Walks the records of one whole batch, decompressing into a pooled buffer when a codec is set. Dispose gives the buffer back;
/// spans of <see cref="Current"/> are dead then. Checks every length before it is used, so hostile bytes end in <see cref="CorruptBatchException"/>,
/// never in another exception or an allocation of a claimed size. Does not check the CRC (see <see cref="RecordBatch.IsCrcValid"/>).
/// <para>
/// Knows compacted logs: offsets may have gaps, a batch may be empty, and where the delete horizon is set the timestamps count from it.
/// Offsets that do not grow, or lie beyond the batch's last offset, are refused, so a reader that goes on at <c>Offset + 1</c> always moves.
/// </para>
/// </summary>
public ref struct RecordReader
{
    /// <summary>Absolute cap on what one batch may decompress to. 32 MiB: three times the default request limit.</summary>
    public const int DefaultMaxDecompressedBytes = 32 * 1024 * 1024;

    private readonly RecordBatchHeader _header;
    private readonly ReadOnlySpan<byte> _records;
    private readonly bool _logAppendTime;
    private BatchBuffer? _decompressed;
    private RecordView _current;
    private int _position;
    private int _read;
    private int _lastDelta = -1;

    /// <exception cref="CorruptBatchException">Not one whole batch of magic 2, or its compressed bytes are not valid.</exception>
    /// <exception cref="NotSupportedException">This machine lacks the codec.</exception>
    public RecordReader(ReadOnlySpan<byte> batch, int maxDecompressedBytes = DefaultMaxDecompressedBytes)
    {
        if (batch.Length < RecordBatchHeader.Size)
            throw new CorruptBatchException($"A batch has at least {RecordBatchHeader.Size} bytes, this one {batch.Length}.");
        _header = RecordBatchHeader.Read(batch);
        if (_header.Magic != RecordBatchHeader.CurrentMagic)
            throw new CorruptBatchException($"The batch has magic {_header.Magic}, only {RecordBatchHeader.CurrentMagic} is known.");
        if (_header.TotalBytes != batch.Length)
            throw new CorruptBatchException($"The batch says it has {_header.TotalBytes} bytes, but there are {batch.Length}.");
        if (_header.RecordsCount < 0)
            throw new CorruptBatchException($"The batch says it has {_header.RecordsCount} records.");

        _logAppendTime = _header.TimestampType == TimestampType.LogAppendTime;
        _records = batch[RecordBatchHeader.Size..];
        if (_header.Codec == CompressionCodec.None || _records.IsEmpty)
            return;

        var decompressed = BatchBuffer.Rent(Math.Min(_records.Length, int.MaxValue / 8) * 4);
        try
        {
            Compression.Decompress(_header.Codec, _records, decompressed, maxDecompressedBytes);
        }
        catch
        {
            decompressed.Dispose();
            throw;
        }
        _decompressed = decompressed;
        _records = decompressed.Span;
    }

    public readonly RecordBatchHeader Header => _header;

    public readonly RecordView Current => _current;

    /// <exception cref="CorruptBatchException">The bytes are not records, or there are more or fewer than the header says.</exception>
    public bool MoveNext()
    {
        if (_read == _header.RecordsCount)
        {
            return _position == _records.Length
                ? false
                : throw new CorruptBatchException($"{_records.Length - _position} bytes are left behind the {_read} records that the batch says it has.");
        }

        var rest = _records[_position..];
        if (!VarInt.TryRead(rest, out int bodyLength, out var prefix) || bodyLength < 0 || bodyLength > rest.Length - prefix)
            throw Corrupt("its length does not fit into the batch");
        var body = rest.Slice(prefix, bodyLength);
        if (body.IsEmpty)
            throw Corrupt("it is empty");

        // The first byte holds record attributes, of which Kafka defines none.
        var at = 1;
        if (!VarInt.TryRead(body[at..], out long timestampDelta, out var length))
            throw Corrupt("its timestamp is cut or too long");
        at += length;
        if (!VarInt.TryRead(body[at..], out int offsetDelta, out length))
            throw Corrupt("its offset is cut or too long");
        at += length;
        if (offsetDelta <= _lastDelta || offsetDelta > _header.LastOffsetDelta)
            throw Corrupt($"its offset delta {offsetDelta} is not between {_lastDelta} and the batch's last, {_header.LastOffsetDelta}");

        if (!VarInt.TryRead(body[at..], out int keyLength, out length) || keyLength < -1 || keyLength > body.Length - at - length)
            throw Corrupt("its key does not fit");
        at += length;
        var key = body.Slice(at, Math.Max(keyLength, 0));
        at += key.Length;

        if (!VarInt.TryRead(body[at..], out int valueLength, out length) || valueLength < -1 || valueLength > body.Length - at - length)
            throw Corrupt("its value does not fit");
        at += length;
        var value = body.Slice(at, Math.Max(valueLength, 0));
        at += value.Length;

        if (!VarInt.TryRead(body[at..], out int headerCount, out length) || headerCount < 0)
            throw Corrupt("its number of headers is cut or negative");
        at += length;
        var encodedHeaders = body[at..];
        if (headerCount != 0 || !encodedHeaders.IsEmpty)
        {
            // Walked once here, so that whoever reads them later cannot fail in the middle of an answer.
            var headers = new HeaderReader(encodedHeaders, headerCount);
            while (headers.MoveNext()) { }
        }

        _current = new RecordView
        {
            Offset = unchecked(_header.BaseOffset + offsetDelta),
            Timestamp = _logAppendTime ? _header.MaxTimestamp : unchecked(_header.BaseTimestamp + timestampDelta),
            KeyIsNull = keyLength < 0,
            Key = key,
            ValueIsNull = valueLength < 0,
            Value = value,
            HeaderCount = headerCount,
            EncodedHeaders = encodedHeaders,
            EncodedBytes = prefix + bodyLength,
        };
        _position += prefix + bodyLength;
        _lastDelta = offsetDelta;
        _read++;
        return true;
    }

    public void Dispose()
    {
        var decompressed = _decompressed;
        _decompressed = null;
        decompressed?.Dispose();
    }

    private readonly CorruptBatchException Corrupt(string why) =>
        new($"Record {_read + 1} of {_header.RecordsCount} in the batch at offset {_header.BaseOffset} is corrupt: {why}.");
}
