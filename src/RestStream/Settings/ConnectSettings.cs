using System.Net;
using System.Text.RegularExpressions;
using RestStream.Connect;
using RestStream.Connect.Configs;

namespace RestStream.Settings;

/// <summary>Where Connect is served beside the main listener, section <c>RestStream:Connect</c>.</summary>
internal sealed class ConnectListenerOptions
{
    /// <summary>A second address, such as <c>http://127.0.0.1:8083</c>, that serves Connect alone, at its root, for tools that were made for Kafka Connect (listeners). Default: none.</summary>
    public string? Listener { get; set; }

    /// <summary>An address that serves <c>/admin/loggers</c> alone, which is then nowhere else (admin.listeners). Empty: nowhere at all. Default: wherever Connect is.</summary>
    public string? AdminListener { get; set; }

    /// <summary>Headers that every answer of Connect carries (response.http.headers.config).</summary>
    public Dictionary<string, string> ResponseHeaders { get; set; } = [];
}

/// <summary>The defaults of Connect that depend on other settings, and what the ranges of single values cannot say.</summary>
internal static class ConnectSettings
{
    /// <summary>Completes the options that were bound from the configuration.</summary>
    public static void Complete(ConnectOptions options, IConfiguration configuration, string dataDirectory)
    {
        var data = Path.GetFullPath(dataDirectory);
        options.PluginPath = List(nameof(options.PluginPath), Path.Combine(AppContext.BaseDirectory, "plugins"), Path.Combine(data, "plugins"));
        options.FileRoots = List(nameof(options.FileRoots), Path.Combine(data, "files"));
        options.SecretPaths = List(nameof(options.SecretPaths), Path.Combine(data, "secrets"));
        options.AllowedNetworks = SettingsCheck.List(configuration, Name(nameof(options.AllowedNetworks)));
        options.SecretKeyFile = options.SecretKeyFile switch
        {
            null => Path.Combine(data, "connect.key"),
            "" => null,
            var file => Path.GetFullPath(file),
        };
        options.ConnectorFolder = Path.GetFullPath(options.ConnectorFolder ?? Path.Combine(data, "connectors"));

        string[] List(string name, params string[] otherwise) =>
            SettingsCheck.List(configuration, Name(name)) is { Length: > 0 } folders ? [.. folders.Select(Path.GetFullPath)] : otherwise;
    }

    public static IReadOnlyList<IPNetwork> Networks(ConnectOptions options) => [.. options.AllowedNetworks.Select(IPNetwork.Parse)];

    /// <summary>One line for each wrong setting.</summary>
    public static IEnumerable<string> Errors(IConfiguration configuration)
    {
        foreach (var network in SettingsCheck.List(configuration, Name(nameof(ConnectOptions.AllowedNetworks))).Where(n => !IPNetwork.TryParse(n, out _)))
            yield return $"{Name(nameof(ConnectOptions.AllowedNetworks))} names '{network}', which is no network such as 10.0.0.0/8 or 127.0.0.1/32.";

        foreach (var listener in (string[])[nameof(ConnectListenerOptions.Listener), nameof(ConnectListenerOptions.AdminListener)])
        {
            if (configuration[Name(listener)] is { Length: > 0 } url && !IsAddress(url))
                yield return $"{Name(listener)} is '{url}', but must be an address to listen on, such as http://127.0.0.1:8083.";
        }

        if (configuration[Name(nameof(ConnectOptions.ClientOverrides))] is { } policy && ClientOverrides.Problem(policy) is { } problem)
            yield return problem;

        if (configuration[Name(nameof(ConnectOptions.SecretVariables))] is { } pattern && !IsRegex(pattern))
            yield return $"{Name(nameof(ConnectOptions.SecretVariables))} is '{pattern}', which is no regular expression.";
    }

    private static string Name(string setting) => $"{ConnectOptions.Section}:{setting}";

    private static bool IsAddress(string url)
    {
        try
        {
            return BindingAddress.Parse(url) is { Scheme: "http" or "https" };
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static bool IsRegex(string pattern)
    {
        try
        {
            return Regex.Match("", pattern, RegexOptions.NonBacktracking) is not null;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return false;
        }
    }
}
