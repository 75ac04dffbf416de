using System.Buffers.Binary;

namespace RestStream.Storage.Segments;

/// <summary>
/// The sparse index from timestamps to offsets of one segment (<c>.timeindex</c>): an entry is the largest timestamp so far and the last offset,
/// relative to the base, of the first batch that has it. Both columns only grow. One thread appends, any thread looks up.
/// </summary>
internal sealed class TimeIndex
{
    public const int EntryBytes = 12;

    private Entry[] _entries;
    private int _count;

    public TimeIndex() => _entries = [];

    private TimeIndex(Entry[] entries)
    {
        _entries = entries;
        _count = entries.Length;
    }

    public readonly record struct Entry(long Timestamp, int RelativeOffset);

    public int Count => Volatile.Read(ref _count);

    public Entry this[int entry] => Volatile.Read(ref _entries)[entry];

    /// <summary>The entry with the largest timestamp; timestamp -1 when there is none.</summary>
    public Entry Last => Count is > 0 and var count ? this[count - 1] : new Entry(-1, 0);

    /// <summary>Adds an entry when the timestamp grew since the last one.</summary>
    public void AppendIfLater(long timestamp, int relativeOffset)
    {
        if (timestamp <= Last.Timestamp)
            return;
        var count = _count;
        if (count == _entries.Length)
        {
            var larger = new Entry[Math.Max(16, count * 2)];
            _entries.AsSpan(0, count).CopyTo(larger);
            Volatile.Write(ref _entries, larger);
        }
        _entries[count] = new Entry(timestamp, relativeOffset);
        Volatile.Write(ref _count, count + 1);
    }

    /// <summary>Number of the last entry whose timestamp is at most this, or -1. Every batch with a later timestamp lies behind that entry's batch.</summary>
    public int Floor(long timestamp)
    {
        var (low, high) = (0, Count - 1);
        var entries = Volatile.Read(ref _entries);
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            if (entries[middle].Timestamp <= timestamp)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return high;
    }

    public byte[] ToBytes()
    {
        var count = Count;
        var entries = Volatile.Read(ref _entries);
        var bytes = new byte[count * EntryBytes];
        for (var i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(i * EntryBytes), entries[i].Timestamp);
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(i * EntryBytes + 8), entries[i].RelativeOffset);
        }
        return bytes;
    }

    /// <summary>Null when the bytes cannot be a time index: odd length, not ascending, negative.</summary>
    public static TimeIndex? TryParse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % EntryBytes != 0)
            return null;
        var entries = new Entry[bytes.Length / EntryBytes];
        var previous = new Entry(-1, -1);
        for (var i = 0; i < entries.Length; i++)
        {
            entries[i] = new Entry(
                BinaryPrimitives.ReadInt64BigEndian(bytes[(i * EntryBytes)..]), BinaryPrimitives.ReadInt32BigEndian(bytes[(i * EntryBytes + 8)..]));
            if (entries[i].Timestamp <= previous.Timestamp || entries[i].RelativeOffset < previous.RelativeOffset || entries[i].RelativeOffset < 0)
                return null;
            previous = entries[i];
        }
        return new TimeIndex(entries);
    }
}
