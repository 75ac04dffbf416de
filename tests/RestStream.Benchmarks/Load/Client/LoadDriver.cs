using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace RestStream.Benchmarks.Load.Client;

/// <summary>What one run of a driver saw. <paramref name="ClientSeconds"/> is processor time of this process.</summary>
internal readonly record struct LoadResult(long Requests, long Failures, double Seconds, double P50, double P99, double ClientSeconds)
{
    public double PerSecond => Requests / Seconds;
}

/// <summary>
/// Closed-loop load: each of so many keep-alive connections has one request under way at a time. One thread, one poll, nothing allocated per request;
/// the requests are ready-made bytes which the connections take in turn.
/// </summary>
internal sealed class LoadDriver : IDisposable
{
    private readonly Connection[] _connections;
    private readonly Libc.PollDescriptor[] _descriptors;
    private readonly IReadOnlyList<byte[]> _requests;
    private readonly Func<int, byte[]>? _nextOf;
    private readonly byte[] _buffer = new byte[256 * 1024];
    private readonly Latencies _latencies = new();
    private int _next;
    private long _done;
    private long _failures;

    /// <param name="address">The server.</param>
    /// <param name="requests">What the connections send, in turn.</param>
    /// <param name="connections">How many there are.</param>
    /// <param name="next">Where the requests of a connection depend on those before: makes its next one, called when the one before is answered.</param>
    public LoadDriver(Uri address, IReadOnlyList<byte[]> requests, int connections, Func<int, byte[]>? next = null)
    {
        (_requests, _nextOf) = (requests, next);
        _connections = [.. Enumerable.Range(0, connections).Select(_ => new Connection(address))];
        _descriptors = [.. _connections.Select(c => new Libc.PollDescriptor { File = c.File })];
    }

    /// <summary>The head of a response that was no 2xx, for a message.</summary>
    public string? FirstFailure { get; private set; }

    /// <summary>Keeps all connections busy for that long, then lets each finish its request. With <paramref name="maxRequests"/>: or until so many were answered.</summary>
    public LoadResult Run(TimeSpan duration, long maxRequests = long.MaxValue)
    {
        _latencies.Clear();
        _done = _failures = 0;
        var processorBefore = Process.GetCurrentProcess().TotalProcessorTime;
        var start = Stopwatch.GetTimestamp();
        var end = start + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        var now = start;
        var started = 0L;
        for (var i = 0; i < _connections.Length && started < maxRequests; i++, started++)
            Begin(i, now);

        var busy = (int)Math.Min(_connections.Length, started);
        while (busy > 0)
        {
            if (Libc.Poll(_descriptors, timeoutMs: 30_000) == 0)
                throw new TimeoutException("No answer for 30 s.");
            now = Stopwatch.GetTimestamp();
            for (var i = 0; i < _descriptors.Length; i++)
            {
                if (_descriptors[i].Ready == 0 || !Continue(i))
                    continue;
                if (now < end && started < maxRequests)
                {
                    started++;
                    Begin(i, now);
                }
                else
                {
                    _descriptors[i].Events = 0;
                    busy--;
                }
            }
        }

        var seconds = Stopwatch.GetElapsedTime(start, now).TotalSeconds;
        return new(_done, _failures, seconds, _latencies.Percentile(50), _latencies.Percentile(99),
            (Process.GetCurrentProcess().TotalProcessorTime - processorBefore).TotalSeconds);
    }

    public void Dispose()
    {
        foreach (var connection in _connections)
            connection.Dispose();
    }

    private void Begin(int i, long now)
    {
        var connection = _connections[i];
        if (_nextOf is not null)
        {
            connection.Request = _nextOf(i);
        }
        else
        {
            connection.Request = _requests[_next];
            _next = _next + 1 == _requests.Count ? 0 : _next + 1;
        }

        connection.Sent = 0;
        connection.Began = now;
        Send(i);
    }

    private void Send(int i)
    {
        var connection = _connections[i];
        var sent = Libc.Send(connection.File, connection.Request.AsSpan(connection.Sent));
        connection.Sent += Math.Max(sent, 0);
        _descriptors[i].Events = connection.Sent < connection.Request.Length ? (short)(Libc.PollIn | Libc.PollOut) : Libc.PollIn;
    }

    /// <summary>True when the connection's request is answered.</summary>
    private bool Continue(int i)
    {
        var connection = _connections[i];
        if ((_descriptors[i].Ready & Libc.PollOut) != 0)
            Send(i);
        if ((_descriptors[i].Ready & ~Libc.PollOut) == 0)
            return false;

        var received = Libc.Receive(connection.File, _buffer);
        if (received == 0)
            throw new IOException($"The server closed a connection after {_done} answers.");
        if (received < 0 || !connection.Parser.Take(_buffer.AsSpan(0, received)))
            return false;

        _latencies.Add(Stopwatch.GetTimestamp() - connection.Began);
        _done++;
        if (connection.Parser.Status is < 200 or > 299)
        {
            _failures++;
            FirstFailure ??= connection.Parser.Head + System.Text.Encoding.UTF8.GetString(_buffer, 0, Math.Min(received, 2000));
        }
        return true;
    }

    private sealed class Connection : IDisposable
    {
        private readonly Socket _socket;

        public Connection(Uri address)
        {
            _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            _socket.Connect(IPAddress.Loopback, address.Port);
            File = (int)_socket.SafeHandle.DangerousGetHandle();
        }

        public int File { get; }
        public ResponseParser Parser { get; } = new();
        public byte[] Request { get; set; } = [];
        public int Sent { get; set; }
        public long Began { get; set; }

        public void Dispose() => _socket.Dispose();
    }
}
