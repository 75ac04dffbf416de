using RestStream.Connect.Config;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Configs;

/// <summary>
/// What of the framework's settings depends on the plugins that there are: defaults, recommended values, and whether a class is one of the right kind. <see cref="None"/> where nobody chooses:
/// for reading a configuration that was validated, and for describing a plugin.
/// </summary>
internal sealed class PluginChoices
{
    private readonly PluginCatalog? _plugins;
    private readonly string? _connectorClass;

    private PluginChoices(PluginCatalog? plugins, ConnectOptions? options, IReadOnlyDictionary<string, string?> config, PluginDescription? connector)
    {
        _plugins = plugins;
        _connectorClass = connector?.Class;
        ConnectorVersion = connector?.Version;
        Key = new ConverterChoice(plugins, ConnectorConfig.KeyConverter, options?.KeyConverter, PluginKind.Converter, config);
        Value = new ConverterChoice(plugins, ConnectorConfig.ValueConverter, options?.ValueConverter, PluginKind.Converter, config);
        Header = new ConverterChoice(plugins, ConnectorConfig.HeaderConverter, options?.HeaderConverter, PluginKind.HeaderConverter, config);
    }

    /// <summary>No defaults, no recommended values, no check of classes.</summary>
    public static PluginChoices None { get; } = new(null, null, new Dictionary<string, string?>(), null);

    /// <summary>The default of <c>connector.plugin.version</c>: the one that is used.</summary>
    public string? ConnectorVersion { get; }

    public ConverterChoice Key { get; }

    public ConverterChoice Value { get; }

    public ConverterChoice Header { get; }

    /// <summary>For a connector's configuration.</summary>
    /// <param name="plugins">What there is.</param>
    /// <param name="options">The worker's converters.</param>
    /// <param name="config">The configuration, references resolved.</param>
    /// <param name="connector">Its connector; null when no version of it is allowed.</param>
    public static PluginChoices For(PluginCatalog plugins, ConnectOptions options, IReadOnlyDictionary<string, string?> config, PluginDescription? connector) => new(plugins, options, config, connector);

    public ConfigRecommender? ConnectorVersions() =>
        _plugins is null || _connectorClass is null ? null : new Choices(_ => VersionsOf(_plugins, _connectorClass, PluginKind.Source, PluginKind.Sink), _ => true);

    /// <summary>The classes of a kind, for a <c>type</c> of transforms and predicates.</summary>
    public static ConfigRecommender Classes(PluginCatalog plugins, PluginKind kind) =>
        new Choices(_ => [.. plugins.List().Where(p => p.Kind == kind).Select(p => p.Class).Distinct()], _ => true);

    /// <summary>The versions of the class that stands under another key.</summary>
    public static ConfigRecommender Versions(PluginCatalog plugins, string classKey, PluginKind kind, bool hiddenWithoutClass) => new Choices(
        parsed => parsed.GetValueOrDefault(classKey) is string name ? VersionsOf(plugins, name, kind) : [],
        parsed => !hiddenWithoutClass || parsed.GetValueOrDefault(classKey) is not null);

    private static IReadOnlyList<object?> VersionsOf(PluginCatalog plugins, string name, params PluginKind[] kinds) =>
        [.. plugins.List().Where(p => p.Class == name && kinds.Contains(p.Kind)).Select(p => p.Version).Distinct()];

    /// <summary>A converter: the worker's by default.</summary>
    internal sealed class ConverterChoice
    {
        private readonly PluginCatalog? _plugins;
        private readonly PluginKind _kind;

        public ConverterChoice(PluginCatalog? plugins, string configKey, string? byDefault, PluginKind kind, IReadOnlyDictionary<string, string?> config)
        {
            _plugins = plugins;
            _kind = kind;
            ConfigKey = configKey;
            if (plugins is null || byDefault is null)
                return;

            Class = PluginNames.FindOrNull(plugins, byDefault, null, kind)?.Class ?? byDefault;
            Version = PluginNames.FindOrNull(plugins, config.GetValueOrDefault(configKey) ?? byDefault, config.GetValueOrDefault(configKey + ConnectorConfig.VersionSuffix), kind)?.Version;
        }

        public string ConfigKey { get; }

        /// <summary>The worker's class.</summary>
        public string? Class { get; }

        /// <summary>The version that is used.</summary>
        public string? Version { get; }

        public ConfigRecommender? Classes() => _plugins is null ? null : PluginChoices.Classes(_plugins, _kind);

        public ConfigRecommender? Versions() => _plugins is null ? null : PluginChoices.Versions(_plugins, ConfigKey, _kind, hiddenWithoutClass: true);

        public ConfigValidator? ClassCheck() => _plugins is null ? null : PluginNames.Check(_plugins, _kind);
    }

    private sealed class Choices(Func<IReadOnlyDictionary<string, object?>, IReadOnlyList<object?>> values, Func<IReadOnlyDictionary<string, object?>, bool> visible) : ConfigRecommender
    {
        public override IReadOnlyList<object?> ValidValues(string name, IReadOnlyDictionary<string, object?> parsed) => values(parsed);

        public override bool IsVisible(string name, IReadOnlyDictionary<string, object?> parsed) => visible(parsed);
    }
}
