using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;
using RestStream.Connect;
using RestStream.Connect.Configs;
using RestStream.Connect.Model;
using RestStream.Connect.Plugins;
using RestStream.Hosting;

namespace RestStream.Http.Connect;

/// <summary>The plugins: what there is, how it is configured, and whether a configuration is right.</summary>
internal static class ConnectorPluginEndpoints
{
    public static void MapConnectorPlugins(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/connector-plugins", ConnectorEndpoints.Read, ListAsync).WithName("ListConnectorPlugins").WithSummary("List plugins")
            .WithDescription("Connectors; with connectorsOnly=false converters, transforms and predicates too.")
            .Produces<IReadOnlyList<PluginJson>>();
        routes.MapMethods("/connector-plugins/{plugin}/config", ConnectorEndpoints.Read, ConfigAsync).WithName("GetPluginConfig").WithSummary("The settings that a plugin has")
            .Produces<IReadOnlyList<ConfigKeyInfo>>().Refuses(400, 404);
        routes.MapPut("/connector-plugins/{plugin}/config/validate", ValidateAsync).WithName("ValidateConfig").WithSummary("Check a configuration")
            .WithDescription("Answers 200 for a wrong configuration too: errors are with the settings, keys that nobody reads are warnings.")
            .Accepts<Dictionary<string, string>>(ConnectJson.Type).Produces<ConfigInfos>().Refuses(400, 406, 413, 415);
        routes.MapPost("/connector-plugins/rescan", RescanAsync).WithName("RescanPlugins").WithSummary("Look for new plugins in the plugin folders")
            .Produces<IReadOnlyList<PluginJson>>();
    }

    /// <summary>Refuses a configuration whose class is not the one in the path. The ends of the names are compared, as in Kafka, so that simple names fit.</summary>
    public static void CheckClass(string plugin, IReadOnlyDictionary<string, string?> config)
    {
        if (config.TryGetValue(ConnectorConfig.Class, out var type) && type is not null && !Short(type).EndsWith(Short(plugin), StringComparison.Ordinal))
            throw ConnectRequestException.BadRequest($"Included connector type {type} does not match request type {plugin}");

        static string Short(string name) => name.Length > "Connector".Length && name.EndsWith("Connector", StringComparison.Ordinal) ? name[..^"Connector".Length] : name;
    }

    private static async Task<IResult> ListAsync(ConnectService connect, CancellationToken cancellationToken, [FromQuery(Name = "connectorsOnly")] string? connectorsOnly = null)
    {
        var herder = await connect.HerderAsync(cancellationToken);
        var onlyConnectors = connectorsOnly is null || connectorsOnly.Equals("true", StringComparison.OrdinalIgnoreCase);
        return ConnectJson.Answer(herder.Plugins.List().Where(p => !onlyConnectors || p.Kind is PluginKind.Source or PluginKind.Sink).Select(PluginJson.From));
    }

    private static async Task<IResult> ConfigAsync(PathName plugin, ConnectService connect, CancellationToken cancellationToken, [FromQuery(Name = "version")] string? version = null) =>
        ConnectJson.Answer((await connect.HerderAsync(cancellationToken)).Validation.Describe(plugin.Value, version));

    private static async Task<IResult> ValidateAsync(PathName plugin, HttpRequest request, ConnectService connect, CancellationToken cancellationToken)
    {
        var config = await ConnectBody.ConfigAsync(request, cancellationToken);
        CheckClass(plugin.Value, config);
        return ConnectJson.Answer(await connect.DoAsync("validating a configuration", herder => herder.ValidateAsync(config, cancellationToken), cancellationToken));
    }

    private static async Task<IResult> RescanAsync(ConnectService connect, CancellationToken cancellationToken)
    {
        var herder = await connect.HerderAsync(cancellationToken);
        return ConnectJson.Answer(herder.Plugins.Rescan().Select(PluginJson.From));
    }
}

/// <summary>Kafka's PluginInfo.</summary>
internal sealed record PluginJson(string Class, string Type, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Version)
{
    public static PluginJson From(PluginDescription plugin) => new(plugin.Class, Word(plugin.Kind), plugin.Version);

    private static string Word(PluginKind kind) => kind switch
    {
        PluginKind.HeaderConverter => "header_converter",
        _ => kind.ToString().ToLowerInvariant(),
    };
}
