using System.Net.Http.Headers;
using System.Text;

namespace RestStream.Tests.Read;

/// <summary>One event of a stream as a browser would see it; a comment has only <paramref name="Comment"/>.</summary>
internal sealed record ServerEvent(string? Id, string? Name, string? Data, string? Retry, string? Comment);

/// <summary>A client of server-sent events by the rules of WHATWG HTML 9.2, comments kept.</summary>
internal sealed class EventReader : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly StreamReader _lines;

    private EventReader(HttpResponseMessage response, Stream body)
    {
        Response = response;
        _lines = new StreamReader(body, Encoding.UTF8);
    }

    public HttpResponseMessage Response { get; }
    public string? LastId { get; private set; }

    public static async Task<EventReader> OpenAsync(HttpClient client, string path, string? lastEventId)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Version = client.DefaultRequestVersion, VersionPolicy = client.DefaultVersionPolicy };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        if (lastEventId is not null)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).WaitAsync(s_patience);
        return new EventReader(response, await response.Content.ReadAsStreamAsync());
    }

    /// <summary>The next event or comment; null when the stream ended.</summary>
    public async Task<ServerEvent?> NextAsync()
    {
        string? name = null, retry = null;
        List<string>? data = null;
        var any = false;
        while (await _lines.ReadLineAsync().WaitAsync(s_patience) is { } line)
        {
            if (line.Length == 0)
            {
                if (!any)
                    continue;
                return new ServerEvent(LastId, name, data is null ? null : string.Join('\n', data), retry, null);
            }

            if (line[0] == ':')
                return new ServerEvent(null, null, null, null, line[1..].Trim());
            any = true;
            var colon = line.IndexOf(':');
            var (field, value) = colon < 0 ? (line, "") : (line[..colon], line[(colon + 1)..]);
            if (value.StartsWith(' '))
                value = value[1..];
            switch (field)
            {
                case "id": LastId = value; break;
                case "event": name = value; break;
                case "retry": retry = value; break;
                case "data": (data ??= []).Add(value); break;
                default: throw new InvalidDataException($"A field that no client knows: {line}");
            }
        }

        return null;
    }

    /// <summary>The next event that is neither a comment nor a retry alone.</summary>
    public async Task<ServerEvent?> NextEventAsync()
    {
        while (await NextAsync() is { } next)
        {
            if (next.Data is not null)
                return next;
        }

        return null;
    }

    public void Dispose()
    {
        _lines.Dispose();
        Response.Dispose();
    }
}
