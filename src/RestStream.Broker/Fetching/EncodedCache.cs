namespace RestStream.Broker.Fetching;

/// <summary>Bounds what all <see cref="EncodedTail"/>s keep together. When there is too much, tails that nobody used since the last look go first, then any.</summary>
internal sealed class EncodedCache(long maxBytes)
{
    private readonly Lock _lock = new();
    private readonly List<EncodedTail> _tails = [];
    private long _bytes;
    private int _hand;

    /// <summary>Most bytes of one tail: a sixteenth, so that one loud partition leaves room for the others.</summary>
    public long MaxTailBytes { get; } = maxBytes / 16;

    public long Bytes => Interlocked.Read(ref _bytes);

    public EncodedTail CreateTail(RecordEncoder encoder)
    {
        var tail = new EncodedTail(this, encoder);
        lock (_lock)
            _tails.Add(tail);
        return tail;
    }

    /// <summary>A tail's partition is gone.</summary>
    public void Remove(EncodedTail tail)
    {
        lock (_lock)
            _tails.Remove(tail);
        Interlocked.Add(ref _bytes, -tail.Close());
    }

    /// <summary>Gives up what nobody asked for since the last call. Called now and then, so that memory comes back when the readers have left.</summary>
    public void DropIdle()
    {
        lock (_lock)
        {
            foreach (var tail in _tails)
                Interlocked.Add(ref _bytes, -tail.DropIfIdle());
        }
    }

    internal void Grew(EncodedTail by, long bytes)
    {
        if (Interlocked.Add(ref _bytes, bytes) <= maxBytes)
            return;
        lock (_lock)
        {
            // Two rounds: the first spares tails in use, the second takes any but the one that grew.
            for (var step = 0; step < _tails.Count * 2 && Bytes > maxBytes; step++)
            {
                _hand = (_hand + 1) % _tails.Count;
                if (_tails[_hand] != by)
                    Interlocked.Add(ref _bytes, -_tails[_hand].DropIfIdle());
            }
        }
    }
}
