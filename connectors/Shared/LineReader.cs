using Microsoft.Win32.SafeHandles;

namespace RestStream.Connectors.Shared;

/// <summary>
/// The lines of a file that may still grow, by byte positions. <c>\n</c>, <c>\r</c> and <c>\r\n</c> end a line; what stands behind the last one is kept back, and so is a line that ends in <c>\r</c>
/// at the end of the file, because the <c>\n</c> may still come.
/// </summary>
/// <param name="file">Open for reading; not disposed here.</param>
/// <param name="position">Where to begin: the first byte of a line.</param>
/// <param name="maxLineBytes">A longer line is an <see cref="InvalidDataException"/>.</param>
internal sealed class LineReader(SafeFileHandle file, long position, int maxLineBytes)
{
    private byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _scanned;
    private int _end;

    /// <summary>The first byte behind the last line that was read.</summary>
    public long Position { get; private set; } = position;

    /// <summary>The next whole line without its end; valid until the next call. False: none is there now.</summary>
    /// <exception cref="InvalidDataException">The line is too long.</exception>
    public bool TryRead(out ReadOnlySpan<byte> line)
    {
        while (true)
        {
            var at = _buffer.AsSpan(_scanned, _end - _scanned).IndexOfAny((byte)'\n', (byte)'\r');
            if (at < 0)
            {
                _scanned = _end;
                ThrowIfTooLong(_end - _start);
                if (Fill())
                    continue;
                line = default;
                return false;
            }

            at += _scanned;
            if (_buffer[at] == '\r' && at + 1 == _end)
            {
                // Whether a \n belongs to it shows with the next byte.
                _scanned = at;
                if (Fill())
                    continue;
                line = default;
                return false;
            }

            Take(at - _start, _buffer[at] == '\r' && _buffer[at + 1] == '\n' ? 2 : 1, out line);
            return true;
        }
    }

    /// <summary>What stands behind the last whole line, for a file that does not grow any more. False: nothing. Called after <see cref="TryRead"/> answered false.</summary>
    public bool TryReadRest(out ReadOnlySpan<byte> line)
    {
        if (_start == _end)
        {
            line = default;
            return false;
        }

        var ending = _buffer[_end - 1] == '\r' ? 1 : 0;
        Take(_end - _start - ending, ending, out line);
        return true;
    }

    /// <summary>Drops what stands behind the last line: it is read again, and may be other bytes by then. Called after <see cref="TryRead"/> answered false.</summary>
    public void ForgetRest() => (_start, _scanned, _end) = (0, 0, 0);

    private void Take(int length, int ending, out ReadOnlySpan<byte> line)
    {
        ThrowIfTooLong(length);
        line = _buffer.AsSpan(_start, length);
        _start += length + ending;
        _scanned = _start;
        Position += length + ending;
    }

    private void ThrowIfTooLong(int length)
    {
        if (length > maxLineBytes)
            throw new InvalidDataException($"The line at byte {Position} is longer than {maxLineBytes} bytes");
    }

    /// <summary>Reads on behind what is there; false at the end of the file.</summary>
    private bool Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_scanned, _end, _start) = (_scanned - _start, _end - _start, 0);
        }

        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, _buffer.Length * 2);
        var read = RandomAccess.Read(file, _buffer.AsSpan(_end), Position + _end);
        _end += read;
        return read > 0;
    }
}
