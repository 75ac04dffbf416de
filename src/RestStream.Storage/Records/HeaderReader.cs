namespace RestStream.Storage.Records;

/// <summary>Walks the headers of one record.</summary>
public ref struct HeaderReader
{
    private ReadOnlySpan<byte> _rest;
    private int _left;

    public HeaderReader(RecordView record) : this(record.EncodedHeaders, record.HeaderCount) { }

    internal HeaderReader(ReadOnlySpan<byte> encoded, int count)
    {
        _rest = encoded;
        _left = count;
    }

    public ReadOnlySpan<byte> Key { readonly get; private set; }
    public bool ValueIsNull { readonly get; private set; }
    public ReadOnlySpan<byte> Value { readonly get; private set; }

    /// <exception cref="CorruptBatchException">The bytes are not headers, or there are more than the record says.</exception>
    public bool MoveNext()
    {
        if (_left == 0)
        {
            return _rest.IsEmpty
                ? false
                : throw new CorruptBatchException($"{_rest.Length} bytes are left in a record behind its last header.");
        }

        if (!VarInt.TryRead(_rest, out int keyLength, out var prefix) || keyLength < 0 || keyLength > _rest.Length - prefix)
            throw new CorruptBatchException("A header's key does not fit into its record.");
        Key = _rest.Slice(prefix, keyLength);
        _rest = _rest[(prefix + keyLength)..];

        if (!VarInt.TryRead(_rest, out int valueLength, out prefix) || valueLength < -1 || valueLength > _rest.Length - prefix)
            throw new CorruptBatchException("A header's value does not fit into its record.");
        ValueIsNull = valueLength < 0;
        valueLength = Math.Max(valueLength, 0);
        Value = _rest.Slice(prefix, valueLength);
        _rest = _rest[(prefix + valueLength)..];
        _left--;
        return true;
    }
}
