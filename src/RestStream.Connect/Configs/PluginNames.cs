using RestStream.Connect.Config;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Configs;

/// <summary>Plugins as configurations name them: which kind belongs to a key, whether the class is one, and Kafka's texts where it is not.</summary>
internal static class PluginNames
{
    /// <summary>The kind of plugin that the framework expects under a key; null: the value is none of its plugins.</summary>
    public static PluginKind? KindOf(string key) => key switch
    {
        ConnectorConfig.KeyConverter or ConnectorConfig.ValueConverter => PluginKind.Converter,
        ConnectorConfig.HeaderConverter => PluginKind.HeaderConverter,
        _ when key.StartsWith(ConnectorConfig.Transforms + ".", StringComparison.Ordinal) => PluginKind.Transformation,
        _ when key.StartsWith(ConnectorConfig.Predicates + ".", StringComparison.Ordinal) => PluginKind.Predicate,
        _ => null,
    };

    /// <summary>The plugin, or null when there is none of that name, kind and version.</summary>
    public static PluginDescription? FindOrNull(PluginCatalog plugins, string name, string? version, params ReadOnlySpan<PluginKind> kinds)
    {
        try
        {
            return plugins.Find(name, version, kinds);
        }
        catch (PluginNotFoundException)
        {
            return null;
        }
    }

    /// <summary>The full class name for a value of type CLASS. One of another kind, and one that only has nested plugins, is found as well: <see cref="Check"/> then says so. Null: there is none.</summary>
    public static string? FindClass(PluginCatalog plugins, string key, string name)
    {
        if (KindOf(key) is not { } kind)
            return name;
        return (FindOrNull(plugins, name, null, kind) ?? FindOrNull(plugins, name, null))?.Class ?? (NestedIn(plugins, name, kind).Any() ? name : null);
    }

    /// <summary>A class of this kind; null passes, it was not found and that has been said.</summary>
    public static ConfigValidator Check(PluginCatalog plugins, PluginKind kind) => new KindCheck(plugins, kind);

    private static IEnumerable<string> NestedIn(PluginCatalog plugins, string name, PluginKind kind) =>
        plugins.List().Where(plugin => plugin.Kind == kind && plugin.Class.StartsWith(name + '$', StringComparison.Ordinal)).Select(plugin => plugin.Class).Distinct();

    private sealed class KindCheck(PluginCatalog plugins, PluginKind kind) : ConfigValidator
    {
        public override void EnsureValid(string name, object? value)
        {
            if (value is not string className || FindOrNull(plugins, className, null, kind) is not null)
                return;
            var nested = NestedIn(plugins, className, kind).ToList();
            throw new ConfigException(nested.Count > 0
                ? $"This class is abstract and cannot be created. Did you mean {string.Join(", ", nested)}?"
                : $"Class class {className} does not implement the {kind.JavaName()} interface");
        }

        public override string ToString() => "a class of kind " + kind.Word();
    }
}
