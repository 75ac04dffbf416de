using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using RestStream.Connect;
using RestStream.Connect.Testing;
using RestStream.Connectors.Http.Sink;
using RestStream.Connectors.Http.Source;
using RestStream.TestKit.Web;

namespace RestStream.Connectors.Tests;

public sealed class HttpSinkContract : SinkContract, IAsyncLifetime
{
    private WebReceiver _receiver = null!;
    private volatile bool _broken;
    private readonly List<string> _taken = [];

    protected override IReadOnlyDictionary<string, string> Config => new Dictionary<string, string> { ["http.url"] = _receiver.Address.ToString(), ["max.retries"] = "1", ["retry.backoff.ms"] = "1" };

    protected override IEnumerable<(string Key, string? Value)> BadConfig =>
    [
        ("http.url", null), ("http.url", "ftp://example.com"), ("http.url", "http://${value.host}/"), ("http.url", "https://me:secret@example.com/"), ("http.method", "BREW"), ("http.codes.retry", "often"),
        ("http.headers.additional", "no colon"), ("http.body.template", "${unfinished"), ("batch.max.size", "0"),
        ("http.headers.content.type", "json"), ("http.headers.additional", "Content-Type: text/plain"), ("http.headers.additional", "content-length: 3"), ("http.auth.type", "Digest"),
        ("http.url", _receiver.Address + "${ky}"), ("http.headers.additional", "X-Key: ${keys}"), ("http.body.template", "${valeu}"),
    ];

    public async Task InitializeAsync() => _receiver = await WebReceiver.StartAsync((request, response) =>
    {
        if (_broken)
            response.StatusCode = 503;
        else
            lock (_taken)
                _taken.Add(request.Body);
        return Task.CompletedTask;
    });

    async Task IAsyncLifetime.DisposeAsync() => await _receiver.DisposeAsync();

    protected override SinkConnector CreateConnector() => new HttpSinkConnector();

    protected override Task<IReadOnlyList<string>> ReadAsync()
    {
        lock (_taken)
            return Task.FromResult<IReadOnlyList<string>>([.. _taken]);
    }

    protected override Task<IAsyncDisposable?> BreakAsync()
    {
        _broken = true;
        return Task.FromResult<IAsyncDisposable?>(new Mended(this));
    }

    private sealed class Mended(HttpSinkContract test) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            test._broken = false;
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>Pages of two, found by a cursor; ids are the offset.</summary>
public sealed class HttpPollContract : SourceContract, IAsyncLifetime
{
    private WebReceiver _server = null!;
    private volatile string[] _items = [];

    protected override IReadOnlyDictionary<string, string> Config => new Dictionary<string, string>
    {
        ["http.request.url"] = _server.Address + "items",
        ["http.request.params"] = "after=${offset.key}&cursor=${offset.cursor}",
        ["kafka.topic"] = "t",
        ["http.response.list.pointer"] = "/items",
        ["http.response.record.pointer"] = "/name",
        ["http.response.record.offset.pointer"] = "key=/id",
        ["http.paging"] = "cursor",
        ["http.response.cursor.pointer"] = "/next",
        ["http.timer.interval.millis"] = "1",
        ["http.timer.catchup.interval.millis"] = "1",
    };

    protected override IEnumerable<(string Key, string? Value)> BadConfig =>
    [
        ("kafka.topic", null), ("http.request.url", null), ("http.request.url", "file:///etc/passwd"), ("mode", "guess"), ("http.response.list.pointer", "items"), ("http.response.record.offset.pointer", "id"),
        ("http.response.cursor.pointer", null), ("http.timer.interval.millis", "-1"),
    ];

    public async Task InitializeAsync() => _server = await WebReceiver.StartAsync((request, response) =>
    {
        var query = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(request.Target[request.Target.IndexOf('?')..]);
        var from = query["cursor"] is [{ Length: > 0 } cursor] ? int.Parse(cursor) : query["after"] is [{ Length: > 0 } after] ? int.Parse(after) + 1 : 0;
        var page = _items.Select((name, id) => new { id, name }).Skip(from).Take(2).ToList();
        return response.WriteAsync(JsonSerializer.Serialize(new { items = page, next = from + page.Count < _items.Length ? from + page.Count : (int?)null }));
    });

