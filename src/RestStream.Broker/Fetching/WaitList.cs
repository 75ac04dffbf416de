using System.Buffers;

namespace RestStream.Broker.Fetching;

/// <summary>
/// The readers parked at one partition. Parking and leaving are O(1); waking hands the whole list over under the lock and signals outside of it,
/// on a pool thread when there are many, so that the committer thread is not held up. A parked reader costs one array entry.
/// </summary>
internal sealed class WaitList
{
    /// <summary>So many wake-ups are queued by the waking thread itself: below, handing over to another thread costs more than it saves.</summary>
    private const int InlineWakes = 8;

    private readonly Lock _lock = new();
    private Parked[] _parked = [];
    private int _count;

    /// <summary>Counts hand-overs: a slot of an older generation is no longer in <see cref="_parked"/>.</summary>
    private long _generation = 1;

    internal int Count => Volatile.Read(ref _count);

    /// <summary>Adds a reader. It must look at the partition again afterwards: what grew before is not signalled.</summary>
    public void Park(WaitSlot slot, short version)
    {
        lock (_lock)
        {
            if (_count == _parked.Length)
                Grow();
            _parked[_count] = new Parked(slot, version);
            slot.Index = _count;
            slot.Generation = _generation;
            _count++;
        }
    }

    /// <summary>Takes a reader out, if it is still in.</summary>
    public void Leave(WaitSlot slot)
    {
        lock (_lock)
        {
            if (slot.Generation != _generation)
                return;
            var last = --_count;
            if (slot.Index != last)
            {
                _parked[slot.Index] = _parked[last];
                _parked[slot.Index].Slot.Index = slot.Index;
            }

            _parked[last] = default;
            slot.Generation = 0;
        }
    }

    /// <summary>Wakes every reader that is parked now. Quick, never throws.</summary>
    public void WakeAll()
    {
        // The caller has just published what the readers wait for. With the fence here and the one after parking, either this read sees the reader
        // or the reader sees what was published.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _count) == 0)
            return;

        Parked[] woken;
        int count;
        lock (_lock)
        {
            count = _count;
            if (count == 0)
                return;
            woken = _parked;
            _parked = ArrayPool<Parked>.Shared.Rent(count);
            _count = 0;
            _generation++;
        }

        if (count <= InlineWakes)
            Wake(woken, count);
        else
            ThreadPool.UnsafeQueueUserWorkItem(new ManyWakes(woken, count), preferLocal: false);
    }

    private static void Wake(Parked[] woken, int count)
    {
        for (var i = 0; i < count; i++)
            woken[i].Slot.Waiter.Complete(woken[i].Version, grew: true);
        ArrayPool<Parked>.Shared.Return(woken, clearArray: true);
    }

    private void Grow()
    {
        var larger = ArrayPool<Parked>.Shared.Rent(Math.Max(4, _count * 2));
        _parked.AsSpan(0, _count).CopyTo(larger);
        if (_parked.Length > 0)
            ArrayPool<Parked>.Shared.Return(_parked, clearArray: true);
        _parked = larger;
    }

    private readonly record struct Parked(WaitSlot Slot, short Version);

    private sealed class ManyWakes(Parked[] woken, int count) : IThreadPoolWorkItem
    {
        public void Execute() => Wake(woken, count);
    }
}

/// <summary>One reader's place at one partition, made once and used for all its waits. The two numbers belong to the <see cref="WaitList"/>.</summary>
internal sealed class WaitSlot(FetchWaiter waiter)
{
    public FetchWaiter Waiter { get; } = waiter;
    internal int Index { get; set; }
    internal long Generation { get; set; }
}
