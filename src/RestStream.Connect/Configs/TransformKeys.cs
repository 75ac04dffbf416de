using RestStream.Connect.Config;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Configs;

/// <summary>The settings of the transforms and predicates that a configuration names (Kafka's ConnectorConfig.enrich): <c>transforms.a.type</c>, <c>transforms.a.plugin.version</c>, then those of the class.</summary>
internal static class TransformKeys
{
    public const string Predicate = "predicate", Negate = "negate";

    public static void Add(ConfigDef def, PluginCatalog plugins, PluginDefinitions definitions, IReadOnlyDictionary<string, string?> config)
    {
        Add(def, plugins, definitions, config, ConnectorConfig.Transforms, "Transforms", PluginKind.Transformation);
        Add(def, plugins, definitions, config, ConnectorConfig.Predicates, "Predicates", PluginKind.Predicate);
    }

    /// <summary>The aliases under a key, each once.</summary>
    public static IEnumerable<string> Aliases(IReadOnlyDictionary<string, string?> config, string key) =>
        ConfigDef.ParseType(key, config.GetValueOrDefault(key), ConfigType.List) is IReadOnlyList<string> aliases ? aliases.Distinct() : [];

    private static void Add(
        ConfigDef def, PluginCatalog plugins, PluginDefinitions definitions, IReadOnlyDictionary<string, string?> config, string aliasKey, string groupName, PluginKind kind)
    {
        foreach (var alias in Aliases(config, aliasKey))
        {
            var prefix = $"{aliasKey}.{alias}.";
            var group = $"{groupName}: {alias}";
            var typeKey = prefix + "type";
            var versionKey = prefix + ConnectorConfig.VersionSuffix[1..];
            var named = config.GetValueOrDefault(typeKey) is { } name ? PluginNames.FindOrNull(plugins, name.Trim(), null, kind) : null;
            var used = named is null ? null : PluginNames.FindOrNull(plugins, named.Class, config.GetValueOrDefault(versionKey), kind);
            var (child, failure) = used is null ? (null, null) : Ask(definitions, used);
            var kindName = kind.JavaName();
            def.Define(new ConfigKey(typeKey, ConfigType.Class)
            {
                Group = group,
                OrderInGroup = 0,
                Width = Width.Long,
                DisplayName = $"{kindName} type for {alias}",
                Documentation = $"Class for the '{alias}' {kindName.ToLowerInvariant()}.",
                Validator = new TypeCheck(config, prefix, failure is null ? PluginNames.Check(plugins, kind) : ConfigValidator.Of(_ => $"Error getting config definition from {kindName}: {failure}", "")),
                Recommender = PluginChoices.Classes(plugins, kind),
            });
            def.Define(new ConfigKey(versionKey, ConfigType.String)
            {
                HasDefault = true,
                Default = used?.Version,
                Group = group,
                OrderInGroup = 1,
                Width = Width.Long,
                DisplayName = $"{kindName} version for {alias}",
                Documentation = $"Version of the '{alias}' {kindName.ToLowerInvariant()}.",
                Recommender = PluginChoices.Versions(plugins, typeKey, kind, hiddenWithoutClass: false),
            });
            if (child is not null)
                def.Embed(prefix, group, 2, kind == PluginKind.Transformation ? WithPredicate(child) : child);
        }
    }

    private static (ConfigDef? Definition, string? Failure) Ask(PluginDefinitions definitions, PluginDescription plugin)
    {
        try
        {
            return (definitions.Of(plugin), null);
        }
        catch (ConnectException failed)
        {
            return (null, failed.Message);
        }
    }

    /// <summary>What every transform has, whatever its class.</summary>
    private static ConfigDef WithPredicate(ConfigDef own)
    {
        var all = own.Copy();
        all.Define(new ConfigKey(Predicate, ConfigType.String)
        {
            HasDefault = true,
            Importance = Importance.Medium,
            Documentation = "The alias of a predicate used to determine whether to apply this transformation.",
        });
        return all.Define(new ConfigKey(Negate, ConfigType.Boolean)
        {
            HasDefault = true,
            Default = false,
            Importance = Importance.Medium,
            Documentation = "Whether the configured predicate should be negated.",
        });
    }

    private sealed class TypeCheck(IReadOnlyDictionary<string, string?> config, string prefix, ConfigValidator isOfKind) : ConfigValidator
    {
        public override void EnsureValid(string name, object? value)
        {
            if (prefix.StartsWith(ConnectorConfig.Transforms, StringComparison.Ordinal) && config.ContainsKey(prefix + Negate) && !config.ContainsKey(prefix + Predicate))
                throw new ConfigException($"Config '{prefix}{Negate}' was provided but there is no config '{prefix}{Predicate}' defining a predicate to be negated.");
            isOfKind.EnsureValid(name, value);
        }

        public override string ToString() => isOfKind.ToString();
    }
}
