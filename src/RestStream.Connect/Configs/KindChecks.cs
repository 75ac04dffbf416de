using RestStream.Broker;
using RestStream.Broker.Groups.Patterns;
using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Configs;

/// <summary>What the settings of a sink must be together.</summary>
internal static class SinkChecks
{
    /// <summary>Exactly one of topics and topics.regex, and never the dead letter queue itself: it would be read and written in a circle.</summary>
    public static void Topics(ConfigReport report, IReadOnlyDictionary<string, string?> config)
    {
        var topics = (IReadOnlyList<string>?)ConfigDef.ParseType(ConnectorConfig.Topics, config.GetValueOrDefault(ConnectorConfig.Topics), ConfigType.List) ?? [];
        var regex = config.GetValueOrDefault(ConnectorConfig.TopicsRegex);
        var hasTopics = topics.Count > 0;
        var hasRegex = !string.IsNullOrWhiteSpace(regex);
        if (hasTopics == hasRegex)
        {
            var message = hasTopics ? "topics and topics.regex are mutually exclusive options, but both are set." : "Must configure one of topics or topics.regex";
            report.Error(ConnectorConfig.Topics, message);
            report.Error(ConnectorConfig.TopicsRegex, message);
        }

        if (config.GetValueOrDefault(ConnectorConfig.DlqTopic)?.Trim() is not { Length: > 0 } dlq)
            return;
        if (topics.Contains(dlq))
            report.Error(ConnectorConfig.Topics, $"The DLQ topic '{dlq}' may not be included in the list of topics ('topics={Values.ToText(topics)}') consumed by the connector");
        if (hasRegex && Matches(regex!, dlq))
            report.Error(ConnectorConfig.TopicsRegex, $"The DLQ topic '{dlq}' may not be matched by the regex for the topics ('topics.regex={regex}') consumed by the connector");
    }

    /// <summary>A pattern of topics as the group of a sink understands it (Java's dialect); null and empty ones pass.</summary>
    public static ConfigValidator TopicsPattern() => ConfigValidator.Of(
        value =>
        {
            try
            {
                _ = value is string { Length: > 0 } pattern ? TopicPattern.Parse(pattern) : null;
                return null;
            }
            catch (BrokerException wrong)
            {
                return $"Invalid regex: {wrong.Message}";
            }
        },
        "valid regex");

    /// <summary>False for a pattern that cannot be read, or that takes too long: that is an error of its own.</summary>
    private static bool Matches(string pattern, string topic)
    {
        try
        {
            return TopicPattern.Parse(pattern).Matches(topic);
        }
        catch (BrokerException)
        {
            return false;
        }
    }

    /// <summary>The sink's group must not be the worker's.</summary>
    public static void Group(ConfigReport report, IReadOnlyDictionary<string, string?> config, string workerGroup)
    {
        const string OverrideKey = ClientOverrides.Consumer + "group.id";
        var (key, group) = config.TryGetValue(OverrideKey, out var overridden) ? (OverrideKey, overridden) : (ConnectorConfig.Name, $"connect-{config.GetValueOrDefault(ConnectorConfig.Name)}");
        if (group == workerGroup)
            report.Error(key, $"Consumer group {group} conflicts with Connect worker group {workerGroup}");
    }
}

/// <summary>What the settings of a source must be together.</summary>
internal static class SourceChecks
{
    public static void ExactlyOnce(ConfigReport report, SourceConnector source, IReadOnlyDictionary<string, string> config)
    {
        if (Is(config, ConnectorConfig.ExactlyOnceSupport, "required"))
        {
            switch (source.SupportsExactlyOnce(config))
            {
                case null:
                    report.Error(
                        ConnectorConfig.ExactlyOnceSupport,
                        "The connector does not implement the API required for preflight validation of exactly-once source support. Please consult the documentation for the connector to determine whether it supports "
                        + "exactly-once semantics, and then consider reconfiguring the connector to use the value \"requested\" for this property (which will disable this preflight check and allow the connector to be created).");
                    break;
                case false:
                    report.Error(ConnectorConfig.ExactlyOnceSupport, "The connector does not support exactly-once semantics with the provided configuration.");
                    break;
            }
        }

        if (Is(config, ConnectorConfig.TransactionBoundary, "connector") && !source.DefinesTransactionBoundaries(config))
        {
            report.Error(
                ConnectorConfig.TransactionBoundary,
                "The connector does not support connector-defined transaction boundaries with the given configuration. Please reconfigure it to use a different transaction boundary definition.");
        }
    }

    private static bool Is(IReadOnlyDictionary<string, string> config, string key, string word) => string.Equals(config.GetValueOrDefault(key)?.Trim(), word, StringComparison.OrdinalIgnoreCase);
}
