using System.Buffers;
using Microsoft.Win32.SafeHandles;
using RestStream.Storage.Records;

namespace RestStream.Storage.Verification;

/// <summary>
/// A .log opened for reading only and shared with everyone, so that looking at a running or crashed data directory changes nothing.
/// What is appended after the opening is not seen.
/// </summary>
internal sealed class LogFileReader : IDisposable
{
    private const int WindowBytes = 1024 * 1024;

    private readonly SafeFileHandle _handle;
    private byte[] _window = ArrayPool<byte>.Shared.Rent(WindowBytes);
    private long _windowStart;
    private int _windowLength;

    public LogFileReader(string path)
    {
        _handle = Open(path);
        Length = RandomAccess.GetLength(_handle);
    }

    public long Length { get; }

    /// <summary>The bytes at a position, fewer at the end of the file. Good until the next call.</summary>
    public ReadOnlySpan<byte> Get(long position, int count)
    {
        count = (int)Math.Clamp(Length - position, 0, count);
        if (position < _windowStart || position + count > _windowStart + _windowLength)
            Fill(position, count);
        var start = (int)(position - _windowStart);
        return _window.AsSpan(start, Math.Min(count, _windowLength - start));
    }

    /// <summary>Reads the header that would stand here. False when there are too few bytes, or when its length cannot be that of a batch in this file.</summary>
    public bool TryReadFrame(long position, out RecordBatchHeader header)
    {
        header = default;
        var bytes = Get(position, RecordBatchHeader.Size);
        if (bytes.Length < RecordBatchHeader.Size)
            return false;
        header = RecordBatchHeader.Read(bytes);
        return RecordBatch.TryReadTotalBytes(bytes, out var totalBytes) && totalBytes <= Length - position;
    }

    public bool IsCrcValid(long position, in RecordBatchHeader header)
    {
        if (header.TotalBytes <= WindowBytes)
            return RecordBatch.IsCrcValid(Get(position, (int)header.TotalBytes));

        var crc = 0u;
        var end = position + header.TotalBytes;
        for (var at = position + RecordBatch.CrcStart; at < end;)
        {
            var piece = Get(at, (int)Math.Min(WindowBytes, end - at));
            if (piece.IsEmpty)
                return false;
            crc = Crc32C.Append(crc, piece);
            at += piece.Length;
        }
        return crc == header.Crc;
    }

    /// <summary>The first batch with a right CRC at or behind a position that begins at or above an offset; -1 when there is none. Tries every byte.</summary>
    public long FindBatch(long from, long minOffset)
    {
        const int magicPosition = 16;
        while (from + RecordBatchHeader.Size <= Length)
        {
            var bytes = Get(from + magicPosition, 4096);
            var found = bytes.IndexOf((byte)RecordBatchHeader.CurrentMagic);
            if (found < 0)
            {
                from += Math.Max(bytes.Length, 1);
                continue;
            }
            from += found;
            if (TryReadFrame(from, out var header) && IsPlausible(header, minOffset) && IsCrcValid(from, header))
                return from;
            from++;
        }
        return -1;
    }

    /// <summary>Whether a header can belong to a batch that begins at or above an offset.</summary>
    public static bool IsPlausible(in RecordBatchHeader header, long minOffset) =>
        header.Magic == RecordBatchHeader.CurrentMagic && header.BaseOffset >= minOffset && header.LastOffsetDelta >= 0 && header.RecordsCount >= 0
        && (header.Attributes & ~0x7F) == 0 && header.Codec <= CompressionCodec.Zstd;

    /// <summary>The whole of a small file.</summary>
    public static byte[] ReadAll(string path)
    {
        using var handle = Open(path);
        var bytes = new byte[RandomAccess.GetLength(handle)];
        var length = 0;
        while (length < bytes.Length && RandomAccess.Read(handle, bytes.AsSpan(length), length) is > 0 and var read)
            length += read;
        return bytes[..length];
    }

    public void Dispose()
    {
        _handle.Dispose();
        ArrayPool<byte>.Shared.Return(_window);
        _window = [];
    }

    private static SafeFileHandle Open(string path) => File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    private void Fill(long position, int count)
    {
        if (count > _window.Length)
        {
            ArrayPool<byte>.Shared.Return(_window);
            _window = ArrayPool<byte>.Shared.Rent(count);
        }
        _windowStart = position;
        _windowLength = 0;
        while (_windowLength < _window.Length)
        {
            var read = RandomAccess.Read(_handle, _window.AsSpan(_windowLength), position + _windowLength);
            if (read == 0)
                break;
            _windowLength += read;
        }
    }
}
