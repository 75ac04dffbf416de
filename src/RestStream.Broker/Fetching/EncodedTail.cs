namespace RestStream.Broker.Fetching;

/// <summary>An encoded batch and the offsets it answers for: every position from <paramref name="From"/> up to <paramref name="Next"/> (exclusive), holes of compaction included.</summary>
internal readonly record struct EncodedEntry(EncodedBatch Batch, long From, long Next)
{
    /// <summary>Bytes of memory, about: the arrays and four object headers.</summary>
    public long Size => Batch.Bytes.Length + (20L * Batch.Count) + 150;
}

/// <summary>
/// The newest batches of one partition in one encoding, shared by all its followers. The run has no gaps and follows the most advanced reader:
/// whoever stands at its end or beyond encodes the next batch and adds it, those within it get what is there, those below it (catching up) read the log by
/// themselves and change nothing here. So a batch is encoded once for a thousand followers, and a reader of old records cannot push the new ones out.
/// </summary>
internal sealed class EncodedTail(EncodedCache cache, RecordEncoder encoder)
{
    /// <summary>Bounds the search and the bookkeeping of many tiny batches.</summary>
    private const int MaxEntries = 1024;

    private readonly Lock _lock = new();
    private EncodedEntry[] _ring = new EncodedEntry[16];
    private int _first;
    private int _count;
    private long _bytes;
    private long _end = -1;
    private bool _used;
    private bool _closed;

    public RecordEncoder Encoder { get; } = encoder;

    /// <summary>Held while the next batch is encoded, so that a second reader of the same position waits for it instead of doing it again.</summary>
    public Lock EncodeLock { get; } = new();

    /// <summary>Bytes kept; read without the lock.</summary>
    internal long Bytes => Volatile.Read(ref _bytes);

    /// <summary>True when no kept batch lies at or above this position: its reader is the one to add.</summary>
    public bool IsLeader(long position) => position >= Volatile.Read(ref _end);

    public bool TryGet(long position, out EncodedEntry entry)
    {
        lock (_lock)
        {
            if (_count == 0 || position >= _end || position < At(0).From)
            {
                entry = default;
                return false;
            }

            _used = true;
            int low = 0, high = _count - 1;
            while (low < high)
            {
                var middle = (low + high + 1) / 2;
                if (At(middle).From <= position)
                    low = middle;
                else
                    high = middle - 1;
            }

            entry = At(low);
            return true;
        }
    }

    /// <summary>Adds the batch behind the end. One that is no continuation begins the run anew.</summary>
    public void Add(EncodedEntry entry)
    {
        var size = entry.Size;
        if (size > cache.MaxTailBytes)
            return;
        long grown;
        lock (_lock)
        {
            if (_closed || entry.From < _end)
                return;
            var before = _bytes;
            if (entry.From > _end)
                Clear();
            while (_count > 0 && (_bytes + size > cache.MaxTailBytes || _count == MaxEntries))
                DropOldest();
            if (_count == _ring.Length)
                Grow();
            _ring[(_first + _count) % _ring.Length] = entry;
            _count++;
            Volatile.Write(ref _bytes, _bytes + size);
            Volatile.Write(ref _end, entry.Next);
            _used = true;
            grown = _bytes - before;
        }

        cache.Grew(this, grown);
    }

    /// <summary>Forgets everything, unless it was used since the last time this was asked. Returns the bytes given up.</summary>
    internal long DropIfIdle()
    {
        lock (_lock)
        {
            if (!_used)
                return DropAll();
            _used = false;
            return 0;
        }
    }

    /// <summary>Forgets everything and takes nothing more. Returns the bytes given up.</summary>
    internal long Close()
    {
        lock (_lock)
        {
            _closed = true;
            return DropAll();
        }
    }

    private long DropAll()
    {
        var bytes = _bytes;
        Clear();
        Volatile.Write(ref _end, -1);
        return bytes;
    }

    private ref EncodedEntry At(int index) => ref _ring[(_first + index) % _ring.Length];

    private void DropOldest()
    {
        Volatile.Write(ref _bytes, _bytes - At(0).Size);
        At(0) = default;
        _first = (_first + 1) % _ring.Length;
        _count--;
    }

    private void Clear()
    {
        Array.Clear(_ring);
        if (_ring.Length > 16)
            _ring = new EncodedEntry[16];
        _first = 0;
        _count = 0;
        Volatile.Write(ref _bytes, 0);
    }

    private void Grow()
    {
        var larger = new EncodedEntry[_ring.Length * 2];
        for (var i = 0; i < _count; i++)
            larger[i] = At(i);
        _ring = larger;
        _first = 0;
    }
}
