using System.Buffers.Text;
using System.Text;

namespace RestStream.Benchmarks.Load.Client;

/// <summary>Finds the end of HTTP/1.1 responses in what a connection receives, piece by piece. Understands Content-Length and chunks; keeps the status only.</summary>
internal sealed class ResponseParser
{
    private readonly byte[] _head = new byte[8192];
    private int _headLength;
    private State _state;
    private long _left;

    private enum State
    {
        Head,
        Body,
        ChunkSize,
        Chunk,
        ChunkEnd,
        Trailer,
    }

    /// <summary>Of the last whole response, or of the one whose head was read.</summary>
    public int Status { get; private set; }

    /// <summary>The head was read; the rest is body.</summary>
    public bool InBody => _state != State.Head;

    /// <summary>The head of the last response.</summary>
    public string Head => Encoding.ASCII.GetString(_head, 0, _headLength);

    /// <summary>Takes <paramref name="bytes"/>; true when they end a response (nothing is pipelined, so nothing follows).</summary>
    public bool Take(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            switch (_state)
            {
                case State.Head:
                    bytes = TakeHead(bytes);
                    if (_state == State.Body && _left == 0)
                        return Done();
                    break;
                case State.Body:
                case State.Chunk:
                    var taken = (int)Math.Min(_left, bytes.Length);
                    bytes = bytes[taken..];
                    if ((_left -= taken) > 0)
                        break;
                    if (_state == State.Body)
                        return Done();
                    _state = State.ChunkEnd;
                    break;
                case State.ChunkEnd:
                    if (bytes[0] == '\n')
                        (_state, _left) = (State.ChunkSize, 0);
                    bytes = bytes[1..];
                    break;
                case State.ChunkSize:
                    var digit = HexDigit(bytes[0]);
                    if (digit >= 0)
                        _left = (_left * 16) + digit;
                    else if (bytes[0] == '\n')
                        _state = _left == 0 ? State.Trailer : State.Chunk;
                    bytes = bytes[1..];
                    break;
                default:
                    if (bytes[0] == '\n')
                        return Done();
                    bytes = bytes[1..];
                    break;
            }
        }
        return false;
    }

    private bool Done()
    {
        _state = State.Head;
        _left = 0;
        return true;
    }

    private ReadOnlySpan<byte> TakeHead(ReadOnlySpan<byte> bytes)
    {
        if (_left == 0)
        {
            // The first piece of a new head; -1 marks that one has begun.
            _headLength = 0;
            _left = -1;
        }

        var before = _headLength;
        var copied = Math.Min(bytes.Length, _head.Length - _headLength);
        bytes[..copied].CopyTo(_head.AsSpan(_headLength));
        _headLength += copied;
        var end = _head.AsSpan(0, _headLength).IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return _headLength < _head.Length ? [] : throw new IOException("The head of a response is larger than 8 KiB.");

        _headLength = end + 4;
        var head = _head.AsSpan(0, _headLength);
        Status = ((head[9] - '0') * 100) + ((head[10] - '0') * 10) + head[11] - '0';
        var length = head.IndexOf("Content-Length: "u8);
        if (length >= 0 && Utf8Parser.TryParse(head[(length + 16)..], out long body, out _))
            (_state, _left) = (State.Body, body);
        else
            (_state, _left) = head.IndexOf("chunked"u8) >= 0 ? (State.ChunkSize, 0) : (State.Body, 0);
        return bytes[(_headLength - before)..];
    }

    private static int HexDigit(byte b) => b switch
    {
        >= (byte)'0' and <= (byte)'9' => b - '0',
        >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
        _ => -1,
    };
}
