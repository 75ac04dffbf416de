using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Json.Pointer;
using RestStream.Connect;
using RestStream.Connectors.Http.Requests;

namespace RestStream.Connectors.Http.Source;

/// <summary>
/// Asks, again and again. The records of an answer are one poll, so they and the place behind them (parts of the offset, cursor or next page, ETag) reach the log in one step.
/// </summary>
internal sealed partial class PollFeed : HttpFeed
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
    private Dictionary<string, object?> _offset = [];
    private TimeSpan _wait = TimeSpan.Zero;

    public PollFeed(ISourceTaskContext context)
    {
        var config = context.Config;
        _context = context;
        _calls = new HttpCalls(
            context.Network, context.Time, TimeSpan.FromSeconds(config.GetInt("http.timeout")), config.GetInt("max.retries"), config.GetMilliseconds("retry.backoff.ms"),
            new StatusRanges(config.GetList("http.response.policy.codes.retry")), config.GetInt("http.response.max.bytes"));
        _authorization = HttpAuthorization.Create(config, _calls.Client, context.Time);
        _reader = new RecordReader(config);
        _request = new SourceRequest(config);
        _process = new StatusRanges(config.GetList("http.response.policy.codes.process"));
        _skip = new StatusRanges(config.GetList("http.response.policy.codes.skip"));
        _cursor = config.GetString("http.paging") == Cursor ? JsonPointer.Parse(config.GetString("http.response.cursor.pointer")) : null;
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
        var page = _offset.GetValueOrDefault(Page) as string;
        var request = _request.Make(_offset, page is null ? null : new Uri(page));

        // Conditions belong to the first page: behind a cursor there is always something to fetch.
        if (_context.Config.GetBoolean("http.conditional") && page is null && !_offset.ContainsKey(Cursor))
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
        var records = new List<SourceRecord>();
        var wasFirst = !next.Remove(Page) & !next.Remove(Cursor);
        if (wasFirst)
        {
            Set(next, ETag, answer.ETag);
            Set(next, LastModified, answer.LastModified);
        }

        using var json = answer.Body.Length == 0 ? null : Parse(answer);
        string? page = null;
        object? cursor = null;
        if (_context.Config.GetString("http.paging") == "link" && NextLink(answer.Link) is { } link)
            page = SameHost(link);
        if (json is not null && _cursor?.Evaluate(json.RootElement) is { ValueKind: not JsonValueKind.Null } found)
            cursor = JsonValue.From(found);

        // Each record's offset is where to go on when it is the last one that reached the log: the same page once more, and what is behind it there.
        var same = new Dictionary<string, object?>(_offset);
        foreach (var element in json is null ? [] : _reader.Elements(json.RootElement))
        {
            var parts = _reader.OffsetParts(element).ToList();
            if (!IsBehind(parts, same))
                continue;
            foreach (var (name, value) in parts)
                same[name] = next[name] = value;
            records.Add(_reader.Record(element, _request.Partition, new Dictionary<string, object?>(same)));
        }

        Set(next, Page, page);
        Set(next, Cursor, cursor);
        if (records.Count > 0)
            records[^1] = records[^1] with { SourceOffset = next };
        return (records, next, page is not null || cursor is not null);
    }

    /// <summary>Whether an element comes behind the offset, by its parts named timestamp and key; without them every element does.</summary>
    private static bool IsBehind(List<(string Name, object? Value)> parts, Dictionary<string, object?> offset)
    {
        foreach (var name in new[] { "timestamp", "key" })
        {
            var part = parts.Find(p => p.Name == name);
            if (part.Name is null || !offset.TryGetValue(name, out var last) || last is null)
                continue;
            var order = Compare(part.Value, last);
            if (order != 0)
                return order > 0;
            if (name == "key" || !parts.Exists(p => p.Name == "key"))
                return false;
        }

        return true;
    }

    private static int Compare(object? value, object last)
    {
        if (AsNumber(value) is { } a && AsNumber(last) is { } b)
            return a.CompareTo(b);
        var (left, right) = (Connect.Data.Values.ToText(value), Connect.Data.Values.ToText(last));
        return DateTimeOffset.TryParse(left, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var x) && DateTimeOffset.TryParse(right, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var y)
            ? x.CompareTo(y)
            : string.CompareOrdinal(left, right);
    }

    private static decimal? AsNumber(object? value) => value switch
    {
        long whole => whole,
        double number when Math.Abs(number) < 1e28 => (decimal)number,
        string text when decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => null,
    };

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

    private string SameHost(string link)
    {
        var first = _request.First(_offset);
        var next = new Uri(first, link);
        return next.Scheme == first.Scheme && next.Authority == first.Authority
            ? next.AbsoluteUri
            : throw new FatalException($"The next page is at another host ({next.Authority}); what is sent there would include our authorization. Ask that host itself.");
    }

    /// <summary>The target of <c>Link: &lt;..&gt;; rel="next"</c> (RFC 8288).</summary>
    private static string? NextLink(string? header)
    {
        foreach (Match link in Links().Matches(header ?? ""))
        {
            if (Relation().Match(link.Groups[2].Value) is { Success: true } relation && relation.Groups[1].Value.Split(' ').Contains("next", StringComparer.OrdinalIgnoreCase))
                return link.Groups[1].Value;
        }

        return null;
    }

    private static void Set(Dictionary<string, object?> offset, string name, object? value)
    {
        if (value is null)
            offset.Remove(name);
        else
            offset[name] = value;
    }

    [GeneratedRegex("""<([^>]*)>((?:\s*;\s*[^,;="]+(?:=(?:"[^"]*"|[^,;"]*))?)*)""", RegexOptions.CultureInvariant, 100)]
    private static partial Regex Links();

    [GeneratedRegex("""\brel="?([^";]*)"?""", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, 100)]
    private static partial Regex Relation();
}
