using System.Text.Json;

using Microsoft.Win32.SafeHandles;

using RestStream.Connect.Data;

namespace RestStream.Connectors.Folders.Formats;

/// <summary>
/// The elements of an array, or values one after the other with white space between them, without holding more than one in memory.
/// Frames the values itself, because a JSON reader cannot begin in the middle of an array, where a resume has to.
/// </summary>
internal sealed class JsonRecords : RecordReader
{
    private readonly SafeFileHandle _file;
    private readonly DirectorySettings _settings;
    private readonly bool _inArray;
    private byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;
    private long _bufferPosition;
    private bool _atEnd;
    private bool _needsComma;
    private bool _closed;

    public JsonRecords(SafeFileHandle file, long firstByte, long position, DirectorySettings settings)
    {
        (_file, _settings, _bufferPosition) = (file, settings, firstByte);
        var first = SkipWhiteSpace();
        _inArray = first == '[';
        if (_inArray)
            _start++;
        if (position > Position)
        {
            // Behind an element.
            (_bufferPosition, _start, _end, _atEnd) = (position, 0, 0, false);
            _needsComma = _inArray;
        }
    }

    public override long Position => _bufferPosition + _start;

    public override bool TryRead(out SchemaAndValue value)
    {
        value = default;
        if (!FindValue())
            return false;
        while (true)
        {
            var reader = new Utf8JsonReader(_buffer.AsSpan(_start, _end - _start), _atEnd, default);
            try
            {
                if (reader.Read() && reader.TrySkip())
                {
                    var length = (int)reader.BytesConsumed;
                    ThrowIfTooLong(length);
                    value = JsonValues.Read(_buffer.AsSpan(_start, length), Position, _settings);
                    _start += length;
                    _needsComma = _inArray;
                    return true;
                }
            }
            catch (JsonException e)
            {
                throw JsonValues.Invalid(e, Position);
            }

            ThrowIfTooLong(_end - _start);
            Fill();
        }
    }

    /// <summary>Goes to the first byte of the next value; false when there is none.</summary>
    private bool FindValue()
    {
        var next = SkipWhiteSpace();
        if (!_inArray)
            return next >= 0;
        if (_closed)
            return next < 0 ? false : throw new InvalidDataException($"Something stands behind the end of the array, at byte {Position}");
        if (next == ']')
        {
            _start++;
            _closed = true;
            return FindValue();
        }

        if (_needsComma)
        {
            if (next != ',')
                throw new InvalidDataException($"A comma or the end of the array is missing at byte {Position}");
            _start++;
            next = SkipWhiteSpace();
        }

        return next >= 0 ? true : throw new InvalidDataException($"The array does not end: the file does, at byte {Position}");
    }

    /// <summary>The byte that comes next; -1 at the end of the file.</summary>
    private int SkipWhiteSpace()
    {
        while (true)
        {
            while (_start < _end)
            {
                if (_buffer[_start] is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n'))
                    return _buffer[_start];
                _start++;
            }

            if (_atEnd)
                return -1;
            Fill();
        }
    }

    private void ThrowIfTooLong(int length)
    {
        if (length > _settings.MaxRecordBytes)
            throw new InvalidDataException($"The JSON value at byte {Position} is longer than {_settings.MaxRecordBytes} bytes ({DirectorySettings.MaxRecordBytesKey})");
    }

    private void Fill()
    {
        if (_start > 0 && _start == _end)
        {
            (_bufferPosition, _start, _end) = (_bufferPosition + _start, 0, 0);
        }
        else if (_start > _buffer.Length / 2)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_bufferPosition, _end, _start) = (_bufferPosition + _start, _end - _start, 0);
        }

        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, _buffer.Length * 2);
        var read = RandomAccess.Read(_file, _buffer.AsSpan(_end), _bufferPosition + _end);
        _end += read;
        _atEnd = read == 0;
    }
}
