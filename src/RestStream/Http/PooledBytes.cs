using System.Buffers;

namespace RestStream.Http;

/// <summary>Bytes in one pooled array that grows by doubling. Reused by its owner; spans die when it grows, moves or is cleared. Not thread safe.</summary>
internal sealed class PooledBytes : IBufferWriter<byte>, IDisposable
{
    /// <summary>Largest array that <see cref="Clear"/> keeps. 32 KiB: most requests fit, and a thousand idle ones hold 32 MiB.</summary>
    private const int KeptBytes = 32 * 1024;

    private byte[] _bytes = [];

    public int Length { get; private set; }
    public Span<byte> Span => _bytes.AsSpan(0, Length);
    public Memory<byte> Memory => _bytes.AsMemory(0, Length);

    /// <summary>Room behind the bytes, at least <paramref name="sizeHint"/>; <see cref="Advance"/> makes it part of them.</summary>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        EnsureRoom(Math.Max(sizeHint, 1));
        return _bytes.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        EnsureRoom(Math.Max(sizeHint, 1));
        return _bytes.AsSpan(Length);
    }

    public void Advance(int count) => Length += count;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        EnsureRoom(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(Length));
        Length += bytes.Length;
    }

    /// <summary>Forgets what stands behind the first <paramref name="length"/> bytes.</summary>
    public void Truncate(int length) => Length = length;

    /// <summary>Forgets the first <paramref name="count"/> bytes; the others move to the front.</summary>
    public void RemoveFirst(int count)
    {
        _bytes.AsSpan(count, Length - count).CopyTo(_bytes);
        Length -= count;
    }

    public void Clear()
    {
        Length = 0;
        if (_bytes.Length > KeptBytes)
            Dispose();
    }

    /// <summary>Gives the array back; the object can be used again.</summary>
    public void Dispose()
    {
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes);
        (_bytes, Length) = ([], 0);
    }

    private void EnsureRoom(int count)
    {
        if (count <= _bytes.Length - Length)
            return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(Length + count), (int)Math.Min(_bytes.Length * 2L, Array.MaxLength)));
        _bytes.AsSpan(0, Length).CopyTo(larger);
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
