using System.Net;
using System.Net.Sockets;
using System.Text;

namespace RestStream.Connect;

/// <summary>
/// What connectors may reach over the network. Public addresses by default; others (loopback, private, link-local) only where the setting <c>RestStream:Connect:AllowedNetworks</c> names them.
/// Checked at each connect, after the name was resolved and on the very address that is connected to: neither a name that resolves to something else the second time nor another spelling of an address gets around it.
/// </summary>
/// <param name="allowed">Networks that are reachable although they are not public.</param>
public sealed class OutboundPolicy(IReadOnlyList<IPNetwork> allowed)
{
    /// <summary>Networks that are reachable although they are not public.</summary>
    public IReadOnlyList<IPNetwork> Allowed { get; } = allowed;

    /// <summary>
    /// A handler for HttpClient that keeps to the policy. It follows no redirects: who wants to, asks again, through the same handler. It uses no proxy, which would connect on its behalf.
    /// Headers that are not ASCII go out as UTF-8.
    /// A refusal arrives as the inner <see cref="FatalException"/> of an HttpRequestException. Dispose it.
    /// </summary>
    public SocketsHttpHandler CreateHandler() => new()
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
        ConnectCallback = async (context, cancellationToken) => await ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellationToken),
    };

    /// <summary>A connection, for what is not HTTP. Dispose it.</summary>
    /// <exception cref="FatalException">The policy refuses every address of that host.</exception>
    /// <exception cref="SocketException">The name or the address cannot be reached.</exception>
    public async ValueTask<Stream> ConnectAsync(string host, int port, CancellationToken cancellationToken)
    {
        var addresses = await ResolveAsync(host, cancellationToken);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync([.. addresses], port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The addresses of a host that may be connected to. Connect to these, not to the name: it may resolve to others the next time.</summary>
    /// <exception cref="FatalException">The policy refuses all of them.</exception>
    /// <exception cref="SocketException">The name cannot be resolved.</exception>
    public async ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        // An address needs no resolver, which refuses 0.0.0.0 with an error of its own.
        var addresses = IPAddress.TryParse(host, out var address) ? [address] : await Dns.GetHostAddressesAsync(host, cancellationToken);
        return addresses.Where(IsAllowed).ToArray() is { Length: > 0 } reachable ? reachable : throw Refused(host, addresses.FirstOrDefault());
    }

    /// <summary>Reads a URL of a configuration: absolute, of one of these schemes, and not an address that is refused anyhow. Names are not resolved; what they resolve to is checked at each connect.</summary>
    /// <param name="url">As configured.</param>
    /// <param name="schemes">In lower case; none: http and https.</param>
    /// <exception cref="FatalException">It is not; the message says why, without user information of the URL.</exception>
    public Uri ParseUrl(string url, params IReadOnlyCollection<string> schemes)
    {
        var accepted = schemes.Count == 0 ? ["http", "https"] : schemes;
        if (!Uri.TryCreate(url.Trim(), UriKind.Absolute, out var uri) || uri.Host.Length == 0 || !accepted.Contains(uri.Scheme))
            throw new FatalException($"A URL that begins with {string.Join(" or ", accepted.Select(scheme => scheme + "://"))} is needed here.");

        // Uri reads 127.1, 2130706433, 0x7f.1 and 0177.0.0.1 as the system's resolver does, so what is checked here is what would be connected to.
        if (IPAddress.TryParse(uri.DnsSafeHost, out var address) && !IsAllowed(address))
            throw Refused(uri.Host, address);
        return uri;
    }

    /// <summary>Whether this address may be connected to.</summary>
    public bool IsAllowed(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : new IPAddress(address.GetAddressBytes());
        return Allowed.Any(network => network.Contains(plain)) || SpecialNetworks.IsPublic(plain);
    }

    private static FatalException Refused(string host, IPAddress? address) => new(
        $"Connecting to {host}{(address is null || address.ToString() == host ? "" : $" ({address})")} is not allowed: it is no public address. "
        + "Name its network in the setting RestStream:Connect:AllowedNetworks if connectors may reach it.");
}
