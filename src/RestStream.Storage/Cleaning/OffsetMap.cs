using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace RestStream.Storage.Cleaning;

/// <summary>
/// The newest offset of each key of the dirty part of a log, in bounded memory: 24 bytes a key (16 of its hash, 8 of its offset), open addressing. It starts small and doubles
/// up to the bound, so a pass takes only what it needs. Not thread safe.
/// </summary>
/// <remarks>
/// Two keys with one hash would be one key here and the older one's record would be lost. The hash is SHA-256 cut to 128 bits: by chance that does not happen, and nobody can make it
/// happen on purpose, as can be done with MD5, which Kafka takes for the same map.
/// </remarks>
internal sealed class OffsetMap
{
    /// <summary>How full the largest map gets (Kafka's <c>log.cleaner.io.buffer.load.factor</c>).</summary>
    private const double MostFull = 0.9;

    /// <summary>How full a map gets that can still grow.</summary>
    private const double Full = 0.7;

    private const int FirstSlots = 1024;
    private readonly int _maxSlots;
    private Slot[] _slots;
    private int _capacity;

    public OffsetMap(long maxBytes)
    {
        _maxSlots = (int)Math.Clamp(maxBytes / Marshal.SizeOf<Slot>(), 2, Array.MaxLength / 2);
        _slots = [];
        Resize(Math.Min(FirstSlots, _maxSlots));
    }

    public int Count { get; private set; }

    /// <summary>Everything up to this offset was looked at; -1 = nothing yet.</summary>
    public long LatestOffset { get; private set; } = -1;

    /// <summary>Notes that the key was written at this offset, which is above all earlier ones. False when the map is full and the key is new: then nothing was noted.</summary>
    public bool TryPut(ReadOnlySpan<byte> key, long offset)
    {
        var (high, low) = Hash(key);
        ref var slot = ref Locate(high, low);
        if (slot.OffsetPlusOne == 0)
        {
            if (Count >= _capacity)
            {
                if (_slots.Length == _maxSlots)
                    return false;
                Resize((int)Math.Min(_slots.Length * 2L, _maxSlots));
                slot = ref Locate(high, low);
            }
            (slot.High, slot.Low) = (high, low);
            Count++;
        }
        slot.OffsetPlusOne = offset + 1;
        LatestOffset = offset;
        return true;
    }

    /// <summary>The newest offset of the key, -1 when it was not written in what was looked at.</summary>
    public long Find(ReadOnlySpan<byte> key)
    {
        var (high, low) = Hash(key);
        return Locate(high, low).OffsetPlusOne - 1;
    }

    /// <summary>Says that everything up to this offset was looked at.</summary>
    public void CoverUpTo(long offset) => LatestOffset = Math.Max(LatestOffset, offset);

    private static (ulong High, ulong Low) Hash(ReadOnlySpan<byte> key)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(key, hash);
        return (BinaryPrimitives.ReadUInt64LittleEndian(hash), BinaryPrimitives.ReadUInt64LittleEndian(hash[8..]));
    }

    /// <summary>The key's slot, or the free one where it belongs.</summary>
    private ref Slot Locate(ulong high, ulong low)
    {
        var slots = _slots;
        for (var i = (int)Math.BigMul(high, (ulong)slots.Length, out _); ; i = i + 1 == slots.Length ? 0 : i + 1)
        {
            ref var slot = ref slots[i];
            if (slot.OffsetPlusOne == 0 || (slot.High == high && slot.Low == low))
                return ref slot;
        }
    }

    private void Resize(int size)
    {
        var old = _slots;
        _slots = new Slot[size];
        // One slot stays free always, where a search ends.
        _capacity = Math.Min(size - 1, (int)(size * (size == _maxSlots ? MostFull : Full)));
        foreach (ref readonly var slot in old.AsSpan())
        {
            if (slot.OffsetPlusOne != 0)
                Locate(slot.High, slot.Low) = slot;
        }
    }

    /// <summary>All zero = free.</summary>
    private struct Slot
    {
        public ulong High;
        public ulong Low;
        public long OffsetPlusOne;
    }
}
