using RestStream.Connect.Data;

namespace RestStream.Connect.Config;

/// <summary>
/// What may be configured: parsing, validation, the JSON of <c>GET /connector-plugins/{p}/config</c> and the documentation come from it. Behaves as Kafka's class of that name, down to the texts of errors.
/// Filled once, then read by any thread.
/// </summary>
public sealed class ConfigDef
{
    private readonly OrderedDictionary<string, ConfigKey> _keys = [];
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
        if (key.HasDefault)
        {
            // As in Kafka, a default is held to what users are held to: a definition that refuses its own default never gets far enough to surprise anybody.
            key = key with { Default = ParseType(key.Name, key.Default, key.Type) };
            key.Validator?.EnsureValid(key.Name, key.Default);
        }

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
            Documentation = documentation,
            Validator = check,
            Importance = importance,
            Group = group,
            OrderInGroup = NextInGroup(group),
            DisplayName = displayName,
        });

    /// <summary>Adds a setting that may be left out; null is a default too.</summary>
    public ConfigDef Optional(
        string name, ConfigType type, object? defaultValue, string documentation, ConfigValidator? check = null, Importance importance = Importance.Medium, string? group = null, string? displayName = null) =>
        Define(new ConfigKey(name, type)
        {
            HasDefault = true,
            Default = defaultValue,
            Documentation = documentation,
            Validator = check,
            Importance = importance,
            Group = group,
            OrderInGroup = NextInGroup(group),
            DisplayName = displayName,
        });

    /// <summary>Reads a configuration. Settings that are not defined here are left alone (<see cref="ConfigValues.Originals"/>).</summary>
    /// <exception cref="ConfigException">The first thing that is wrong with it.</exception>
    public ConfigValues Parse(IReadOnlyDictionary<string, string?> config)
    {
        if (UndefinedDependents() is { Count: > 0 } undefined)
            throw new ConfigException("Some configurations in are referred in the dependents, but not defined: " + string.Join(",", undefined));

        var parsed = new Dictionary<string, object?>();
        foreach (var key in Keys)
        {
            object? value;
            if (config.TryGetValue(key.Name, out var text))
                value = ParseType(key.Name, text, key.Type);
            else if (key.HasDefault)
                value = key.Default;
            else
                throw new ConfigException(MissingText(key));
            // As in Kafka, an element that is named twice is an error to who validates, and read once by who runs.
            if (key.Validator is { RefusesDuplicates: true } && value is IReadOnlyList<string> list)
                value = list.Distinct().ToList();
            key.Validator?.EnsureValid(key.Name, value);
            parsed[key.Name] = value;
        }

        return new ConfigValues(parsed, config);
    }

    /// <summary>Reads one value: a text, or one that is of the type already.</summary>
    /// <exception cref="ConfigException">It is none of that type.</exception>
    public static object? ParseType(string name, object? value, ConfigType type) => ConfigParser.Parse(name, value, type);

    /// <summary>A parsed value as text (Kafka's convertToString): elements of lists with commas between them, secrets hidden; null for null.</summary>
    public static string? ToText(object? parsed) => parsed switch
    {
        null => null,
        IReadOnlyList<string> list => string.Join(",", list),
        _ => Values.ToText(parsed),
    };

    /// <summary>
    /// Everything that is wrong, by setting, in the order of definition; settings that are only named as dependents come last. Recommended values and visibility are asked for.
    /// </summary>
    /// <param name="config">What is configured; a null value is one.</param>
    /// <param name="findClass">The full name of a plugin for a key and a value of type CLASS, null when there is none; null: every name is taken as it is.</param>
    internal IReadOnlyDictionary<string, ConfigValue> Validate(IReadOnlyDictionary<string, string?> config, Func<string, string, string?>? findClass = null)
    {
        var values = new OrderedDictionary<string, ConfigValue>();
        foreach (var name in _keys.Keys)
            values.Add(name, new ConfigValue(name));
        foreach (var name in UndefinedDependents())
        {
            var value = new ConfigValue(name) { IsVisible = false };
            value.Errors.Add($"{name} is referred in the dependents, but not defined.");
            values.Add(name, value);
        }

        // A setting is read after the one it depends on, and once more for each further one, as Kafka does: its recommender then sees what it depends on.
        var children = Keys.SelectMany(key => key.Dependents).ToHashSet();
        var roots = _keys.Keys.Where(name => !children.Contains(name)).ToList();
        var parsed = new Dictionary<string, object?>();
        var path = new HashSet<string>();
        foreach (var root in roots)
            ReadWithDependents(root, config, findClass, parsed, values, path);
        foreach (var root in roots)
            RecommendWithDependents(root, parsed, values, path);
        return values;
    }

    /// <summary>Adds the settings of another definition under a prefix, as a transform's settings appear among those of a connector. Its conditions and recommenders see names without prefix.</summary>
    internal void Embed(string prefix, string group, int firstOrder, ConfigDef child)
    {
        foreach (var key in child.InDisplayOrder())
        {
            Define(key with
            {
                Name = prefix + key.Name,
                DisplayName = key.DisplayName ?? key.Name,
                Group = key.Group is null ? group : $"{group}: {key.Group}",
                OrderInGroup = firstOrder++,
                Dependents = [.. key.Dependents.Select(name => prefix + name)],
                Validator = key.Validator is null ? null : new Unprefixed(prefix, key.Validator),
                Recommender = key.Recommender is null ? null : new UnprefixedRecommender(prefix, key.Recommender),
            });
        }
    }

    /// <summary>The same settings in a definition of its own, to be added to.</summary>
    internal ConfigDef Copy()
    {
        var copy = new ConfigDef();
        foreach (var key in Keys)
            copy.Define(key);
        return copy;
    }

    private static string MissingText(ConfigKey key) => $"Missing required configuration \"{key.Name}\" which has no default value.";

    private int NextInGroup(string? group) => group is null ? -1 : _keys.Values.Count(k => k.Group == group) + 1;

    private List<string> UndefinedDependents() => [.. Keys.SelectMany(key => key.Dependents).Where(name => !_keys.ContainsKey(name)).Distinct()];

    private void ReadWithDependents(
        string name, IReadOnlyDictionary<string, string?> config, Func<string, string, string?>? findClass, Dictionary<string, object?> parsed, OrderedDictionary<string, ConfigValue> values, HashSet<string> path)
    {
        // The path stops a definition whose dependents go round in a circle, which would never come to an end.
        if (!_keys.TryGetValue(name, out var key) || !path.Add(name))
            return;

        var value = values[name];
        if (config.TryGetValue(name, out var text))
        {
            try
            {
                parsed[name] = ConfigParser.Parse(name, text, key.Type, findClass);
            }
            catch (ConfigException refused)
            {
                value.Errors.Add(refused.Message);
            }
        }
        else if (key.HasDefault)
        {
            parsed[name] = key.Default;
        }
        else
        {
            value.Errors.Add(MissingText(key));
        }

        value.Parsed = parsed.GetValueOrDefault(name);
        try
        {
            key.Validator?.EnsureValid(name, value.Parsed);
        }
        catch (ConfigException refused)
        {
            value.Errors.Add(refused.Message);
        }

        foreach (var dependent in key.Dependents)
            ReadWithDependents(dependent, config, findClass, parsed, values, path);
        path.Remove(name);
    }

    private void RecommendWithDependents(string name, Dictionary<string, object?> parsed, OrderedDictionary<string, ConfigValue> values, HashSet<string> path)
    {
        if (!_keys.TryGetValue(name, out var key) || !path.Add(name))
            return;

        var value = values[name];
        if (key.Recommender is not null)
        {
            try
            {
                var recommended = key.Recommender.ValidValues(name, parsed);
                value.Recommended = value.Recommended.Count == 0 ? recommended : [.. recommended.Where(value.Recommended.Contains)];
                value.IsVisible = key.Recommender.IsVisible(name, parsed);
            }
            catch (ConfigException refused)
            {
                value.Errors.Add(refused.Message);
            }
        }

        foreach (var dependent in key.Dependents)
            RecommendWithDependents(dependent, parsed, values, path);
        path.Remove(name);
    }

    /// <summary>Settings without a group first, then by group, place in it, required before optional, importance, name.</summary>
    private IEnumerable<ConfigKey> InDisplayOrder() =>
        _keys.Values.OrderBy(key => key.Group is null ? -1 : _groups.IndexOf(key.Group)).ThenBy(key => key.OrderInGroup).ThenBy(key => key.HasDefault).ThenBy(key => key.Importance)
            .ThenBy(key => key.Name, StringComparer.Ordinal);

    private sealed class Unprefixed(string prefix, ConfigValidator inner) : ConfigValidator
    {
        public override void EnsureValid(string name, object? value) => inner.EnsureValid(name[prefix.Length..], value);

        public override string ToString() => inner.ToString();
    }

    private sealed class UnprefixedRecommender(string prefix, ConfigRecommender inner) : ConfigRecommender
    {
        public override IReadOnlyList<object?> ValidValues(string name, IReadOnlyDictionary<string, object?> parsed) => inner.ValidValues(name[prefix.Length..], Strip(parsed));

        public override bool IsVisible(string name, IReadOnlyDictionary<string, object?> parsed) => inner.IsVisible(name[prefix.Length..], Strip(parsed));

        private Dictionary<string, object?> Strip(IReadOnlyDictionary<string, object?> parsed) =>
            parsed.Where(e => e.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(e => e.Key[prefix.Length..], e => e.Value);
    }
}

/// <summary>What validation found for one setting (Kafka's ConfigValue).</summary>
internal sealed class ConfigValue(string name)
{
    public string Name { get; } = name;

    /// <summary>The value, default filled in; null when it could not be read.</summary>
    public object? Parsed { get; set; }

    public IReadOnlyList<object?> Recommended { get; set; } = [];

    public List<string> Errors { get; } = [];

    public bool IsVisible { get; set; } = true;
}
