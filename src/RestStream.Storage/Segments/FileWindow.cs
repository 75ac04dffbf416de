using System.Buffers;

using RestStream.Storage.Files;

namespace RestStream.Storage.Segments;

/// <summary>A pooled window that slides forward over the first <paramref name="end"/> bytes of a file, so that walking headers costs few reads. Not thread safe.</summary>
internal sealed class FileWindow(IFile file, long end, int windowBytes) : IDisposable
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(windowBytes);
    private long _position;
    private int _length;

    /// <summary>Bytes that count as the file; a longer file is not looked at.</summary>
    public long End { get; set; } = end;

    public int Capacity => _bytes.Length;

    /// <summary>The bytes from <paramref name="position"/> on: <paramref name="count"/> of them, fewer only at the end. Dead after the next call.</summary>
    public ReadOnlySpan<byte> Get(long position, int count)
    {
        count = (int)Math.Min(count, End - position);
        if (count <= 0)
            return default;
        if (position < _position || position + count > _position + _length)
            Fill(position);
        var start = (int)(position - _position);
        return _bytes.AsSpan(start, Math.Min(count, _length - start));
    }

    /// <summary>Whatever the window holds from <paramref name="position"/> on, at least <paramref name="atLeast"/> bytes unless the file ends.</summary>
    public ReadOnlySpan<byte> GetRest(long position, int atLeast)
    {
        if (Get(position, atLeast).Length == 0)
            return default;
        var start = (int)(position - _position);
        return _bytes.AsSpan(start, _length - start);
    }

    /// <summary>Forgets what was read, after the file was written.</summary>
    public void Forget() => _length = 0;

    public void Dispose()
    {
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        _length = 0;
    }

    private void Fill(long position)
    {
        _length = 0;
        _position = position;
        _length = file.Read(_bytes.AsSpan(0, (int)Math.Min(_bytes.Length, End - position)), position);
    }
}
