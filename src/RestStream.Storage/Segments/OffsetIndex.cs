using System.Buffers.Binary;

namespace RestStream.Storage.Segments;

/// <summary>
/// The sparse index from offsets to positions of one segment (<c>.index</c>): an entry is the last offset of a batch, relative to the segment's base,
/// and the position where that batch starts. One thread appends, any thread looks up.
/// </summary>
internal sealed class OffsetIndex
{
    public const int EntryBytes = 8;

    // Relative offset in the high half, position in the low one, so that entries compare as numbers.
    private long[] _entries;
    private int _count;

    public OffsetIndex() => _entries = [];

    private OffsetIndex(long[] entries)
    {
        _entries = entries;
        _count = entries.Length;
    }

    public int Count => Volatile.Read(ref _count);

    public (int RelativeOffset, int Position) this[int entry] => Unpack(Volatile.Read(ref _entries)[entry]);

    /// <summary>Position of the last entry, 0 when there is none: from there on nothing is indexed.</summary>
    public int LastPosition => Count is > 0 and var count ? this[count - 1].Position : 0;

    public void Append(int relativeOffset, int position)
    {
        var count = _count;
        if (count == _entries.Length)
        {
            var larger = new long[Math.Max(16, count * 2)];
            _entries.AsSpan(0, count).CopyTo(larger);
            Volatile.Write(ref _entries, larger);
        }
        _entries[count] = ((long)relativeOffset << 32) | (uint)position;
        Volatile.Write(ref _count, count + 1);
    }

    /// <summary>Number of the last entry whose offset is at most this, or -1: scanning starts at its position, or at the start of the segment.</summary>
    public int Floor(int relativeOffset)
    {
        // The count first: an array read later holds at least so many entries.
        var count = Count;
        var entries = Volatile.Read(ref _entries).AsSpan(0, count);
        var wanted = ((long)relativeOffset << 32) | uint.MaxValue;
        var found = entries.BinarySearch(wanted);
        return found >= 0 ? found : ~found - 1;
    }

    /// <summary>Number of the last entry whose position is at most this, or -1.</summary>
    public int FloorPosition(long position)
    {
        var (low, high) = (0, Count - 1);
        var entries = Volatile.Read(ref _entries);
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            if (Unpack(entries[middle]).Position <= position)
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
            BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(i * EntryBytes), entries[i]);
        return bytes;
    }

    /// <summary>Null when the bytes cannot be the index of a log of this length: odd length, not ascending, or pointing outside. There is no checksum to say more.</summary>
    public static OffsetIndex? TryParse(ReadOnlySpan<byte> bytes, long logBytes)
    {
        if (bytes.Length % EntryBytes != 0)
            return null;
        var entries = new long[bytes.Length / EntryBytes];
        var (previousOffset, previousPosition) = (-1, 0);
        for (var i = 0; i < entries.Length; i++)
        {
            entries[i] = BinaryPrimitives.ReadInt64BigEndian(bytes[(i * EntryBytes)..]);
            var (offset, position) = Unpack(entries[i]);
            if (offset <= previousOffset || position <= previousPosition || position >= logBytes)
                return null;
            (previousOffset, previousPosition) = (offset, position);
        }
        return new OffsetIndex(entries);
    }

    private static (int RelativeOffset, int Position) Unpack(long entry) => ((int)(entry >> 32), (int)entry);
}
