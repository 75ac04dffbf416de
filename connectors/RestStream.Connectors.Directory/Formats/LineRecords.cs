using Microsoft.Win32.SafeHandles;

using RestStream.Connect.Data;
using RestStream.Connectors.Shared;

namespace RestStream.Connectors.Folders.Formats;

/// <summary>Each line is a text, empty ones too; a last line needs no end.</summary>
internal sealed class LineRecords(SafeFileHandle file, long position, DirectorySettings settings) : RecordReader
{
    private readonly LineReader _lines = new(file, position, settings.MaxRecordBytes);

    public override long Position => _lines.Position;

    public override bool TryRead(out SchemaAndValue value)
    {
        if (!_lines.TryRead(out var line) && !_lines.TryReadRest(out line))
        {
            value = default;
            return false;
        }

        value = new(Schema.String, settings.Encoding.GetString(line));
        return true;
    }
}

/// <summary>Each line is a JSON value; empty lines are passed over.</summary>
internal sealed class NdjsonRecords(SafeFileHandle file, long position, DirectorySettings settings) : RecordReader
{
    private readonly LineReader _lines = new(file, position, settings.MaxRecordBytes);

    public override long Position => _lines.Position;

    public override bool TryRead(out SchemaAndValue value)
    {
        while (true)
        {
            var begin = _lines.Position;
            if (!_lines.TryRead(out var line) && !_lines.TryReadRest(out line))
            {
                value = default;
                return false;
            }

            if (line.Trim(" \t"u8).IsEmpty)
                continue;
            value = JsonValues.Read(line, begin, settings);
            return true;
        }
    }
}

/// <summary>The whole file is one record of bytes.</summary>
internal sealed class WholeFile(SafeFileHandle file, long position, DirectorySettings settings) : RecordReader
{
    private readonly long _size = RandomAccess.GetLength(file);
    private long _position = position;

    public override long Position => _position;

    public override bool TryRead(out SchemaAndValue value)
    {
        value = default;
        if (_position >= _size)
            return false;
        if (_size > settings.MaxRecordBytes)
            throw new InvalidDataException($"The file is longer than {settings.MaxRecordBytes} bytes ({DirectorySettings.MaxRecordBytesKey})");
        var bytes = new byte[_size];
        for (var read = 0; read < bytes.Length;)
        {
            var more = RandomAccess.Read(file, bytes.AsSpan(read), read);
            if (more == 0)
                throw new InvalidDataException("The file became shorter while it was read");
            read += more;
        }

        _position = _size;
        value = new(Schema.Bytes, bytes);
        return true;
    }
}
