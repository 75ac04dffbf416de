using System.Net;
using System.Net.Sockets;
using System.Text;

namespace RestStream.Connectors.Tests;

/// <summary>
/// A server of events whose first connection ends in the middle of the fourth; the second one has what follows on <c>Last-Event-ID</c>, up to the fourth. On bare sockets: when <see cref="CutAsync"/> returns, all is on its way.
/// </summary>
internal sealed class CutStream : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly TaskCompletionSource _cut = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _lastEventId = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _first;
    private readonly Task _second;

    public CutStream()
    {
        _listener.Start();
        Address = $"http://{_listener.LocalEndpoint}/";
        _first = FirstAsync();
        _second = SecondAsync();
    }

    public string Address { get; }

    /// <summary>What the second connection asked for.</summary>
    public Task<string> LastEventId => _lastEventId.Task;

    public async Task CutAsync()
    {
        _cut.SetResult();
        await _first;
    }

    public async ValueTask DisposeAsync()
    {
        _cut.TrySetResult();
        _listener.Stop();
        await Task.WhenAll(_first, _second).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static string Event(int id) => $"id: {id}\ndata: {id}\n\n";

    private async Task FirstAsync()
    {
        using var client = await _listener.AcceptTcpClientAsync();
        await ReadRequestAsync(client.GetStream());
        await WriteAsync(client, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 1000\r\n\r\n" + Event(1));
        await _cut.Task;
        await WriteAsync(client, Event(2) + Event(3) + Event(4)[..8]);
    }

    private async Task SecondAsync()
    {
        await _first;
        using var client = await _listener.AcceptTcpClientAsync();
        var request = await ReadRequestAsync(client.GetStream());
        var id = request.Split("\r\n").FirstOrDefault(line => line.StartsWith("Last-Event-ID: ", StringComparison.OrdinalIgnoreCase))?[15..] ?? "0";
        _lastEventId.SetResult(id);
        await WriteAsync(client, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + string.Concat(Enumerable.Range(int.Parse(id) + 1, 4 - int.Parse(id)).Select(Event)));
    }

    private static async Task<string> ReadRequestAsync(NetworkStream stream)
    {
        var text = new StringBuilder();
        var one = new byte[1];
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one) > 0)
            text.Append((char)one[0]);
        return text.ToString();
    }

    private static Task WriteAsync(TcpClient client, string text) => client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text)).AsTask();
}
