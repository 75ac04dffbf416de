using System.Net;

namespace RestStream.Settings;

/// <summary>Where the server listens: what ASP.NET Core is told by its usual keys, else http://127.0.0.1:8082.</summary>
internal static class Listeners
{
    /// <summary>8082 is the port of the REST Proxy that we are compatible with.</summary>
    public const string Default = "http://127.0.0.1:8082";

    private const string Endpoints = "Kestrel:Endpoints";

    /// <summary>True when the user chose: <c>--urls</c>, <c>ASPNETCORE_URLS</c>, <c>ASPNETCORE_HTTP_PORTS</c>, or <c>Kestrel:Endpoints</c>.</summary>
    public static bool AreConfigured(IConfiguration configuration) => Configured(configuration).Any();

    /// <exception cref="SettingsException">An address can be reached from other machines and nobody agreed to that.</exception>
    public static void ThrowIfOpenToTheNetwork(IConfiguration configuration, bool allowAnonymous)
    {
        if (!allowAnonymous && Configured(configuration).FirstOrDefault(url => !IsLoopback(url)) is { } open)
        {
            throw new SettingsException(
                $"{open} can be reached from other machines, and anyone there could read, write and delete. "
                + $"Listen on {Default}, or say that you mean it with --{ServerOptions.Section}:AllowAnonymous=true.");
        }
    }

    public static bool IsLoopback(string url)
    {
        if (url.Contains("://unix:", StringComparison.Ordinal))
            return true;
        try
        {
            var host = BindingAddress.Parse(url).Host.Trim('[', ']');
            return host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
        }
        catch (FormatException)
        {
            throw new SettingsException($"'{url}' is not an address to listen on. Write it like {Default}.");
        }
    }

    /// <summary>An address that a client on this machine can use, for one that may mean every interface (<c>http://0.0.0.0:8082</c>, <c>http://*:8082</c>).</summary>
    public static string Reachable(string url)
    {
        var address = BindingAddress.Parse(url);
        return address.Host is "*" or "+" or "0.0.0.0" or "[::]" ? $"{address.Scheme}://localhost:{address.Port}" : url.TrimEnd('/');
    }

    /// <summary>Takes the addresses away that are not endpoints of Kestrel with a name: who makes endpoints has to make these endpoints too.</summary>
    public static IReadOnlyList<string> TakeAddresses(IConfiguration configuration)
    {
        var addresses = Addresses(configuration).ToList();
        if (configuration.GetSection(Endpoints).GetChildren().Any())
            addresses = [];
        foreach (var key in (ReadOnlySpan<string>)[WebHostDefaults.ServerUrlsKey, WebHostDefaults.HttpPortsKey, WebHostDefaults.HttpsPortsKey])
            configuration[key] = "";
        return addresses;
    }

    private static IEnumerable<string> Configured(IConfiguration configuration) =>
        Addresses(configuration).Concat(configuration.GetSection(Endpoints).GetChildren().Select(e => e["Url"]).OfType<string>());

    private static IEnumerable<string> Addresses(IConfiguration configuration)
    {
        var urls = Split(configuration[WebHostDefaults.ServerUrlsKey]);

        // Ports without an address mean every interface.
        var ports = Split(configuration[WebHostDefaults.HttpPortsKey]).Select(p => $"http://*:{p}")
            .Concat(Split(configuration[WebHostDefaults.HttpsPortsKey]).Select(p => $"https://*:{p}"));
        return urls.Length > 0 ? urls : ports;
    }

    private static string[] Split(string? list) => list?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
}
