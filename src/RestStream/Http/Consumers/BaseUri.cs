using System.Net;
using RestStream.Http.Compat;
using RestStream.Settings;

namespace RestStream.Http.Consumers;

/// <summary>
/// The address under which a client calls us, and an instance of its own: path base included. What a proxy says in <c>Forwarded</c> or <c>X-Forwarded-*</c> counts
/// only when the proxy is one of <see cref="ServerOptions.TrustedProxies"/>: anybody can write these headers.
/// </summary>
internal sealed class BaseUri
{
    private readonly IPNetwork[] _trusted;

    /// <exception cref="SettingsException">An entry is neither an address nor a network.</exception>
    public BaseUri(IEnumerable<string> trustedProxies)
    {
        _trusted = [.. trustedProxies.Select(Parse)];
    }

    /// <summary>Where the client called us, without a slash at the end.</summary>
    public string Of(HttpRequest request)
    {
        var (scheme, host, prefix) = Called(request);
        return $"{scheme}://{host}{prefix}";
    }

    /// <summary>Where the client calls its instance.</summary>
    public string Of(HttpRequest request, Profile profile, string group, string name)
    {
        var (scheme, host, prefix) = Called(request);
        if (profile.Consumers.ShowsPort && HostString.FromUriComponent(host).Port is null)
            host += scheme == "https" ? ":443" : ":80";
        var pathBase = Profile.ByPath(request) is { } named ? named.PathBase : "";
        return $"{scheme}://{host}{prefix}{pathBase}/consumers/{group}/instances/{Uri.EscapeDataString(name)}";
    }

    private (string Scheme, string Host, string Prefix) Called(HttpRequest request)
    {
        var (scheme, host, prefix) = (request.Scheme, request.Host.Value ?? "", request.PathBase.Value ?? "");
        if (IsTrusted(request.HttpContext.Connection.RemoteIpAddress))
        {
            var headers = request.Headers;
            var (forwardedScheme, forwardedHost) = ReadForwarded(headers["Forwarded"].ToString());
            scheme = First(forwardedScheme, headers["X-Forwarded-Proto"].ToString(), scheme);
            host = First(forwardedHost, headers["X-Forwarded-Host"].ToString(), host);
            prefix = First(headers["X-Forwarded-Prefix"].ToString(), null, prefix).TrimEnd('/');
        }

        return (scheme.Equals("https", StringComparison.OrdinalIgnoreCase) ? "https" : "http", host, prefix);
    }

    private bool IsTrusted(IPAddress? peer)
    {
        if (peer is null || _trusted.Length == 0)
            return false;
        var address = peer.IsIPv4MappedToIPv6 ? peer.MapToIPv4() : peer;
        return Array.Exists(_trusted, network => network.Contains(address));
    }

    /// <summary>Proto and host of the first element of RFC 7239's header: the proxy next to the client.</summary>
    private static (string? Scheme, string? Host) ReadForwarded(string header)
    {
        string? scheme = null, host = null;
        foreach (var pair in header.Split(',')[0].Split(';'))
        {
            var equals = pair.IndexOf('=');
            if (equals < 0)
                continue;
            var value = pair[(equals + 1)..].Trim().Trim('"');
            switch (pair[..equals].Trim().ToLowerInvariant())
            {
                case "proto": scheme = value; break;
                case "host": host = value; break;
            }
        }

        return (scheme, host);
    }

    /// <summary>The first that says something; of a list, its first item.</summary>
    private static string First(string? a, string? b, string otherwise)
    {
        foreach (var text in (ReadOnlySpan<string?>)[a, b])
        {
            if (text?.Split(',')[0].Trim() is { Length: > 0 } found)
                return found;
        }

        return otherwise;
    }

    private static IPNetwork Parse(string text)
    {
        if (IPNetwork.TryParse(text, out var network))
            return network;
        if (IPAddress.TryParse(text, out var address))
            return new IPNetwork(address, address.GetAddressBytes().Length * 8);
        throw new SettingsException($"{ServerOptions.Section}:{nameof(ServerOptions.TrustedProxies)} names '{text}', which is neither an address (10.0.0.7) nor a network (10.0.0.0/8).");
    }
}
