using System.Net.Http.Headers;
using System.Text;
using RestStream.Connect;
using RestStream.Connectors.Http.Requests;

namespace RestStream.Connectors.Http.Source;

/// <summary>Makes requests of the settings, with the offset filled in where <c>${offset.name}</c> stands. Immutable.</summary>
internal sealed class SourceRequest
{
    private readonly Template _url;
    private readonly Template? _query;
    private readonly Template? _body;
    private readonly HttpMethod _method;
    private readonly MediaTypeHeaderValue? _bodyType;
    private readonly List<(string Name, Template Value)> _headers = [];

    public SourceRequest(ITaskContext context)
    {
        var config = context.Config;
        _url = Template.Parse(config.GetString("http.request.url"));
        _query = config.FindString("http.request.params") is { } query ? Template.Parse(query) : null;
        _body = config.FindString("http.request.body") is { } body ? Template.Parse(body) : null;
        _method = new HttpMethod(config.GetString("http.request.method"));
        _bodyType = MediaTypeHeaderValue.TryParse(config.FindString("http.request.content.type"), out var type) ? type : null;
        foreach (var header in config.GetList("http.request.headers"))
        {
            if (HttpConfigs.TryParseHeader(header, out var name, out var value))
                _headers.Add((name, Template.Parse(value)));
        }

        // A query may hold a secret and changes with the offset.
        Partition = new Dictionary<string, object?> { ["url"] = context.Written("http.request.url")?.Trim().Split('?')[0] };
    }

    /// <summary>The source partition: the address as it is written, references in it not replaced, without its query.</summary>
    public IReadOnlyDictionary<string, object?> Partition { get; }

    /// <summary>The address that is asked first.</summary>
    /// <exception cref="FatalException">The offset would lead to another path than the one that is configured.</exception>
    public Uri First(IReadOnlyDictionary<string, object?> offset)
    {
        var text = _url.Fill(Root(offset), Uri.EscapeDataString);
        if (!_url.IsConstant && text.Split('?')[0].Split('/', '\\').Any(segment => Uri.UnescapeDataString(segment) is "." or ".."))
            throw new FatalException("With the offset filled in, the path of http.request.url has a part . or .., which leads to another path. Take the value into http.request.params, or choose another one in http.response.record.offset.pointer.");
        var url = new UriBuilder(text);
        if (_query is not null)
        {
            var query = _query.Fill(Root(offset), Uri.EscapeDataString);
            url.Query = url.Query.Length > 1 ? $"{url.Query}&{query}" : query;
        }

        return url.Uri;
    }

    /// <param name="offset">What is known of where to go on.</param>
    /// <param name="page">Another page of the same host; null: the first.</param>
    public HttpRequestMessage Make(IReadOnlyDictionary<string, object?> offset, Uri? page = null)
    {
        var request = new HttpRequestMessage(_method, page ?? First(offset));
        foreach (var (name, value) in _headers)
            request.Headers.TryAddWithoutValidation(name, value.Fill(Root(offset), static v => v));
        if (_body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(_body.Fill(Root(offset), Template.EscapeJson)));
            request.Content.Headers.ContentType = _bodyType;
        }

        return request;
    }

    private static Func<string, object?> Root(IReadOnlyDictionary<string, object?> offset) => step => step == "offset" ? offset : null;
}
