using System.Net.Http.Headers;
using System.Text;
using RestStream.Connect;
using RestStream.Connect.Config;
using RestStream.Connectors.Http.Requests;

namespace RestStream.Connectors.Http.Sink;

/// <summary>Makes requests of records, as the settings say. Immutable.</summary>
internal sealed class RecordRequest
{
    /// <summary>What a placeholder may begin with.</summary>
    public static readonly IReadOnlyList<string> Roots = ["topic", "partition", "offset", "timestamp", "key", "value", "header"];

    private readonly Template _url;
    private readonly Template _path;
    private readonly int _dots;
    private readonly HttpMethod _method;
    private readonly MediaTypeHeaderValue? _contentType;
    private readonly List<(string Name, Template Value)> _headers = [];
    private readonly Template? _body;
    private readonly bool _json;
    private readonly bool _deletes;
    private readonly byte[] _prefix;
    private readonly byte[] _suffix;
    private readonly byte[] _separator;

    public RecordRequest(ConfigValues config)
    {
        var address = config.GetString("http.url");
        _url = Template.Parse(address);
        _path = _url.Before('?', '#');
        _dots = DotSegments(address.Split('?', '#')[0]);
        _method = new HttpMethod(config.GetString("http.method"));
        _contentType = MediaTypeHeaderValue.TryParse(config.FindString("http.headers.content.type"), out var type) ? type : null;
        _json = _contentType?.MediaType?.EndsWith("json", StringComparison.OrdinalIgnoreCase) == true;
        _deletes = config.GetString("http.on.null") == "delete";
        foreach (var header in config.GetList("http.headers.additional"))
        {
            if (HttpConfigs.TryParseHeader(header, out var name, out var value))
                _headers.Add((name, Template.Parse(value)));
        }

        _body = config.FindString("http.body.template") is { } body ? Template.Parse(body) : null;

        // Separators are mostly line breaks, and the parser of settings trims spaces: the text as it was written counts.
        byte[] Text(string name) => Encoding.UTF8.GetBytes(config.Originals.TryGetValue(name, out var text) ? text : config.FindString(name) ?? "");
        (_prefix, _suffix) = (Text("batch.prefix"), Text("batch.suffix"));
        _separator = config.Originals.TryGetValue("batch.separator", out var separator) ? Encoding.UTF8.GetBytes(separator) : "\n"u8.ToArray();
    }

    /// <summary>One record in a request of its own.</summary>
    /// <exception cref="RecordException">What the record has cannot stand in a request.</exception>
    public HttpRequestMessage Single(SinkRecord record)
    {
        var deletes = record.Value is null && _deletes;
        return Request(record, deletes ? HttpMethod.Delete : _method, deletes ? null : Body(record));
    }

    /// <summary>Several records of one topic in one request.</summary>
    public HttpRequestMessage Batch(IReadOnlyList<SinkRecord> records)
    {
        using var body = new MemoryStream();
        body.Write(_prefix);
        for (var i = 0; i < records.Count; i++)
        {
            if (i > 0)
                body.Write(_separator);
            body.Write(Body(records[i]));
        }

        body.Write(_suffix);
        return Request(records[0], _method, body.ToArray());
    }

    private HttpRequestMessage Request(SinkRecord record, HttpMethod method, byte[]? body)
    {
        var request = new HttpRequestMessage(method, Url(record, method));
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = _contentType;
        }

        foreach (var (name, template) in _headers)
        {
            var value = template.Fill(step => Find(record, step), static v => v);
            if (value.Any(c => char.IsControl(c) && c != '\t'))
                throw new RecordException(record, $"The value of this record for the header {name} has characters that no header may have.");

            // A header that is about the body, as Content-Language, is refused by the request and goes with the body.
            if (!request.Headers.TryAddWithoutValidation(name, value))
                request.Content?.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    /// <summary>Data fills segments of the path, it does not choose another path: ".." would be resolved, and a DELETE without the last segment could delete all that lies there.</summary>
    private Uri Url(SinkRecord record, HttpMethod method)
    {
        if (method == HttpMethod.Delete && _path.HasGap(step => Find(record, step)))
            throw new RecordException(record, "This record has nothing for a placeholder in the path of http.url, and a DELETE of what is left could delete more than this record.");
        if (DotSegments(_path.Fill(step => Find(record, step), Uri.EscapeDataString)) > _dots)
            throw new RecordException(record, "http.url with the values of this record has a segment '.' or '..', which would lead to another path.");
        return Uri.TryCreate(_url.Fill(step => Find(record, step), Uri.EscapeDataString), UriKind.Absolute, out var url)
            ? url : throw new RecordException(record, "http.url with the values of this record is no URL.");
    }

    // Decoded: servers and proxies do that before they resolve segments, some with %2F and %5C too.
    private static int DotSegments(string path) => Uri.UnescapeDataString(path).Split('/', '\\').Count(segment => segment is "." or "..");

    private byte[] Body(SinkRecord record)
    {
        // {"text":"${value.message}"} and {"data":${value}} are both wanted: texts are escaped, maps and lists are JSON already.
        if (_body is not null)
            return Encoding.UTF8.GetBytes(_body.Fill(step => Find(record, step), _json ? Template.EscapeJson : static v => v, escapeJson: false));
        return record.Value switch
        {
            null => [],
            string text => Encoding.UTF8.GetBytes(text),
            byte[] bytes => bytes,
            var value => JsonValue.ToBytes(value),
        };
    }

    private static object? Find(SinkRecord record, string step) => step switch
    {
        "topic" => record.Topic,
        "partition" => record.OriginalPartition,
        "offset" => record.Offset,
        "timestamp" => record.Timestamp,
        "key" => record.Key,
        "value" => record.Value,
        "header" => record.Headers.GroupBy(h => h.Key).ToDictionary(g => g.Key, g => g.Last().Value),
        _ => null,
    };
}
