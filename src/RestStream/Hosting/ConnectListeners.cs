using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using RestStream.Connect;
using RestStream.Settings;

namespace RestStream.Hosting;

/// <summary>Through which door a request came.</summary>
internal enum Door
{
    /// <summary>One of the addresses that serve everything.</summary>
    Main,

    /// <summary>The listener of Connect alone.</summary>
    Connect,

    /// <summary>The listener of <c>/admin</c> alone.</summary>
    Admin,
}

/// <summary>
/// The listeners of Connect alone and of its <c>/admin</c>. They are endpoints of Kestrel with a name; their connections carry the mark by which requests are told apart, so that port 0 and several
/// addresses of one machine make no difference.
/// </summary>
internal sealed class ConnectListeners(IServiceProvider services)
{
    private const string ConnectName = "RestStreamConnect";
    private const string AdminName = "RestStreamConnectAdmin";

    private EndpointConfiguration? _connect;

    /// <summary>The door of this request.</summary>
    public static Door Of(HttpContext context) => context.Features.Get<Mark>()?.Door ?? Door.Main;

    /// <summary>The address of the listener of Connect alone, once it listens.</summary>
    public string? ConnectUrl => _connect is { ListenOptions.IPEndPoint: { } bound } ? $"{(_connect.IsHttps ? "https" : "http")}://{bound}" : null;

    /// <summary>What the worker is called in statuses: host and port of the first listener that serves Connect.</summary>
    public string WorkerId
    {
        get
        {
            if (_connect?.ListenOptions.IPEndPoint is { } bound)
                return bound.ToString();
            var url = services.GetService<IServer>()?.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault();
            if (url is null || url.Contains("://unix:", StringComparison.Ordinal))
                return "127.0.0.1:8082";
            var address = BindingAddress.Parse(url);
            var host = address.Host is "*" or "+" or "0.0.0.0" or "[::]" ? Dns.GetHostName() : address.Host;
            return string.Create(CultureInfo.InvariantCulture, $"{host}:{address.Port}");
        }
    }

    /// <summary>Makes the configured listeners endpoints of Kestrel.</summary>
    public static void Configure(WebApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        var connect = configuration[$"{ConnectOptions.Section}:{nameof(ConnectListenerOptions.Listener)}"];
        var admin = configuration[$"{ConnectOptions.Section}:{nameof(ConnectListenerOptions.AdminListener)}"];
        builder.Services.AddSingleton<ConnectListeners>();
        if (string.IsNullOrEmpty(connect) && string.IsNullOrEmpty(admin))
            return;

        // Kestrel takes either addresses or endpoints with names, never both.
        var main = Listeners.TakeAddresses(configuration);
        var endpoints = main.Select((url, i) => KeyValuePair.Create<string, string?>($"Kestrel:Endpoints:RestStream{i}:Url", url)).ToList();
        if (!string.IsNullOrEmpty(connect))
            endpoints.Add(new($"Kestrel:Endpoints:{ConnectName}:Url", connect));
        if (!string.IsNullOrEmpty(admin))
            endpoints.Add(new($"Kestrel:Endpoints:{AdminName}:Url", admin));
        configuration.AddInMemoryCollection(endpoints);

        // Else Kestrel warns that the addresses it was given at first do not count, which they do.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error);
        builder.Services.AddOptions<KestrelServerOptions>().Configure<ConnectListeners>((kestrel, listeners) => kestrel.ConfigurationLoader!
            .Endpoint(ConnectName, endpoint => listeners._connect = Marked(endpoint, Door.Connect))
            .Endpoint(AdminName, endpoint => Marked(endpoint, Door.Admin)));
    }

    private static EndpointConfiguration Marked(EndpointConfiguration endpoint, Door door)
    {
        var mark = new Mark(door);
        endpoint.ListenOptions.Use(next => connection =>
        {
            connection.Features.Set(mark);
            return next(connection);
        });
        return endpoint;
    }

    /// <summary>On every connection of a listener; requests see the features of their connection.</summary>
    private sealed record Mark(Door Door);
}
