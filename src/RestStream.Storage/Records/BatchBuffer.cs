using System.Buffers;
using System.Collections.Concurrent;

namespace RestStream.Storage.Records;

/// <summary>
/// Pooled bytes of one or more whole batches. One owner at a time; whoever owns it calls <see cref="Dispose"/> exactly once,
/// after which both the bytes and this object are reused. Handing it to an append hands over the ownership.
/// A second Dispose throws <see cref="InvalidOperationException"/>, and any use after the first <see cref="ObjectDisposedException"/>,
/// as long as the object has not been rented again: the pool keeps the most recently returned objects aside so that this is noticed.
/// </summary>
public sealed class BatchBuffer : IDisposable
{
    // Objects wait in a queue and only the longest-returned is handed out, so a stale reference fails loudly instead of touching another owner's bytes.
    private const int Quarantine = 64, MostPooled = 4096;
    private static readonly ConcurrentQueue<BatchBuffer> Pool = new();
    private static int s_pooled;

    private byte[] _bytes = [];
    private int _length;
    private int _rented;

    private BatchBuffer() { }

    public int Length
    {
        get => _length;
        set
        {
            ObjectDisposedException.ThrowIf(_rented == 0, this);
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)value, (uint)_bytes.Length, nameof(value));
            _length = value;
        }
    }

    public Span<byte> Span => Bytes.AsSpan(0, _length);
    public Memory<byte> Memory => Bytes.AsMemory(0, _length);
    public int Capacity => _bytes.Length;

    /// <summary>Everything that can be written, beyond <see cref="Length"/> too.</summary>
    public Span<byte> Whole => Bytes;

    private byte[] Bytes
    {
        get
        {
            ObjectDisposedException.ThrowIf(_rented == 0, this);
            return _bytes;
        }
    }

    /// <summary>A buffer of at least <paramref name="capacity"/> bytes with <see cref="Length"/> 0.</summary>
    public static BatchBuffer Rent(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        var bytes = ArrayPool<byte>.Shared.Rent(capacity);
        BatchBuffer? buffer = null;
        if (Volatile.Read(ref s_pooled) > Quarantine && Pool.TryDequeue(out buffer))
            Interlocked.Decrement(ref s_pooled);
        buffer ??= new BatchBuffer();
        buffer._bytes = bytes;
        buffer._length = 0;
        Volatile.Write(ref buffer._rented, 1);
        return buffer;
    }

    /// <summary>Makes room for <paramref name="capacity"/> bytes in all; what was written stays.</summary>
    public void EnsureCapacity(int capacity)
    {
        if (capacity <= Bytes.Length)
            return;
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Math.Max(capacity, _bytes.Length * 2L), Array.MaxLength));
        _bytes.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _rented, 0) == 0)
            throw new InvalidOperationException("This batch buffer was disposed before. Exactly one owner disposes it, once.");

        var bytes = _bytes;
        _bytes = [];
        _length = 0;
        ArrayPool<byte>.Shared.Return(bytes);
        if (Interlocked.Increment(ref s_pooled) <= MostPooled)
            Pool.Enqueue(this);
        else
            Interlocked.Decrement(ref s_pooled);
    }
}
