using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace RestStream.Benchmarks.Load.Client;

/// <summary>Many readers of server-sent events on one thread. They count events and note when the last one came; what is in them they do not look at.</summary>
internal sealed class Followers : IDisposable
{
    private readonly Socket[] _sockets;
    private readonly Libc.PollDescriptor[] _descriptors;
    private readonly long[] _events;
    private readonly int[] _matched;
    private readonly byte[] _buffer = new byte[256 * 1024];

    /// <summary>Connects and asks, all at once in groups; returns when every one has its response's head.</summary>
    public Followers(Uri address, string path, int count)
    {
        _sockets = new Socket[count];
        _descriptors = new Libc.PollDescriptor[count];
        _events = new long[count];
        _matched = new int[count];
        var request = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n");
        for (var first = 0; first < count; first += 100)
        {
            var group = Math.Min(100, count - first);
            for (var i = first; i < first + group; i++)
            {
                _sockets[i] = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                _sockets[i].Connect(IPAddress.Loopback, address.Port);
                _descriptors[i] = new() { File = (int)_sockets[i].SafeHandle.DangerousGetHandle(), Events = Libc.PollIn };
                Libc.Send(_descriptors[i].File, request);
            }
            for (var i = first; i < first + group; i++)
                ReadHead(i);
        }
    }

    public long Events => _events.Sum();

    /// <summary>
    /// Reads until every follower has got <paramref name="each"/> more events, and adds the time from <paramref name="since"/> to each one's last to <paramref name="latencies"/>.
    /// </summary>
    public void Await(int each, long since, Latencies latencies)
    {
        var goal = new long[_events.Length];
        for (var i = 0; i < goal.Length; i++)
            goal[i] = _events[i] + each;
        for (var waiting = goal.Length; waiting > 0;)
        {
            if (Libc.Poll(_descriptors, timeoutMs: 30_000) == 0)
                throw new TimeoutException($"{waiting} followers got nothing for 30 s.");
            for (var i = 0; i < _descriptors.Length; i++)
            {
                if (_descriptors[i].Ready == 0)
                    continue;
                var before = _events[i];
                Read(i);
                if (before < goal[i] && _events[i] >= goal[i])
                {
                    latencies.Add(Stopwatch.GetTimestamp() - since);
                    waiting--;
                }
            }
        }
    }

    public void Dispose()
    {
        foreach (var socket in _sockets)
            socket?.Dispose();
    }

    private void ReadHead(int i)
    {
        var head = new StringBuilder();
        while (!head.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            Libc.Poll(_descriptors.AsSpan(i, 1), timeoutMs: 30_000);
            var received = Libc.Receive(_descriptors[i].File, _buffer);
            if (received == 0)
                throw new IOException("The server closed a stream at its begin.");
            if (received > 0)
                head.Append(Encoding.ASCII.GetString(_buffer, 0, received));
        }
        if (!head.ToString().StartsWith("HTTP/1.1 200", StringComparison.Ordinal))
            throw new IOException($"A stream was refused: {head}");
    }

    private void Read(int i)
    {
        var received = Libc.Receive(_descriptors[i].File, _buffer);
        if (received == 0)
            throw new IOException("The server closed a stream.");

        // "data:" at the begin of a line, also where it is split between two reads.
        var pattern = "\ndata:"u8;
        for (var k = 0; k < received; k++)
        {
            _matched[i] = _buffer[k] == pattern[_matched[i]] ? _matched[i] + 1 : _buffer[k] == '\n' ? 1 : 0;
            if (_matched[i] == pattern.Length)
            {
                _events[i]++;
                _matched[i] = 0;
            }
        }
    }
}
