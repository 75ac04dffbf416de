using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using RestStream.Http.Errors;
using RestStream.Settings;

namespace RestStream.Hosting;

/// <summary>
/// What every request must pass before it is routed: an unambiguous length, a host name of ours, and, for anything that changes state, no foreign web page behind it.
/// </summary>
internal sealed class RequestGuards
{
    private static readonly string[] s_loopbackNames = ["localhost", "127.0.0.1", "[::1]"];

    private readonly HashSet<string> _hosts;
    private readonly HashSet<string> _origins;
    private readonly bool _anyOrigin;
    private readonly Counter<long> _refused;
    private readonly ILogger<RequestGuards> _logger;

    public RequestGuards(IOptions<ServerOptions> options, IMeterFactory meters, ILogger<RequestGuards> logger)
    {
        _hosts = new(options.Value.AllowedHosts.Concat(s_loopbackNames), StringComparer.OrdinalIgnoreCase);
        _origins = new(options.Value.CorsOrigins, StringComparer.OrdinalIgnoreCase);
        _anyOrigin = _origins.Contains("*");
        _logger = logger;
        _refused = meters.Create(HostMeter.Name).CreateCounter<long>("reststream_requests_rejected", description: "Requests refused before they reached a handler.");
    }

    public RequestDelegate Before(RequestDelegate next) => context =>
    {
        if (Check(context) is { } refusal)
        {
            _refused.Add(1, new KeyValuePair<string, object?>("reason", refusal.Slug));
            _logger.Refused(context.Request.Method, context.Request.Path.Value ?? "", refusal.Slug);
            return ErrorBody.SendAsync(context, refusal);
        }

        return next(context);
    };

    private HttpError? Check(HttpContext context)
    {
        var request = context.Request;
        if (HasTwoLengths(request.Headers))
        {
            // What follows on this connection may be the attacker's second request.
            context.Response.Headers.Connection = "close";
            return new HttpError(400, 40002, "ambiguous-length", "Ambiguous length", "The request has both Content-Length and Transfer-Encoding. Send one of them.");
        }

        if (!IsOurHost(context))
        {
            return new HttpError(421, 42100, "wrong-host", "Wrong host",
                $"This server does not answer for the host '{request.Host.Host}'. Use localhost, or add the name to the setting {ServerOptions.Section}:AllowedHosts.");
        }

        return ChangesState(request.Method) && IsCrossSite(request)
            ? new HttpError(403, 40301, "cross-site", "Cross-site request",
                $"A web page of another origin may not change anything here. Add its origin to the setting {ServerOptions.Section}:CorsOrigins to allow it.")
            : null;
    }

    /// <summary>Kestrel takes such a message as chunked and moves the length to X-Content-Length; a proxy before it may have counted by the length.</summary>
    private static bool HasTwoLengths(IHeaderDictionary headers) =>
        !StringValues.IsNullOrEmpty(headers.TransferEncoding) && (headers.ContentLength is not null || headers.ContainsKey("X-Content-Length"));

    private bool IsOurHost(HttpContext context)
    {
        if (_hosts.Contains(context.Request.Host.Host))
            return true;

        // A name that somebody pointed at 127.0.0.1 (DNS rebinding) looks like this; other interfaces have names we cannot know.
        var onLoopback = context.Connection.LocalIpAddress is { } address && IPAddress.IsLoopback(address);
        return !onLoopback && _hosts.Count == s_loopbackNames.Length;
    }

    private static bool ChangesState(string method) => !HttpMethods.IsGet(method) && !HttpMethods.IsHead(method) && !HttpMethods.IsOptions(method);

    /// <summary>Browsers name themselves by these headers; programs send neither.</summary>
    private bool IsCrossSite(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        if (origin.Length > 0 && (_anyOrigin || _origins.Contains(origin)))
            return false;
        var site = request.Headers["Sec-Fetch-Site"].ToString();
        if (site is not ("" or "same-origin" or "none"))
            return true;

        return origin.Length > 0 && !IsOwn(origin, request.Host);
    }

    /// <summary>The scheme is left out of the comparison: a proxy in front may have ended TLS.</summary>
    private static bool IsOwn(string origin, HostString host) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var uri)
        && string.Equals(uri.IdnHost, host.Host.Trim('[', ']'), StringComparison.OrdinalIgnoreCase)
        && uri.Port == (host.Port ?? (uri.Scheme == Uri.UriSchemeHttps ? 443 : 80));
}
