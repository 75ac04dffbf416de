using System.Net;

namespace RestStream.Connect;

/// <summary>
/// What connectors may reach over the network. Public addresses by default; others (loopback, private, link-local) only where the setting <c>RestStream:Connect:AllowedNetworks</c> names them.
/// Checked at each connect, after the name was resolved.
/// </summary>
/// <param name="allowed">Networks that are reachable although they are not public.</param>
public sealed class OutboundPolicy(IReadOnlyList<IPNetwork> allowed)
{
    /// <summary>Networks that are reachable although they are not public.</summary>
    public IReadOnlyList<IPNetwork> Allowed { get; } = allowed;

    /// <summary>A handler for HttpClient that keeps to the policy. It follows no redirects: who wants to, asks again, through the same handler. Dispose it.</summary>
    public SocketsHttpHandler CreateHandler() => new() { AllowAutoRedirect = false };
}
