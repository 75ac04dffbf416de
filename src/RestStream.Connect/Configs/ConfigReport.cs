using RestStream.Connect.Config;
using RestStream.Connect.Model;

namespace RestStream.Connect.Configs;

/// <summary>
/// Collects what a validation found, in Kafka's order, and makes the answer of it. Nothing secret gets into the answer: values of PASSWORD settings are masked, values with references stay as they are written, and
/// secrets are scrubbed out of texts.
/// </summary>
internal sealed class ConfigReport(IReadOnlyDictionary<string, string> written, SecretScrubber scrubber)
{
    private readonly List<string> _groups = [];
    private readonly OrderedDictionary<string, (ConfigKeyInfo? Definition, ConfigKey? Key, ConfigValue Value)> _entries = [];
    private readonly List<ConfigWarning> _warnings = [];

    public int ErrorCount => _entries.Values.Sum(entry => entry.Value.Errors.Count);

    public static ConfigKeyInfo Describe(ConfigKey key, string prefix) => new(
        prefix + key.Name, key.Type.ToString().ToUpperInvariant(), !key.HasDefault, key.HasDefault ? ConfigDef.ToText(key.Default) : null, key.Importance.ToString().ToUpperInvariant(), key.Documentation, key.Group,
        key.Width.ToString().ToUpperInvariant(), key.DisplayName ?? key.Name, key.Dependents, key.OrderInGroup);

    /// <summary>Settings of a definition. Of a key that is there already, only the errors are new.</summary>
    public void Add(ConfigDef definition, IReadOnlyDictionary<string, ConfigValue> values)
    {
        AddGroups(definition.Groups);
        foreach (var value in values.Values)
        {
            var key = definition.Find(value.Name);
            if (_entries.TryGetValue(value.Name, out var known) && known.Key is not null)
                known.Value.Errors.AddRange(value.Errors.Except(known.Value.Errors));
            else if (key is not { Internal: true } || value.Errors.Count > 0)
                _entries[value.Name] = (key is null ? null : Describe(key, ""), key, value);
        }
    }

    /// <summary>Settings of a converter, under its prefix. Kafka lists them, and their groups, in the order of a Java hash map.</summary>
    public void AddConverter(ConfigDef definition, IReadOnlyDictionary<string, ConfigValue> values, string prefix)
    {
        foreach (var name in JavaHashOrder.Of(values.Keys))
        {
            if (definition.Find(name) is not { } key)
                continue;
            if (key.Group is not null)
                AddGroups([key.Group]);
            _entries[prefix + name] = (Describe(key, prefix), key, values[name]);
        }
    }

    public void AddOverride(string name, ConfigKey? key, string? value, string? error)
    {
        var entry = new ConfigValue(name) { Parsed = value };
        if (error is not null)
            entry.Errors.Add(error);
        _entries[name] = (key is null ? null : Describe(key, ""), key, entry);
    }

    /// <summary>One more error, on a key that is listed or, with no definition, at the beginning.</summary>
    public void Error(string name, string message)
    {
        if (!_entries.TryGetValue(name, out var entry))
        {
            entry = (null, null, new ConfigValue(name) { Parsed = written.GetValueOrDefault(name) });
            _entries.Insert(0, name, entry);
        }

        entry.Value.Errors.Add(message);
    }

    public void Warn(string name, string message) => _warnings.Add(new ConfigWarning(name, scrubber.Scrub(message)));

    public void Recommend(string name, IReadOnlyList<string> choices)
    {
        if (_entries.TryGetValue(name, out var entry))
            entry.Value.Recommended = choices;
    }

    /// <param name="name">The connector's class as it was sent.</param>
    public ConfigInfos ToInfos(string name) => new(
        name, ErrorCount, _groups, [.. _entries.Values.Select(entry => new ConfigInfo(entry.Definition, new ConfigValueInfo(
            entry.Definition?.Name ?? entry.Value.Name, Show(entry.Definition?.Name ?? entry.Value.Name, entry.Key, entry.Value.Parsed), [.. entry.Value.Recommended.Select(ConfigDef.ToText)],
            [.. entry.Value.Errors.Select(scrubber.Scrub)], entry.Value.IsVisible)))], _warnings);

    private string? Show(string name, ConfigKey? key, object? parsed)
    {
        if (parsed is null)
            return null;
        if (key?.Type == ConfigType.Password || (key is null && Secrets.LooksSecret(name)))
            return Secrets.Hidden;
        return Secrets.MaskUrls(written.TryGetValue(name, out var text) && ConfigReferences.In(text).Count > 0 ? text : ConfigDef.ToText(parsed)!);
    }

    private void AddGroups(IEnumerable<string> groups) => _groups.AddRange(groups.Except(_groups).ToList());
}

/// <summary>The order in which a Java HashMap of strings goes through its keys.</summary>
internal static class JavaHashOrder
{
    public static IReadOnlyList<string> Of(IEnumerable<string> keys)
    {
        var inserted = keys.ToList();
        var buckets = 16;
        while (inserted.Count > buckets * 0.75)
            buckets *= 2;
        return [.. inserted.OrderBy(key => Spread(key) & (buckets - 1))];
    }

    private static int Spread(string key)
    {
        var hash = 0;
        foreach (var c in key)
            hash = unchecked((31 * hash) + c);
        return hash ^ (int)((uint)hash >> 16);
    }
}
