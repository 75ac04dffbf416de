using RestStream.Connect.Config;

namespace RestStream.Connect.Configs;

/// <summary>The settings that every connector has (Kafka's ConnectorConfig, SourceConnectorConfig, SinkConnectorConfig) and ours (<c>restart.policy</c> ..).</summary>
internal static class ConnectorConfig
{
    public const string Name = "name";
    public const string Class = "connector.class";
    public const string PluginVersion = "connector.plugin.version";
    public const string TasksMax = "tasks.max";
    public const string TasksMaxEnforce = "tasks.max.enforce";
    public const string KeyConverter = "key.converter";
    public const string ValueConverter = "value.converter";
    public const string HeaderConverter = "header.converter";
    public const string Transforms = "transforms";
    public const string Predicates = "predicates";
    public const string ErrorsRetryTimeout = "errors.retry.timeout";
    public const string ErrorsRetryDelayMax = "errors.retry.delay.max.ms";
    public const string ErrorsTolerance = "errors.tolerance";
    public const string ErrorsLogEnable = "errors.log.enable";
    public const string ErrorsLogMessages = "errors.log.include.messages";
    public const string Topics = "topics";
    public const string TopicsRegex = "topics.regex";
    public const string DlqTopic = "errors.deadletterqueue.topic.name";
    public const string DlqHeaders = "errors.deadletterqueue.context.headers.enable";
    public const string ExactlyOnceSupport = "exactly.once.support";
    public const string TransactionBoundary = "transaction.boundary";
    public const string TransactionInterval = "transaction.boundary.interval.ms";
    public const string TopicCreationGroups = "topic.creation.groups";
    public const string RestartPolicy = "restart.policy";

    /// <summary>Of a source, in Kafka's order, ours last.</summary>
    public static ConfigDef Source() => throw new NotImplementedException();

    /// <summary>Of a sink.</summary>
    public static ConfigDef Sink() => throw new NotImplementedException();
}
