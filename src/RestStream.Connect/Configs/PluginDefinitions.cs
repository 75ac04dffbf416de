using System.Collections.Concurrent;
using RestStream.Connect.Config;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Configs;

/// <summary>What the plugins may be configured with. A plugin is asked once: every GET that masks a configuration needs the answer. Safe on any thread.</summary>
internal sealed class PluginDefinitions(PluginCatalog plugins)
{
    /// <summary>The setting that tells a converter whether it converts keys, values or headers; the framework gives it.</summary>
    public const string ConverterType = "converter.type";

    private readonly ConcurrentDictionary<(string Class, PluginKind Kind, string? Version), ConfigDef> _definitions = new();

    /// <exception cref="ConnectException">The plugin cannot be loaded or made.</exception>
    public ConfigDef Of(PluginDescription plugin) => _definitions.GetOrAdd((plugin.Class, plugin.Kind, plugin.Version), _ => Ask(plugin));

    private ConfigDef Ask(PluginDescription plugin)
    {
        switch (plugin.Kind)
        {
            case PluginKind.Source or PluginKind.Sink:
                var connector = plugins.Create<Connector>(plugin);
                var definition = connector.Config;
                // An instance that was only asked holds nothing: this does not wait.
                connector.DisposeAsync().AsTask().GetAwaiter().GetResult();
                return definition;
            case PluginKind.Converter:
                using (var converter = plugins.Create<Converter>(plugin))
                    return WithConverterType(converter.Config);
            case PluginKind.HeaderConverter:
                using (var converter = plugins.Create<HeaderConverter>(plugin))
                    return converter.Config;
            case PluginKind.Transformation:
                using (var transform = plugins.Create<Transform>(plugin))
                    return transform.Config;
            default:
                using (var predicate = plugins.Create<Predicate>(plugin))
                    return predicate.Config;
        }
    }

    /// <summary>Kafka's converters have it in their definitions; ours are told by an argument, and clients see it all the same.</summary>
    private static ConfigDef WithConverterType(ConfigDef own)
    {
        if (own.Find(ConverterType) is not null)
            return own;
        var definition = new ConfigDef().Require(
            ConverterType, ConfigType.String, "How this converter is used: key, value or header. Set by the worker.", ConfigValidator.In("key", "value", "header"), Importance.Low);
        foreach (var key in own.Keys)
            definition.Define(key);
        return definition;
    }
}
