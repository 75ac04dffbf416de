using System.Text.Json;
using RestStream.TestKit.History;

namespace RestStream.Tests.Faults.Load;

/// <summary>
/// One client that reads a topic from its beginning, over restarts of the server: by long-polled pages or by server-sent events. Goes on only from what it was given,
/// as the contract says: the page's cursor, the event's id.
/// </summary>
internal sealed class Reader(string name, LoadTopic topic, bool events, MixedLoad load)
{
    private string? _cursor;

    /// <summary>Until the connection breaks or the round is over.</summary>
    public async Task ReadAsync(CancellationToken stop)
    {
        try
        {
            if (events)
                await ReadEventsAsync(stop);
            else
                while (!stop.IsCancellationRequested)
                    await ReadPageAsync(timeoutMs: 300, stop);
        }
        catch (Exception e) when (Producer.IsCut(e))
        {
            // Killed, or told to stop. The cursor stands where the last whole answer left it.
        }
    }

    /// <summary>One page. True when it reached the end.</summary>
    public async Task<bool> ReadPageAsync(int timeoutMs, CancellationToken stop, bool final = false)
    {
        var start = ClientHistory.Now;
        var place = _cursor is null ? "from=earliest" : $"cursor={Uri.EscapeDataString(_cursor)}";
        using var answer = await load.Client.GetAsync($"topics/{topic.Name}/records?{place}&timeout={timeoutMs}&max_records=2000", stop);
        var body = await answer.Content.ReadAsByteArrayAsync(stop);
        if (!answer.IsSuccessStatusCode)
        {
            if ((int)answer.StatusCode < 500)
                load.Problem($"{name} at {place}: {(int)answer.StatusCode} {System.Text.Encoding.UTF8.GetString(body)}");
            return (int)answer.StatusCode < 500;
        }

        using var page = JsonDocument.Parse(body);
        var next = page.RootElement.GetProperty("cursor").GetString()!;
        var end = page.RootElement.GetProperty("end").GetBoolean();
        load.History.Add(new(start, ClientHistory.Now, name, Operation.Poll, Outcome.Ok, Records(page.RootElement.GetProperty("records")))
        {
            From = From(),
            AtEnd = end ? CursorText.Positions(topic.Name, next) : [],
            Final = final,
        });
        _cursor = next;
        return end;
    }

    private async Task ReadEventsAsync(CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"topics/{topic.Name}/records");
        request.Headers.Add("Accept", "text/event-stream");
        if (_cursor is not null)
            request.Headers.Add("Last-Event-ID", _cursor);
        using var answer = await load.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
        if (!answer.IsSuccessStatusCode)
        {
            load.Problem($"{name} at {_cursor}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(stop)}");
            return;
        }

        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(stop));
        string? id = null, kind = null, data = null;
        var start = ClientHistory.Now;
        while (await lines.ReadLineAsync(stop) is { } line)
        {
            var colon = line.IndexOf(':');
            var value = colon < 0 ? "" : line[(colon + 1)..].TrimStart(' ');
            switch (colon < 0 ? line : line[..colon])
            {
                case "id": id = value; break;
                case "event": kind = value; break;
                case "data": data = data is null ? value : data + "\n" + value; break;
                case "" when line.Length == 0 && data is not null:
                    Take(start, id, kind, data);
                    (kind, data, start) = (null, null, ClientHistory.Now);
                    break;
            }
        }
    }

    private void Take(long start, string? id, string? kind, string data)
    {
        if (kind == "end")
            return;
        if (kind is not null || id is null)
        {
            load.Problem($"{name}: event '{kind}' {data}");
            return;
        }

        using var record = JsonDocument.Parse(data);
        load.History.Add(new(start, ClientHistory.Now, name, Operation.Poll, Outcome.Ok, [LoadRecord.Read(record.RootElement)]) { From = From() });
        _cursor = id;
    }

    private IReadOnlyList<HistoryPosition> From() => _cursor is null
        ? [.. Enumerable.Range(0, topic.Partitions).Select(p => new HistoryPosition(topic.Name, p, 0))]
        : CursorText.Positions(topic.Name, _cursor);

    private static HistoryRecord[] Records(JsonElement list) => [.. list.EnumerateArray().Select(LoadRecord.Read)];
}
