using System.Globalization;

namespace RestStream.Connect.Config;

/// <summary>
/// What may be configured: parsing, validation, the JSON of <c>GET /connector-plugins/{p}/config</c> and the documentation come from it.
/// </summary>
public sealed class ConfigDef
{
    private readonly Dictionary<string, ConfigKey> _keys = [];
    private readonly List<string> _groups = [];

    /// <summary>The settings, in the order in which they were defined.</summary>
    public IReadOnlyCollection<ConfigKey> Keys => _keys.Values;

    /// <summary>The groups, in the order in which they were first named.</summary>
    public IReadOnlyList<string> Groups => _groups;

    /// <summary>The setting of that name; null when there is none.</summary>
    public ConfigKey? Find(string name) => _keys.GetValueOrDefault(name);

    /// <summary>Adds a setting.</summary>
    /// <exception cref="ConfigException">The name is taken, or its own default is refused.</exception>
    public ConfigDef Define(ConfigKey key)
    {
        if (!_keys.TryAdd(key.Name, key))
            throw new ConfigException($"Configuration {key.Name} is defined twice.");
        if (key.Group is not null && !_groups.Contains(key.Group))
            _groups.Add(key.Group);
        return this;
    }

    /// <summary>Adds a setting that must be given.</summary>
    public ConfigDef Require(string name, ConfigType type, string documentation, ConfigValidator? check = null, Importance importance = Importance.High, string? group = null, string? displayName = null) =>
        Define(new ConfigKey(name, type)
        {
            Documentation = documentation, Validator = check, Importance = importance, Group = group, OrderInGroup = NextInGroup(group), DisplayName = displayName,
        });

    /// <summary>Adds a setting that may be left out; null is a default too.</summary>
    public ConfigDef Optional(
        string name, ConfigType type, object? defaultValue, string documentation, ConfigValidator? check = null, Importance importance = Importance.Medium, string? group = null, string? displayName = null) =>
        Define(new ConfigKey(name, type)
        {
            HasDefault = true, Default = defaultValue, Documentation = documentation, Validator = check, Importance = importance, Group = group, OrderInGroup = NextInGroup(group), DisplayName = displayName,
        });

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="ConfigException">The first thing that is wrong with it.</exception>
    public ConfigValues Parse(IReadOnlyDictionary<string, string?> config)
    {
        var parsed = new Dictionary<string, object?>();
        foreach (var key in _keys.Values)
        {
            object? value;
            if (config.TryGetValue(key.Name, out var text))
                value = ParseType(key.Name, text, key.Type);
            else if (key.HasDefault)
                value = key.Default is string s ? ParseType(key.Name, s, key.Type) : key.Default;
            else
                throw new ConfigException($"Missing required configuration \"{key.Name}\" which has no default value.");
            key.Validator?.EnsureValid(key.Name, value);
            parsed[key.Name] = value;
        }

        return new ConfigValues(parsed, config);
    }

    /// <summary>Reads one value.</summary>
    /// <exception cref="ConfigException">It is none of that type.</exception>
    public static object? ParseType(string name, object? value, ConfigType type)
    {
        if (value is not string text)
            return value;
        var trimmed = text.Trim();
        return type switch
        {
            ConfigType.Boolean when trimmed.Equals("true", StringComparison.OrdinalIgnoreCase) => true,
            ConfigType.Boolean when trimmed.Equals("false", StringComparison.OrdinalIgnoreCase) => false,
            ConfigType.Boolean => throw new ConfigException(name, value, "Expected value to be either true or false"),
            ConfigType.Int => int.TryParse(trimmed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var i) ? i : throw new ConfigException(name, value, "Not a number of type INT"),
            ConfigType.Short => short.TryParse(trimmed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var s) ? s : throw new ConfigException(name, value, "Not a number of type SHORT"),
            ConfigType.Long => long.TryParse(trimmed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var l) ? l : throw new ConfigException(name, value, "Not a number of type LONG"),
            ConfigType.Double => double.TryParse(trimmed, NumberStyles.Float, CultureInfo.InvariantCulture, out var d) ? d : throw new ConfigException(name, value, "Not a number of type DOUBLE"),
            ConfigType.List => trimmed.Length == 0 ? (IReadOnlyList<string>)[] : [.. trimmed.Split(',').Select(e => e.Trim())],
            ConfigType.Password => new ConfigSecret(trimmed),
            _ => trimmed,
        };
    }

    private int NextInGroup(string? group) => group is null ? -1 : _keys.Values.Count(k => k.Group == group) + 1;
}
