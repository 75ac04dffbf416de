using System.Globalization;
using RestStream.Connect.Configs;

namespace RestStream.Connect.Errors;

/// <summary>What a connector wants done about errors: Kafka's <c>errors.*</c> settings. The dead letter queue works for sources too.</summary>
internal sealed record ErrorPolicy
{
    /// <summary><c>errors.tolerance=all</c>.</summary>
    public bool TolerateAll { get; private init; }

    /// <summary><c>errors.retry.timeout</c>: how long an operation on a record is tried again; null = for ever.</summary>
    public TimeSpan? RetryTimeout { get; private init; } = TimeSpan.Zero;

    /// <summary><c>errors.retry.delay.max.ms</c>.</summary>
    public TimeSpan RetryDelayMax { get; private init; } = TimeSpan.FromSeconds(60);

    /// <summary><c>errors.log.enable</c>: each error is logged, tolerated or not.</summary>
    public bool Log { get; private init; }

    /// <summary><c>errors.log.include.messages</c>: with the record's topic, partition, offset and time. Never its contents.</summary>
    public bool LogRecords { get; private init; }

    /// <summary>Where failed records go; null = nowhere.</summary>
    public string? DlqTopic { get; private init; }

    /// <summary>Whether they carry the <c>__connect.errors.*</c> headers.</summary>
    public bool DlqHeaders { get; private init; }

    /// <exception cref="ConnectException">A setting is no number or no word that is known.</exception>
    public static ErrorPolicy From(IReadOnlyDictionary<string, string> config)
    {
        var retryTimeout = Number(config, ConnectorConfig.ErrorsRetryTimeout, 0);
        return new ErrorPolicy
        {
            TolerateAll = config.GetValueOrDefault(ConnectorConfig.ErrorsTolerance)?.Trim().Equals("all", StringComparison.OrdinalIgnoreCase) ?? false,
            RetryTimeout = retryTimeout < 0 ? null : TimeSpan.FromMilliseconds(retryTimeout),
            RetryDelayMax = TimeSpan.FromMilliseconds(Math.Max(1, Number(config, ConnectorConfig.ErrorsRetryDelayMax, 60_000))),
            Log = Flag(config, ConnectorConfig.ErrorsLogEnable),
            LogRecords = Flag(config, ConnectorConfig.ErrorsLogMessages),
            DlqTopic = config.GetValueOrDefault(ConnectorConfig.DlqTopic)?.Trim() is { Length: > 0 } topic ? topic : null,
            DlqHeaders = Flag(config, ConnectorConfig.DlqHeaders),
        };
    }

    /// <summary>
    /// Whether the task goes on without the record. Every error of transforms and converters, and of a record that the log refuses; of a sink only what it says is the record's fault.
    /// An error that says that nothing helps is never tolerated.
    /// </summary>
    public bool Tolerates(string stage, Exception error) =>
        TolerateAll && error is not FatalException && (stage is not (Stage.TaskPut or Stage.TaskPoll) || error is RetriableException or RecordException);

    private static bool Flag(IReadOnlyDictionary<string, string> config, string key) =>
        config.GetValueOrDefault(key)?.Trim().Equals("true", StringComparison.OrdinalIgnoreCase) ?? false;

    private static long Number(IReadOnlyDictionary<string, string> config, string key, long otherwise) =>
        !config.TryGetValue(key, out var text) ? otherwise
        : long.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
        : throw new Config.ConfigException(key, text, "Not a number of type LONG");
}
