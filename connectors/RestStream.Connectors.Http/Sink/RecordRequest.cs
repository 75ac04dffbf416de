using System.Net.Http.Headers;
using System.Text;
using RestStream.Connect;
using RestStream.Connect.Config;
using RestStream.Connectors.Http.Requests;

namespace RestStream.Connectors.Http.Sink;

/// <summary>Makes requests of records, as the settings say. Immutable.</summary>
internal sealed class RecordRequest
{
    private readonly Template _url;
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
        _url = Template.Parse(config.GetString("http.url"));
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
        var request = Envelope(record, record.Value is null && _deletes ? HttpMethod.Delete : _method);
        if (record.Value is not null || !_deletes)
            SetBody(request, Body(record));
        return request;
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
        var request = Envelope(records[0], _method);
        SetBody(request, body.ToArray());
        return request;
    }

    private HttpRequestMessage Envelope(SinkRecord record, HttpMethod method)
    {
        var text = _url.Fill(step => Find(record, step), Uri.EscapeDataString);
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url))
            throw new RecordException(record, "http.url with the values of this record is no URL.");
        var request = new HttpRequestMessage(method, url);
        foreach (var (name, template) in _headers)
        {
            var value = template.Fill(step => Find(record, step), static v => v);
            if (value.AsSpan().ContainsAny('\r', '\n', '\0') || !request.Headers.TryAddWithoutValidation(name, value))
                throw new RecordException(record, $"The value of this record for the header {name} has characters that no header may have.");
        }

        return request;
    }

    private void SetBody(HttpRequestMessage request, byte[] body)
    {
        request.Content = new ByteArrayContent(body);
        request.Content.Headers.ContentType = _contentType;
    }

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
