using RestStream.Connect.Config;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Transforms;

/// <summary>One transform with its predicate (Kafka's TransformationStage).</summary>
internal sealed class TransformStep(string alias, PluginDescription plugin, Transform transform, PluginDescription? predicatePlugin, Predicate? predicate, bool negate) : IDisposable
{
    private const string Type = "type";
    private const string Version = "plugin.version";
    private const string PredicateKey = "predicate";
    private const string Negate = "negate";

    public string Alias { get; } = alias;

    /// <summary>For errors and metrics.</summary>
    public string ClassName { get; } = plugin.Class;

    public string? PluginVersion { get; } = plugin.Version;

    /// <summary>Null without a predicate.</summary>
    public PluginDescription? Predicate { get; } = predicatePlugin;

    /// <summary>Reads <c>transforms.ALIAS.*</c>, and <c>predicates.*</c> of the predicate that it names.</summary>
    /// <exception cref="ConnectException">A class, the predicate's alias or a setting is wrong; the message begins with the alias.</exception>
    public static TransformStep Create(PluginCatalog plugins, string alias, IReadOnlyDictionary<string, string> config)
    {
        var prefix = $"transforms.{alias}.";
        var predicateAlias = config.GetValueOrDefault(prefix + PredicateKey);
        var negate = (bool?)ConfigDef.ParseType(prefix + Negate, config.GetValueOrDefault(prefix + Negate), ConfigType.Boolean) ?? false;

        var (plugin, transform) = Make<Transform>(plugins, config, prefix, PluginKind.Transformation);
        Predicate? predicate = null;
        PluginDescription? predicatePlugin = null;
        try
        {
            Configure(prefix, () => transform.Configure(transform.Config.Parse(Settings(config, prefix))));
            if (predicateAlias is not null)
            {
                var predicatePrefix = $"predicates.{predicateAlias}.";
                (predicatePlugin, predicate) = Make<Predicate>(plugins, config, predicatePrefix, PluginKind.Predicate);
                Configure(predicatePrefix, () => predicate.Configure(predicate.Config.Parse(Settings(config, predicatePrefix))));
            }
            return new TransformStep(alias, plugin, transform, predicatePlugin, predicate, negate);
        }
        catch
        {
            transform.Dispose();
            predicate?.Dispose();
            throw;
        }
    }

    /// <summary>Whether the predicate lets the transform see the record.</summary>
    public bool Wants(ConnectRecord record) => predicate is null || predicate.Test(record) != negate;

    public ConnectRecord? Apply(ConnectRecord record) => Wants(record) ? transform.Apply(record) : record;

    public void Dispose()
    {
        transform.Dispose();
        predicate?.Dispose();
    }

    private static (PluginDescription Description, T Plugin) Make<T>(PluginCatalog plugins, IReadOnlyDictionary<string, string> config, string prefix, PluginKind kind)
        where T : class
    {
        // Kafka's words for an alias that nothing defines.
        var name = config.GetValueOrDefault(prefix + Type) ?? throw new ConfigException($"Unknown configuration '{prefix}{Type}'");
        var plugin = plugins.Find(name, config.GetValueOrDefault(prefix + Version), kind);
        return (plugin, plugins.Create<T>(plugin));
    }

    /// <summary>What is the plugin's own, without prefix.</summary>
    private static Dictionary<string, string?> Settings(IReadOnlyDictionary<string, string> config, string prefix) => config
        .Where(e => e.Key.StartsWith(prefix, StringComparison.Ordinal))
        .Select(e => (Key: e.Key[prefix.Length..], e.Value))
        .Where(e => e.Key is not ("" or Type or Version or PredicateKey or Negate))
        .ToDictionary(e => e.Key, e => (string?)e.Value);

    /// <summary>Settings are named without prefix in their errors, so these say whose they are.</summary>
    private static void Configure(string prefix, Action configure)
    {
        try
        {
            configure();
        }
        catch (ConfigException e)
        {
            throw new ConnectException($"{prefix[..^1]}: {e.Message}", e);
        }
    }
}
