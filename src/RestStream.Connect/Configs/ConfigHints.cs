
namespace RestStream.Connect.Configs;

/// <summary>What is not wrong and yet may be a mistake: keys that nobody reads, keys that have no effect here, references that lead nowhere. Kafka says nothing about any of them.</summary>
internal static class ConfigHints
{
    private static readonly string[] s_withoutEffect = [ConnectorConfig.ActionReload, ConnectorConfig.OffsetsTopic];

    // Comparing takes the product of two lengths; no setting has a longer name.
    private const int LongestName = 100;

    // Added to configurations by the worker itself, and sent back by clients that GET a task's configuration.
    private const string TaskClass = "task.class";

    public static IEnumerable<(string Key, string Message)> For(
        ComposedConfig composed, IReadOnlyDictionary<string, string?> config, IReadOnlyDictionary<string, string> written, IReadOnlyDictionary<string, string> resolved)
    {
        foreach (var key in config.Keys)
        {
            if (Unused(composed, config, key) is { } reason)
                yield return (key, reason);
            if (written.TryGetValue(key, out var text) && resolved[key] == text)
            {
                foreach (var reference in ConfigReferences.In(text))
                    yield return (key, $"{reference} refers to nothing that this worker may read, and stays as it is written.");
            }
        }
    }

    private static string? Unused(ComposedConfig composed, IReadOnlyDictionary<string, string?> config, string key)
    {
        if (s_withoutEffect.Contains(key))
            return $"{key} has no effect here.";
        if (ClientOverrides.PrefixOf(key) is not null)
            return ClientOverrides.Honoured(composed.IsSource).Contains(key) ? null : $"{key} has no effect: a {(composed.IsSource ? "source" : "sink")} uses no Kafka client here.";
        if (composed.Find(key) is not null || key == TaskClass)
            return null;

        if (composed.IsSource && key.StartsWith("topic.creation.", StringComparison.Ordinal))
            return UnusedTopicCreation(config, key);
        foreach (var converter in new[] { ConnectorConfig.KeyConverter, ConnectorConfig.ValueConverter, ConnectorConfig.HeaderConverter })
        {
            if (key.StartsWith(converter + ".", StringComparison.Ordinal) && !config.ContainsKey(converter))
                return $"{key} is not used, because {converter} is not set: the worker's converter has the worker's settings. Set {converter} as well.";
        }

        foreach (var aliases in new[] { ConnectorConfig.Transforms, ConnectorConfig.Predicates })
        {
            if (key.StartsWith(aliases + ".", StringComparison.Ordinal) && !TransformKeys.Aliases(config, aliases).Any(alias => key.StartsWith($"{aliases}.{alias}.", StringComparison.Ordinal)))
                return $"{key} is not used, because {aliases} does not name '{key[(aliases.Length + 1)..].Split('.')[0]}'.";
        }

        // A connector reads what lies under one of its own keys by itself (headers of requests, settings of a driver).
        if (composed.Own.Keys.Any(own => key.StartsWith(own.Name + ".", StringComparison.Ordinal)))
            return null;
        return $"{key} is not known, and not used.{DidYouMean(key, composed.KnownNames())}";
    }

    private static string? UnusedTopicCreation(IReadOnlyDictionary<string, string?> config, string key)
    {
        var group = key["topic.creation.".Length..].Split('.')[0];
        return group == "default" || TransformKeys.Aliases(config, ConnectorConfig.TopicCreationGroups).Contains(group) ? null : $"{key} is not used, because {ConnectorConfig.TopicCreationGroups} does not name '{group}'.";
    }

    private static string DidYouMean(string key, IEnumerable<string> names)
    {
        // A third of the letters may differ: "topcis" is topics, "file.path" is not file.
        if (key.Length > LongestName)
            return "";
        var nearest = names.Select(name => (Name: name, Distance: EditDistance(key.ToUpperInvariant(), name.ToUpperInvariant()))).MinBy(candidate => candidate.Distance);
        return nearest.Name is not null && nearest.Distance <= Math.Max(1, Math.Min(key.Length, nearest.Name.Length) / 3) ? $" Did you mean {nearest.Name}?" : "";
    }

    /// <summary>Letters to insert, remove, replace or swap with their neighbour (optimal string alignment) to make one text of the other.</summary>
    private static int EditDistance(string from, string to)
    {
        var cost = new int[from.Length + 1, to.Length + 1];
        for (var i = 0; i <= from.Length; i++)
            cost[i, 0] = i;
        for (var j = 0; j <= to.Length; j++)
            cost[0, j] = j;
        for (var i = 1; i <= from.Length; i++)
        {
            for (var j = 1; j <= to.Length; j++)
            {
                var replace = cost[i - 1, j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
                cost[i, j] = Math.Min(replace, Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1);
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
            }
        }

        return cost[from.Length, to.Length];
    }
}
