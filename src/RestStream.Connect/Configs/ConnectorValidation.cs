using RestStream.Connect.Model;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Configs;

/// <summary>Validation of connector configurations, as <c>PUT /connector-plugins/{p}/config/validate</c> answers it; POST, PUT and PATCH of connectors ask it too.</summary>
internal sealed class ConnectorValidation(PluginCatalog plugins, ConnectOptions options, ConfigReferences references, FileRoots files, OutboundPolicy network, TimeProvider time)
{
    /// <summary>Everything that is wrong; secrets are masked. Single keys first; when they are right, the connector's own check and probe, bounded by <see cref="ConnectOptions.ProbeTimeout"/>.</summary>
    /// <exception cref="ConnectRequestException">400: no class, an unknown one.</exception>
    public Task<ConfigInfos> ValidateAsync(IReadOnlyDictionary<string, string?> config, CancellationToken cancellationToken) =>
        throw new NotImplementedException($"{plugins}{options}{references}{files}{network}{time}");

    /// <summary>The settings of a plugin of any kind: its own first, then the framework's.</summary>
    /// <exception cref="ConnectRequestException">404: unknown; 400: no such version.</exception>
    public IReadOnlyList<ConfigKeyInfo> Describe(string plugin, string? version) => throw new NotImplementedException();

    /// <summary>The names of the keys whose values are secret, for this configuration: <see cref="Config.ConfigType.Password"/> of connector, converters, transforms, predicates.</summary>
    public IReadOnlySet<string> SecretKeys(IReadOnlyDictionary<string, string> config) => throw new NotImplementedException();
}