    async Task IAsyncLifetime.DisposeAsync() => await _server.DisposeAsync();

    protected override SourceConnector CreateConnector() => new HttpSourceConnector();

    protected override Task<IReadOnlyList<string>> FillAsync()
    {
        _items = ["a", "b", "c", "d", "e"];
        return Task.FromResult<IReadOnlyList<string>>(_items);
    }
}

/// <summary>Events with ids; the stream ends after each two and is opened again.</summary>
public sealed class HttpEventsContract : SourceContract, IAsyncLifetime
{
    private WebReceiver _server = null!;
    private volatile string[] _items = [];

    protected override IReadOnlyDictionary<string, string> Config => new Dictionary<string, string>
    {
        ["mode"] = "sse",
        ["http.request.url"] = _server.Address + "events",
        ["kafka.topic"] = "t",
        ["retry.backoff.ms"] = "1",
    };

    protected override IEnumerable<(string Key, string? Value)> BadConfig => [("http.request.url", null), ("kafka.topic", null), ("http.request.url", "gopher://example.com")];

    public async Task InitializeAsync() => _server = await WebReceiver.StartAsync(async (request, response) =>
    {
        response.ContentType = "text/event-stream";
        var from = request.Headers.TryGetValue("Last-Event-ID", out var last) ? int.Parse(last) + 1 : 0;
        for (var id = from; id < Math.Min(from + 2, _items.Length); id++)
            await response.WriteAsync($"id: {id}\ndata: {_items[id]}\n\n");
    });

    async Task IAsyncLifetime.DisposeAsync() => await _server.DisposeAsync();

    protected override SourceConnector CreateConnector() => new HttpSourceConnector();

    protected override Task<IReadOnlyList<string>> FillAsync()
    {
        _items = ["a", "b", "c", "d", "e"];
        return Task.FromResult<IReadOnlyList<string>>(_items);
    }
}

/// <summary>A sender that calls again until its items are taken. What it sent right before a crash it sends once more: it got no answer.</summary>
public sealed class HttpHookContract : SourceContract, IAsyncLifetime
{
    private static readonly string[] s_bodies = ["""["a","b"]""", """["c","d"]""", """["e"]"""];

    private readonly CancellationTokenSource _end = new();
    private Task _sender = Task.CompletedTask;

    protected override IReadOnlyDictionary<string, string> Config => new Dictionary<string, string> { ["mode"] = "webhook", ["hook.name"] = "in", ["kafka.topic"] = "t" };

    protected override IEnumerable<(string Key, string? Value)> BadConfig => [("kafka.topic", null), ("mode", "guess"), ("hook.max.pending", "0"), ("http.response.list.pointer", "items")];

    /// <summary>Two of the same call for each of five crashes.</summary>
    protected override int MaxDuplicates => 10;

    /// <summary>With its process the connections of its senders are gone.</summary>
    protected override bool ReleaseAfterCrash => true;

    public Task InitializeAsync() => Task.CompletedTask;

    async Task IAsyncLifetime.DisposeAsync()
    {
        await _end.CancelAsync();
        await _sender.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    protected override SourceConnector CreateConnector() => new HttpSourceConnector();

    protected override Task<IReadOnlyList<string>> FillAsync()
    {
        // Asked for here: the first use makes the worker, on one thread only.
        var worker = Worker;
        _sender = Task.Run(() => SendAsync(worker));
        return Task.FromResult<IReadOnlyList<string>>(["a", "b", "c", "d", "e"]);
    }

    private async Task SendAsync(TestWorker worker)
    {
        foreach (var body in s_bodies)
        {
            while (!await IsTakenAsync(worker, body))
                await Task.Delay(5, _end.Token);
        }
    }

    private async Task<bool> IsTakenAsync(TestWorker worker, string body)
    {
        try
        {
            return (await worker.CallHookAsync("in", new HookRequest("POST", "", "", [new("Content-Type", "application/json")], Encoding.UTF8.GetBytes(body)), _end.Token)).Status == 200;
        }
        catch (InvalidOperationException)
        {
            // Nobody is there to be called.
            return false;
        }
    }
}
