using System.Net.ServerSentEvents;
using System.Runtime.ExceptionServices;
using System.Text.Json;
using RestStream.Connect;
using RestStream.Connectors.Http.Requests;

namespace RestStream.Connectors.Http.Source;

/// <summary>
/// Follows server-sent events. The id of the last event is the offset; after a break the stream is asked to go on behind it (<c>Last-Event-ID</c>).
/// What was read before a break is returned first, and the next poll reports the break: so the id is never ahead of what the worker has.
/// </summary>
internal sealed class EventFeed : HttpFeed
{
    /// <summary>The one part of the offset.</summary>
    private const string Id = "id";

    /// <summary>Events that become one unit of the log.</summary>
    private const int MostAtATime = 1000;

    private static readonly TimeSpan s_longestBackoff = TimeSpan.FromMinutes(1);

    /// <summary>The other side may ask for a longer pause than ours, within reason.</summary>
    private static readonly TimeSpan s_longestAsked = TimeSpan.FromHours(1);

    private readonly ISourceTaskContext _context;
    private readonly HttpClient _http;
    private readonly Authorization _authorization;
    private readonly RecordReader _reader;
    private readonly StatusRanges _retried;
    private readonly SourceRequest _request;
    private readonly TimeSpan _backoff;

    /// <summary>Before the stream is opened: nothing the first time, then the back-off, or what the other side asks for (<c>retry:</c>) when that is longer.</summary>
    private TimeSpan _wait;

    private HttpResponseMessage? _response;
    private SseParser<string>? _parser;
    private IAsyncEnumerator<SseItem<string>>? _events;
    private Task<bool>? _next;
    private string? _lastId;
    private Exception? _broken;

    public EventFeed(ISourceTaskContext context)
    {
        var config = context.Config;
        _context = context;
        _http = new HttpClient(context.Network.CreateHandler()) { Timeout = Timeout.InfiniteTimeSpan };
        _authorization = HttpAuthorization.Create(config, _http, context.Time);
        _reader = new RecordReader(config);
        _retried = new StatusRanges(config.GetList("http.response.policy.codes.retry"));
        _request = new SourceRequest(context);
        _backoff = config.GetMilliseconds("retry.backoff.ms");
    }

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        var last = await _context.LastOffsetAsync(_request.Partition, cancellationToken);
        _lastId = last?.GetValueOrDefault(Id) as string;
    }

    public override async ValueTask<IReadOnlyList<SourceRecord>> PollAsync(CancellationToken cancellationToken)
    {
        var records = new List<SourceRecord>();
        try
        {
            if (_broken is { } broken)
            {
                _broken = null;
                ExceptionDispatchInfo.Throw(broken);
            }

            if (_events is null)
                await OpenAsync(cancellationToken);
            while (records.Count < MostAtATime)
            {
                // A read that is under way when the token is cancelled is kept: the enumerator does not survive a cancelled one.
                _next ??= _events!.MoveNextAsync().AsTask();
                if (!_next.IsCompleted && records.Count > 0)
                    break;
                var more = await _next.WaitAsync(cancellationToken);
                _next = null;
                if (!more)
                    break;
                _wait = _backoff;
                if (Record(_events!.Current) is { } record)
                    records.Add(record);
            }

            // The other side ended the stream; that is usual, and the next poll opens it again.
            if (_next is null && records.Count < MostAtATime)
                await CloseAsync();
            return records;
        }
        catch (Exception e) when (records.Count > 0)
        {
            _broken = e;
            await CloseAsync();
            return records;
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            await CloseAsync();
            throw HttpCalls.Refusal(e) ?? new RetriableException($"The event stream broke off: {e.Message}", e);
        }
    }

    public override void Dispose()
    {
        _response?.Dispose();
        _http.Dispose();
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(_wait, _context.Time, cancellationToken);
        _wait = _wait == TimeSpan.Zero ? _backoff : _wait * 2 < s_longestBackoff ? _wait * 2 : Longer(_wait, s_longestBackoff);

        using var request = _request.Make(new Dictionary<string, object?> { [Id] = _lastId });
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (_lastId is not null)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", _lastId);
        await _authorization.ApplyAsync(request, cancellationToken);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(_context.Config.GetInt("http.timeout")), _context.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            _response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new RetriableException($"{HttpCalls.Shown(request.RequestUri!)} did not answer within {_context.Config.GetInt("http.timeout")} s.");
        }

        var (status, type) = ((int)_response.StatusCode, _response.Content.Headers.ContentType?.MediaType);
        if (status != 200 || type != "text/event-stream")
        {
            var retry = _retried.Contains(status) || (status == 401 && _authorization.Renew());
            await CloseAsync();
            var shown = HttpCalls.Shown(request.RequestUri!);
            throw status == 200 ? new FatalException($"{shown} answered with {type}, which is no event stream.")
                : retry ? new RetriableException($"{shown} answered {status}.")
                : new ConnectException($"{shown} answered {status}. Check the request.");
        }

        var max = _context.Config.GetInt("http.response.max.bytes");
        _parser = SseParser.Create(
            new EventBody(await _response.Content.ReadAsStreamAsync(cancellationToken), max), (_, data) => data.Length > max ? throw EventBody.TooLong(max) : System.Text.Encoding.UTF8.GetString(data));
        _events = _parser.EnumerateAsync(CancellationToken.None).GetAsyncEnumerator(CancellationToken.None);
    }

    private async Task CloseAsync()
    {
        if (_parser is { ReconnectionInterval: var asked } && asked > _wait)
            _wait = asked < s_longestAsked ? asked : s_longestAsked;
        _parser = null;
        _response?.Dispose();
        _response = null;
        _next = null;
        if (_events is not null)
            await _events.DisposeAsync();
        _events = null;
    }

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private SourceRecord? Record(SseItem<string> item)
    {
        var id = item.EventId is { Length: > 0 } given ? given : _lastId;
        var record = item.Data.Length == 0 ? null : Record(item.Data, new Dictionary<string, object?> { [Id] = id });
        _lastId = id;
        return record is null || item.EventType == SseParser.EventTypeDefault ? record : record with { Headers = [new Header("event", Connect.Data.Schema.String, item.EventType)] };
    }

    private SourceRecord Record(string data, Dictionary<string, object?> offset)
    {
        try
        {
            using var json = JsonDocument.Parse(data);
            return _reader.Record(json.RootElement, _request.Partition, offset);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Text is as good as JSON here: events hold either. The second: a string in it holds half of a surrogate pair.
            return _reader.Record(data, _request.Partition, offset);
        }
    }
}
