using System.Buffers;

namespace RestStream.Storage.Records;

/// <summary>
/// Pooled bytes of one or more whole batches. One owner at a time; whoever owns it calls <see cref="Dispose"/> exactly once,
/// after which both the bytes and this object are reused. Handing it to an append hands over the ownership.
/// </summary>
public sealed class BatchBuffer : IDisposable
{
    private byte[] _bytes = [];

    private BatchBuffer() { }

    public int Length { get; set; }
    public Span<byte> Span => _bytes.AsSpan(0, Length);
    public Memory<byte> Memory => _bytes.AsMemory(0, Length);
    public int Capacity => _bytes.Length;

    /// <summary>Everything that can be written, beyond <see cref="Length"/> too.</summary>
    public Span<byte> Whole => _bytes;

    /// <summary>A buffer of at least <paramref name="capacity"/> bytes with <see cref="Length"/> 0.</summary>
    public static BatchBuffer Rent(int capacity) => throw new NotImplementedException();

    /// <summary>Makes room for <paramref name="capacity"/> bytes in all; what was written stays.</summary>
    public void EnsureCapacity(int capacity)
    {
        if (capacity <= _bytes.Length)
            return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(capacity, _bytes.Length * 2));
        _bytes.AsSpan(0, Length).CopyTo(larger);
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }

    public void Dispose() => throw new NotImplementedException();
}
