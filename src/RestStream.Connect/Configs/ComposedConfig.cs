using RestStream.Connect.Config;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Configs;

/// <summary>A converter that a configuration names, and its settings there.</summary>
/// <param name="Definition">Its settings, without prefix.</param>
/// <param name="Prefix"><c>value.converter.</c></param>
/// <param name="Role">key, value or header.</param>
internal sealed record ComposedConverter(ConfigDef Definition, string Prefix, string Role)
{
    /// <summary>What is configured for it, and what the worker tells it.</summary>
    public IReadOnlyDictionary<string, string?> Settings(IReadOnlyDictionary<string, string?> config)
    {
        var settings = config.Where(e => e.Key.StartsWith(Prefix, StringComparison.Ordinal) && e.Key.Length > Prefix.Length).ToDictionary(e => e.Key[Prefix.Length..], e => e.Value);
        settings.TryAdd(Converters.ConverterConfig.Type, Role);
        return settings;
    }
}

/// <summary>All definitions that one configuration of a connector is read by.</summary>
internal sealed class ComposedConfig
{
    private static readonly (string ClassKey, string Role, PluginKind Kind)[] s_converters =
    [
        // In the order in which Kafka lists them.
        (ConnectorConfig.HeaderConverter, "header", PluginKind.HeaderConverter),
        (ConnectorConfig.KeyConverter, "key", PluginKind.Converter),
        (ConnectorConfig.ValueConverter, "value", PluginKind.Converter),
    ];

    private ComposedConfig(ConfigDef @base, ConfigDef framework, ConfigDef own, IReadOnlyList<ComposedConverter> converters, bool isSource)
    {
        Base = @base;
        Framework = framework;
        Own = own;
        Converters = converters;
        IsSource = isSource;
    }

    /// <summary>Kafka's settings of every connector.</summary>
    public ConfigDef Base { get; }

    /// <summary>The same, with those of transforms and predicates.</summary>
    public ConfigDef Framework { get; }

    /// <summary>The connector's.</summary>
    public ConfigDef Own { get; }

    /// <summary>Of the converters that the configuration names itself.</summary>
    public IReadOnlyList<ComposedConverter> Converters { get; }

    public bool IsSource { get; }

    /// <exception cref="ConnectException">The connector or a converter cannot be loaded.</exception>
    public static ComposedConfig Of(PluginCatalog plugins, PluginDefinitions definitions, ConnectOptions options, PluginDescription connector, IReadOnlyDictionary<string, string?> config)
    {
        var choices = PluginChoices.For(plugins, options, config, connector);
        var framework = connector.Kind == PluginKind.Source ? ConnectorConfig.KafkaSource(choices) : ConnectorConfig.KafkaSink(choices);
        var enriched = framework.Copy();
        TransformKeys.Add(enriched, plugins, definitions, config);
        var converters = new List<ComposedConverter>();
        foreach (var (classKey, role, kind) in s_converters)
        {
            if (config.GetValueOrDefault(classKey) is { } name && PluginNames.FindOrNull(plugins, name.Trim(), config.GetValueOrDefault(classKey + ConnectorConfig.VersionSuffix), kind) is { } converter)
                converters.Add(new ComposedConverter(definitions.Of(converter), classKey + ".", role));
        }

        return new ComposedConfig(framework, enriched, definitions.Of(connector), converters, connector.Kind == PluginKind.Source);
    }

    /// <summary>The keys of plugins with those of their versions: converters, transforms, predicates.</summary>
    public static IEnumerable<(string ClassKey, string VersionKey)> PluginKeys(IReadOnlyDictionary<string, string?> config) =>
    [
        .. s_converters.Select(c => (c.ClassKey, c.ClassKey + ConnectorConfig.VersionSuffix)),
        .. new[] { ConnectorConfig.Transforms, ConnectorConfig.Predicates }.SelectMany(key => TransformKeys.Aliases(config, key).Select(alias => ($"{key}.{alias}.type", $"{key}.{alias}{ConnectorConfig.VersionSuffix}"))),
    ];

    /// <summary>The definition of a key; null when nobody reads it.</summary>
    public ConfigKey? Find(string key) =>
        Framework.Find(key) ?? Own.Find(key) ?? Converters.Where(c => key.StartsWith(c.Prefix, StringComparison.Ordinal)).Select(c => c.Definition.Find(key[c.Prefix.Length..])).FirstOrDefault(k => k is not null)
        ?? ClientOverrides.Find(key) ?? ConnectorConfig.Ours.Find(key);

    /// <summary>The names that may be meant by one that is not known.</summary>
    public IEnumerable<string> KnownNames() =>
        Framework.Keys.Concat(Own.Keys).Concat(ConnectorConfig.Ours.Keys).Select(key => key.Name).Concat(Converters.SelectMany(c => c.Definition.Keys.Select(key => c.Prefix + key.Name)));
}
