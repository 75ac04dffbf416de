using System.Net;
using System.Net.Sockets;
using System.Text;

namespace RestStream.Benchmarks.Load.Client;

/// <summary>A reader on a connection of its own that asks with the cursor of its last answer, one request after the other.</summary>
/// <param name="address">The server.</param>
/// <param name="request">Makes the request; the cursor is null at first.</param>
internal sealed class CursorReader(Uri address, Func<string?, byte[]> request) : IDisposable
{
    private static ReadOnlySpan<byte> Cursor => "\"cursor\":\""u8;

    private readonly Socket _socket = Connect(address);
    private readonly ResponseParser _parser = new();

    /// <summary>The newest bytes of the answer; the cursor stands behind the records.</summary>
    private byte[] _answer = new byte[256 * 1024];
    private string? _cursor;

    /// <exception cref="IOException">The server refused.</exception>
    public void Read()
    {
        _socket.Send(request(_cursor));
        var length = 0;
        while (true)
        {
            if (length == _answer.Length)
                Array.Resize(ref _answer, length * 2);
            var received = _socket.Receive(_answer.AsSpan(length));
            if (received == 0)
                throw new IOException("The server closed the connection.");
            var done = _parser.Take(_answer.AsSpan(length, received));
            length += received;
            if (done)
                break;
        }

        var answer = _answer.AsSpan(0, length);
        if (_parser.Status != 200)
            throw new IOException(Encoding.UTF8.GetString(answer));
        var from = answer.LastIndexOf(Cursor) + Cursor.Length;
        _cursor = Encoding.ASCII.GetString(answer.Slice(from, answer[from..].IndexOf((byte)'"')));
    }

    public void Dispose() => _socket.Dispose();

    private static Socket Connect(Uri address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(IPAddress.Loopback, address.Port);
        return socket;
    }
}
