namespace RestStream.Storage.Records;

/// <summary>Where a decoder puts its bytes: behind what a buffer holds already, never more than the cap in all.</summary>
internal readonly struct DecompressedOutput(BatchBuffer buffer, long maxBytes)
{
    private readonly int _start = buffer.Length;
    private readonly long _end = buffer.Length + maxBytes;

    public BatchBuffer Buffer => buffer;
    public long MaxBytes => maxBytes;

    /// <summary>Bytes decompressed so far.</summary>
    public int Count => buffer.Length - _start;

    /// <summary>
    /// Room behind what is there: <paramref name="wanted"/> bytes, or as many as the cap still allows.
    /// The caller has made sure that its input can really expand to so much.
    /// </summary>
    public Span<byte> Room(int wanted)
    {
        var bytes = (int)Math.Min(wanted, Math.Min(_end, Array.MaxLength) - buffer.Length);
        buffer.EnsureCapacity(buffer.Length + bytes);
        return buffer.Whole.Slice(buffer.Length, bytes);
    }

    /// <summary>The buffer's free room as it is, at least one byte.</summary>
    /// <exception cref="CorruptBatchException">The cap is reached.</exception>
    public Span<byte> NextRoom()
    {
        if (buffer.Length >= _end)
            throw TooLarge();
        if (buffer.Length == buffer.Capacity)
            buffer.EnsureCapacity(buffer.Length + 1);
        var room = buffer.Whole[buffer.Length..];
        return room[..(int)Math.Min(room.Length, _end - buffer.Length)];
    }

    public void Advance(int bytes) => buffer.Length += bytes;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.TryCopyTo(Room(bytes.Length)))
            throw TooLarge();
        Advance(bytes.Length);
    }

    public CorruptBatchException TooLarge() => new($"The batch decompresses to more than {maxBytes} bytes.");
}
