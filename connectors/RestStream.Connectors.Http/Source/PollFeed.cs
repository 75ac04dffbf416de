using System.Text.Json;
using Json.Pointer;
using RestStream.Connect;
using RestStream.Connectors.Http.Requests;

namespace RestStream.Connectors.Http.Source;

/// <summary>
/// Asks, again and again. The records of an answer are one poll, so they and the place behind them (parts of the offset, cursor or next page, ETag) reach the log in one step.
/// </summary>
internal sealed class PollFeed : HttpFeed
{
    private const string Cursor = "cursor", Page = "page", ETag = "etag", LastModified = "last_modified";

    private readonly ISourceTaskContext _context;
    private readonly HttpCalls _calls;
    private readonly Authorization _authorization;
    private readonly RecordReader _reader;
    private readonly SourceRequest _request;
    private readonly StatusRanges _process;
    private readonly StatusRanges _skip;
    private readonly JsonPointer? _cursor;
    private readonly bool _links;
    private readonly bool _conditional;
    private Dictionary<string, object?> _offset = [];
    private TimeSpan _wait = TimeSpan.Zero;
    private int _lastStatus;

    public PollFeed(ISourceTaskContext context)
    {
        var config = context.Config;
        _context = context;
        _calls = new HttpCalls(
            context.Network, context.Time, TimeSpan.FromSeconds(config.GetInt("http.timeout")), config.GetInt("max.retries"), config.GetMilliseconds("retry.backoff.ms"),
            new StatusRanges(config.GetList("http.response.policy.codes.retry")), config.GetInt("http.response.max.bytes"));
        _authorization = HttpAuthorization.Create(config, _calls.Client, context.Time);
        _reader = new RecordReader(config);
        _request = new SourceRequest(context);
        _process = new StatusRanges(config.GetList("http.response.policy.codes.process"));
        _skip = new StatusRanges(config.GetList("http.response.policy.codes.skip"));
        var paging = config.GetString("http.paging");
        _links = paging == "link";

        // A first page that did not change says nothing of those behind it.
        _conditional = config.GetBoolean("http.conditional") && paging == "none";
        _cursor = paging == Cursor ? JsonPointer.Parse(config.GetString("http.response.cursor.pointer")) : null;
    }

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var pair in _context.Config.GetList("http.offset.initial"))
        {
            var split = pair.IndexOf('=', StringComparison.Ordinal);
            _offset[pair[..split].Trim()] = pair[(split + 1)..].Trim();
        }

        if (await _context.LastOffsetAsync(_request.Partition, cancellationToken) is { } stored)
        {
            foreach (var (name, value) in stored)
                _offset[name] = value;
        }
    }

    public override async ValueTask<IReadOnlyList<SourceRecord>> PollAsync(CancellationToken cancellationToken)
    {
        var wait = _wait;
        _wait = TimeSpan.Zero;
        await Task.Delay(wait, _context.Time, cancellationToken);

        var answer = await _calls.SendAsync(Request, _authorization, cancellationToken);
        var config = _context.Config;
        // Of a redirect that stays one is warned once.
        if (answer.Status is 301 or 302 or 303 or 307 or 308 && answer.Status != _lastStatus)
            _context.Log(TaskLogLevel.Warning, $"{answer.Url} answered {answer.Status}, a redirect. Redirects are not followed: set http.request.url to the address that answers.");
        _lastStatus = answer.Status;
        if (_skip.Contains(answer.Status))
        {
            _wait = config.GetMilliseconds("http.timer.interval.millis");
            return [];
        }

        if (!_process.Contains(answer.Status))
            throw new ConnectException($"{answer.Url} answered {answer.Status}. Check the request, or name the status in http.response.policy.codes.skip or .retry.");

        var (records, next, more) = Read(answer);
        _offset = next;
        _wait = more ? TimeSpan.Zero : config.GetMilliseconds(records.Count > 0 ? "http.timer.catchup.interval.millis" : "http.timer.interval.millis");
        return records;
    }

    public override void Dispose() => _calls.Dispose();

    private HttpRequestMessage Request()
    {
        var request = _request.Make(_offset, _offset.GetValueOrDefault(Page) is string page ? SameHost(PageLink.Complete(_request.First(_offset), page)) : null);
        if (_conditional)
        {
            if (_offset.GetValueOrDefault(ETag) is string tag)
                request.Headers.TryAddWithoutValidation("If-None-Match", tag);
            else if (_offset.GetValueOrDefault(LastModified) is string modified)
                request.Headers.TryAddWithoutValidation("If-Modified-Since", modified);
        }

        return request;
    }

    private (List<SourceRecord> Records, Dictionary<string, object?> Next, bool More) Read(HttpAnswer answer)
    {
        var next = new Dictionary<string, object?>(_offset);
        Set(next, ETag, _conditional ? answer.ETag : null);
        Set(next, LastModified, _conditional ? answer.LastModified : null);

        using var json = answer.Body.Length == 0 ? null : Parse(answer);
        var page = _links ? NextPage(answer) : null;
        var cursor = json is null ? null : NextCursor(json.RootElement);
        var records = json is null ? [] : Records(json.RootElement, next);

        Set(next, Page, page);
        Set(next, Cursor, cursor);
        PagePlace.EndPage(next);
        var more = page is not null || cursor is not null;
        if (!more)
            PagePlace.EndRound(next);
        if (records.Count > 0)
            records[^1] = records[^1] with { SourceOffset = next };
        return (records, next, more);
    }

    /// <summary>The elements behind the start of the round that were not taken yet. Each one's offset is where to go on when it is the last one that reached the log: the same page once more, and what follows there.</summary>
    private List<SourceRecord> Records(JsonElement answer, Dictionary<string, object?> next)
    {
        var elements = _reader.Elements(answer).Where(element => OffsetOrder.Compare(_reader.OffsetParts(element), _offset) > 0).ToList();
        var taken = PagePlace.AlreadyTaken(_offset, elements);
        var records = new List<SourceRecord>(elements.Count - taken);
        var same = new Dictionary<string, object?>(_offset);
        using var hash = PagePlace.NewHash();
        for (var i = 0; i < elements.Count; i++)
        {
            var element = elements[i];
            PagePlace.Add(hash, element);
            if (i < taken)
                continue;
            var parts = _reader.OffsetParts(element);
            PagePlace.Advance(next, parts);
            PagePlace.Advance(same, parts);
            PagePlace.Take(same, i + 1, hash);
            records.Add(_reader.Record(element, _request.Partition, new Dictionary<string, object?>(same)));
        }

        return records;
    }

    /// <summary>Null on the last page: there is none, or a text without a character, or the one that was asked with.</summary>
    private object? NextCursor(JsonElement answer)
    {
        if (_cursor?.Evaluate(answer) is not { ValueKind: not (JsonValueKind.Null or JsonValueKind.False) } found || JsonValue.From(found) is not { } cursor)
            return null;
        var text = Connect.Data.Values.ToText(cursor);
        return text.Length == 0 || (_offset.GetValueOrDefault(Cursor) is { } asked && Connect.Data.Values.ToText(asked) == text) ? null : cursor;
    }

    /// <summary>Null on the last page: it names none, or itself.</summary>
    private string? NextPage(HttpAnswer answer)
    {
        if (PageLink.Next(answer.Link) is not { } link)
            return null;
        var first = _request.First(_offset);
        var stored = _offset.GetValueOrDefault(Page) as string;
        var asked = stored is null ? first : PageLink.Complete(first, stored);
        var next = SameHost(new Uri(asked, link));
        return next == asked ? null : PageLink.Shorten(first, next);
    }

    private Uri SameHost(Uri page)
    {
        var first = _request.First(_offset);
        return page.Scheme == first.Scheme && page.Authority == first.Authority
            ? page
            : throw new FatalException($"The next page is at another host ({page.Authority}); what is sent there would include our authorization. Ask that host itself.");
    }

    private static JsonDocument Parse(HttpAnswer answer)
    {
        try
        {
            return JsonDocument.Parse(answer.Body);
        }
        catch (JsonException e)
        {
            throw new ConnectException($"The answer of {answer.Url} is no JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine}).");
        }
    }

    private static void Set(Dictionary<string, object?> offset, string name, object? value)
    {
        if (value is null)
            offset.Remove(name);
        else
            offset[name] = value;
    }
}
