using RestStream.Connect.Config;

namespace RestStream.Connect.Configs;

/// <summary>The settings that every connector has (Kafka's ConnectorConfig, SourceConnectorConfig, SinkConnectorConfig, in its order and with its definitions) and ours (<c>restart.policy</c> ..), last.</summary>
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
    public const string ActionReload = "config.action.reload";
    public const string ErrorsRetryTimeout = "errors.retry.timeout";
    public const string ErrorsRetryDelayMax = "errors.retry.delay.max.ms";
    public const string ErrorsTolerance = "errors.tolerance";
    public const string ErrorsLogEnable = "errors.log.enable";
    public const string ErrorsLogMessages = "errors.log.include.messages";
    public const string Topics = "topics";
    public const string TopicsRegex = "topics.regex";
    public const string DlqTopic = "errors.deadletterqueue.topic.name";
    public const string DlqReplicationFactor = "errors.deadletterqueue.topic.replication.factor";
    public const string DlqHeaders = "errors.deadletterqueue.context.headers.enable";
    public const string ExactlyOnceSupport = "exactly.once.support";
    public const string TransactionBoundary = "transaction.boundary";
    public const string TransactionInterval = "transaction.boundary.interval.ms";
    public const string OffsetsTopic = "offsets.storage.topic";
    public const string TopicCreationGroups = "topic.creation.groups";
    public const string RestartPolicy = "restart.policy";
    public const string RestartBackoffInitial = "restart.backoff.initial.ms";
    public const string RestartBackoffMax = "restart.backoff.max.ms";
    public const string RestartHealthy = "restart.healthy.ms";

    /// <summary>What stands behind the key of a plugin for its version: <c>key.converter.plugin.version</c>.</summary>
    public const string VersionSuffix = ".plugin.version";

    // A day in milliseconds: who wants to wait longer wants restart.policy=never.
    private const long LongestPause = 86_400_000;

    private const string Common = "Common", ErrorHandling = "Error Handling", TopicCreation = "Topic Creation", ExactlyOnce = "Exactly Once Support", Restarts = "Restarts";

    /// <summary>Those that Kafka does not have.</summary>
    public static ConfigDef Ours { get; } = DefineOurs();

    private static readonly ConfigDef s_source = AddAll(KafkaSource(PluginChoices.None), Ours);
    private static readonly ConfigDef s_sink = AddAll(KafkaSink(PluginChoices.None), Ours);

    /// <summary>Of a source, in Kafka's order, ours last.</summary>
    public static ConfigDef Source() => s_source;

    /// <summary>Of a sink.</summary>
    public static ConfigDef Sink() => s_sink;

    /// <summary>Kafka's, of a source.</summary>
    /// <param name="choices">Defaults and recommended values that depend on the worker and its plugins.</param>
    public static ConfigDef KafkaSource(PluginChoices choices) => AddSource(AddCommon(new ConfigDef(), choices));

    /// <summary>Kafka's, of a sink.</summary>
    /// <param name="choices">Defaults and recommended values that depend on the worker and its plugins.</param>
    public static ConfigDef KafkaSink(PluginChoices choices) => AddSink(AddCommon(new ConfigDef(), choices));

    private static ConfigDef DefineOurs() => new ConfigDef()
        .Define(Key(RestartPolicy, ConfigType.String, Importance.Medium, Restarts, 1, Width.Short, "Restart policy") with
        {
            HasDefault = true,
            Default = "on-failure",
            Validator = ConfigValidator.In("on-failure", "never"),
            Documentation = "What happens to a connector or task that failed. 'on-failure' starts it again, after a pause that grows with each failure, unless the error is one that no restart can help; "
                + "meanwhile it shows FAILED and next_restart. 'never' leaves it FAILED until somebody restarts it, as Kafka Connect does.",
        })
        .Define(Key(RestartBackoffInitial, ConfigType.Long, Importance.Low, Restarts, 2, Width.Medium, "First restart pause") with
        {
            HasDefault = true,
            Default = 1000L,
            Validator = ConfigValidator.Between(1, LongestPause),
            Documentation = "Milliseconds before the first restart after a failure; each further failure doubles the pause.",
        })
        .Define(Key(RestartBackoffMax, ConfigType.Long, Importance.Low, Restarts, 3, Width.Medium, "Longest restart pause") with
        {
            HasDefault = true,
            Default = 600_000L,
            Validator = ConfigValidator.Between(1, LongestPause),
            Documentation = "Milliseconds that the pause before a restart grows to. 10 minutes: a system that comes back is found without anybody's help, one that is away for long is left in peace.",
        })
        .Define(Key(RestartHealthy, ConfigType.Long, Importance.Low, Restarts, 4, Width.Medium, "Healthy time") with
        {
            HasDefault = true,
            Default = 300_000L,
            Validator = ConfigValidator.Between(1, LongestPause),
            Documentation = "Milliseconds without a failure after which the pause before a restart begins at its shortest again.",
        });

    private static ConfigKey Key(string name, ConfigType type, Importance importance, string group, int order, Width width, string displayName) =>
        new(name, type) { Importance = importance, Group = group, OrderInGroup = order, Width = width, DisplayName = displayName };

    private static ConfigDef AddAll(ConfigDef to, ConfigDef from)
    {
        foreach (var key in from.Keys)
            to.Define(key);
        return to;
    }

    private static ConfigDef AddCommon(ConfigDef def, PluginChoices choices)
    {
        def.Define(Key(Name, ConfigType.String, Importance.High, Common, 1, Width.Medium, "Connector name") with
        {
            Validator = ConfigValidator.NonEmptyWithoutControlCharacters(),
            Documentation = "Globally unique name to use for this connector.",
        });
        def.Define(Key(Class, ConfigType.String, Importance.High, Common, 2, Width.Long, "Connector class") with
        {
            Documentation = "Name or alias of the class of this connector, as GET /connector-plugins lists it: the full name, the simple name, or that without \"Connector\".",
        });
        def.Define(Key(PluginVersion, ConfigType.String, Importance.Medium, Common, 3, Width.Medium, "Connector version") with
        {
            HasDefault = true,
            Default = choices.ConnectorVersion,
            Recommender = choices.ConnectorVersions(),
            Documentation = "Version of the connector: exactly one, or a range as Maven writes it ([1.0,2.0)). By default the newest.",
        });
        def.Define(Key(TasksMax, ConfigType.Int, Importance.High, Common, 4, Width.Short, "Tasks max") with
        {
            HasDefault = true,
            Default = 1,
            Validator = ConfigValidator.AtLeast(1),
            Documentation = "Maximum number of tasks to use for this connector.",
        });
        def.Define(Key(TasksMaxEnforce, ConfigType.Boolean, Importance.Low, Common, 5, Width.Short, "Enforce tasks max") with
        {
            HasDefault = true,
            Default = true,
            Documentation = "(Deprecated) Whether a connector that generates more tasks than tasks.max fails. If false, it may run more.",
        });
        AddConverter(def, choices.Key, 6, "Key converter", "the keys of records");
        AddConverter(def, choices.Value, 8, "Value converter", "the values of records");
        AddConverter(def, choices.Header, 10, "Header converter", "the headers of records");
        def.Define(Key(Transforms, ConfigType.List, Importance.Low, "Transforms", 12, Width.Long, "Transforms") with
        {
            HasDefault = true,
            Default = "",
            Validator = UniqueAliases(),
            Documentation = "Aliases for the transformations to be applied to records, in order.",
        });
        def.Define(Key(Predicates, ConfigType.List, Importance.Low, "Predicates", 13, Width.Long, "Predicates") with
        {
            HasDefault = true,
            Default = "",
            Validator = UniqueAliases(),
            Documentation = "Aliases for the predicates used by transformations.",
        });
        def.Define(Key(ActionReload, ConfigType.String, Importance.Low, Common, 14, Width.Medium, "Reload Action") with
        {
            HasDefault = true,
            Default = "restart",
            Validator = ConfigValidator.In("none", "restart"),
            Documentation = "What Kafka Connect does when a secret that the configuration refers to changes or expires. References to files and variables never expire, so this has no effect here.",
        });
        def.Define(Key(ErrorsRetryTimeout, ConfigType.Long, Importance.Medium, ErrorHandling, 1, Width.Medium, "Retry Timeout for Errors") with
        {
            HasDefault = true,
            Default = 0L,
            Documentation = "Milliseconds for which a failed operation is tried again. 0: not at all; -1: forever.",
        });
        def.Define(Key(ErrorsRetryDelayMax, ConfigType.Long, Importance.Medium, ErrorHandling, 2, Width.Medium, "Maximum Delay Between Retries for Errors") with
        {
            HasDefault = true,
            Default = 60_000L,
            Documentation = "Milliseconds between two tries at most; the pause doubles from 300 ms on.",
        });
        def.Define(Key(ErrorsTolerance, ConfigType.String, Importance.Medium, ErrorHandling, 3, Width.Short, "Error Tolerance") with
        {
            HasDefault = true,
            Default = "none",
            Validator = ConfigValidator.In("none", "all"),
            Documentation = "'none': a record that cannot be processed fails the task. 'all': it is left out (and goes to the dead letter queue, if there is one) and the rest goes on.",
        });
        def.Define(Key(ErrorsLogEnable, ConfigType.Boolean, Importance.Medium, ErrorHandling, 4, Width.Short, "Log Errors") with
        {
            HasDefault = true,
            Default = false,
            Documentation = "If true, each error is written to the log, with the operation that failed. By default only errors that are not tolerated are.",
        });
        return def.Define(Key(ErrorsLogMessages, ConfigType.Boolean, Importance.Medium, ErrorHandling, 5, Width.Short, "Log Error Details") with
        {
            HasDefault = true,
            Default = false,
            Documentation = "Whether the log says which record was at fault: topic, partition, offset and timestamp. By default it does not, so that no data comes into logs.",
        });
    }

    private static void AddConverter(ConfigDef def, PluginChoices.ConverterChoice choice, int order, string title, string what)
    {
        def.Define(Key(choice.ConfigKey, ConfigType.Class, Importance.Low, Common, order, Width.Short, title + " class") with
        {
            HasDefault = true,
            Default = choice.Class,
            Recommender = choice.Classes(),
            Validator = choice.ClassCheck(),
            Documentation = $"Class that converts between {what} in topics and Connect's data model; by default the worker's, with the worker's settings. A converter named here has its own defaults.",
        });
        def.Define(Key(choice.ConfigKey + VersionSuffix, ConfigType.String, Importance.Low, Common, order + 1, Width.Short, title + " version") with
        {
            HasDefault = true,
            Default = choice.Version,
            Recommender = choice.Versions(),
            Documentation = $"Version of the {title.ToLowerInvariant()}.",
        });
    }

    private static ConfigDef AddSource(ConfigDef def)
    {
        def.Define(Key(TopicCreationGroups, ConfigType.List, Importance.Low, TopicCreation, 1, Width.Long, "Topic Creation Groups") with
        {
            HasDefault = true,
            Default = "",
            Validator = UniqueAliases(),
            Documentation = "Groups of settings for topics that this connector creates: topic.creation.<group>.include, .exclude, .partitions, .replication.factor and settings of topics.",
        });
        def.Define(Key(ExactlyOnceSupport, ConfigType.String, Importance.Medium, ExactlyOnce, 2, Width.Short, "Exactly once support") with
        {
            HasDefault = true,
            Default = "requested",
            Validator = ConfigValidator.InIgnoringCase("REQUIRED", "REQUESTED"),
            Documentation = "'required' refuses a connector that does not say that it can deliver each record exactly once. The worker itself always stores records and offsets as one unit.",
        });
        def.Define(Key(TransactionBoundary, ConfigType.String, Importance.Medium, ExactlyOnce, 3, Width.Short, "Transaction Boundary") with
        {
            HasDefault = true,
            Default = "poll",
            Validator = ConfigValidator.InIgnoringCase("INTERVAL", "POLL", "CONNECTOR"),
            Documentation = "What is stored as one unit: 'poll' what one poll brought, 'interval' what came in transaction.boundary.interval.ms, 'connector' what the connector says.",
        });
        def.Define(Key(TransactionInterval, ConfigType.Long, Importance.Low, ExactlyOnce, 4, Width.Short, "Transaction boundary interval") with
        {
            HasDefault = true,
            Default = null,
            Validator = ConfigValidator.Of(value => value is long and < 1 ? "Value must be at least 1" : null, "[1,...]"),
            Documentation = "With transaction.boundary=interval: milliseconds of one unit. By default the worker's interval of commits.",
        });
        return def.Define(Key(OffsetsTopic, ConfigType.String, Importance.Low, "offsets.topic", 1, Width.Long, "Offsets topic") with
        {
            HasDefault = true,
            Default = null,
            Validator = ConfigValidator.NonEmpty(),
            Documentation = "In Kafka Connect, a topic of its own for this connector's offsets. The worker stores the offsets of all connectors in its own topic, with the records, so this has no effect here.",
        });
    }

    private static ConfigDef AddSink(ConfigDef def)
    {
        def.Define(Key(Topics, ConfigType.List, Importance.High, Common, 4, Width.Long, "Topics") with
        {
            HasDefault = true,
            Default = "",
            Validator = ConfigValidator.ListOf(allowEmpty: true, allowNull: false),
            Documentation = "List of topics to consume, separated by commas.",
        });
        def.Define(Key(TopicsRegex, ConfigType.String, Importance.High, Common, 4, Width.Long, "Topics regex") with
        {
            HasDefault = true,
            Default = "",
            Validator = SinkChecks.TopicsPattern(),
            Documentation = "Regular expression of the whole names of topics to consume. Only one of topics and topics.regex may be given.",
        });
        def.Define(Key(DlqTopic, ConfigType.String, Importance.Medium, ErrorHandling, 6, Width.Medium, "Dead Letter Queue Topic Name") with
        {
            HasDefault = true,
            Default = "",
            Documentation = "The topic that gets the records that could not be processed, with errors.tolerance=all. Empty: they are left out.",
        });
        def.Define(Key(DlqReplicationFactor, ConfigType.Short, Importance.Medium, ErrorHandling, 7, Width.Medium, "Dead Letter Queue Topic Replication Factor") with
        {
            HasDefault = true,
            Default = (short)3,
            Documentation = "Copies of that topic when it is created; a single broker keeps one whatever is asked.",
        });
        return def.Define(Key(DlqHeaders, ConfigType.Boolean, Importance.Medium, ErrorHandling, 8, Width.Medium, "Enable Error Context Headers") with
        {
            HasDefault = true,
            Default = false,
            Documentation = "If true, records of that topic say in headers (__connect.errors.*) where they came from and what went wrong.",
        });
    }

    private static ConfigValidator UniqueAliases() => ConfigValidator.Of(
        value => value is IReadOnlyList<string> aliases && aliases.Distinct().Count() != aliases.Count ? "Duplicate alias provided." : null, "unique aliases");
}
