using RestStream.Connect;

namespace RestStream.Connectors.Http.Source;

/// <summary>
/// The body of an event stream, for a parser that holds an event until the empty line behind it: ends with an error when more than the limit came without one. Names of fields, and comments that are over, do not count; some room
/// is left for ids and names of events.
/// </summary>
internal sealed class EventBody(Stream body, int maxEventBytes) : Stream
{
    private const int Room = 64 * 1024;

    /// <summary>data, event, retry, id: a longer name is none.</summary>
    private const int LongestName = 5;

    private long _event;
    private long _line;
    private bool _behindName;
    private bool _isComment;
    private bool _afterCarriageReturn;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public static ConnectException TooLong(int maxEventBytes) => new($"An event has more than {maxEventBytes} bytes. Raise http.response.max.bytes if that is right.");

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await body.ReadAsync(buffer, cancellationToken);
        Count(buffer.Span[..count]);
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            body.Dispose();
        base.Dispose(disposing);
    }

    private void Count(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var end = bytes.IndexOfAny((byte)'\r', (byte)'\n');
            var part = end < 0 ? bytes : bytes[..end];
            if (part.Length > 0)
                CountInLine(part);
            if (_event + _line > (long)maxEventBytes + Room)
                throw TooLong(maxEventBytes);
            if (end < 0)
                return;
            EndLine(bytes[end]);
            bytes = bytes[(end + 1)..];
        }
    }

    private void CountInLine(ReadOnlySpan<byte> part)
    {
        _afterCarriageReturn = false;
        if (!_behindName && part.IndexOf((byte)':') is >= 0 and var colon && _line + colon <= LongestName)
        {
            _isComment = _line + colon == 0;
            (_behindName, _line) = (true, part.Length - colon - 1);
            return;
        }

        _behindName |= _line + part.Length > LongestName;
        _line += part.Length;
    }

    private void EndLine(byte end)
    {
        // The second half of \r\n ends no line of its own.
        if (end == '\n' && _afterCarriageReturn)
        {
            _afterCarriageReturn = false;
            return;
        }

        var wasEmpty = _line == 0 && !_behindName;
        _event = wasEmpty ? 0 : _isComment ? _event : _event + _line;
        (_line, _behindName, _isComment, _afterCarriageReturn) = (0, false, false, end == '\r');
    }
}
