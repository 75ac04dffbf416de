using Microsoft.Extensions.Logging;

namespace RestStream.Connect;

/// <summary>What the herder and its stores log. Ids are fixed: 4000-4099. Names of connectors and tasks, never their configurations.</summary>
internal static partial class HerderLogMessages
{
    [LoggerMessage(4000, LogLevel.Information, "Connect started: {Connectors} connectors in topic {Topic}")]
    public static partial void HerderStarted(this ILogger logger, int connectors, string topic);

    [LoggerMessage(4001, LogLevel.Information, "Connect stopped")]
    public static partial void HerderStopped(this ILogger logger);

    [LoggerMessage(4002, LogLevel.Warning, "A record of topic {Topic} is passed over: {Problem}")]
    public static partial void ConfigRecordIgnored(this ILogger logger, string topic, string problem);

    [LoggerMessage(4003, LogLevel.Error, "Topic {Topic} is damaged, connectors may be missing or have an old configuration: {Problem}")]
    public static partial void ConfigsDamaged(this ILogger logger, string topic, string problem);

    [LoggerMessage(4004, LogLevel.Warning, "The last statuses of connectors are not written, the next start sets them anew: {Problem}")]
    public static partial void StatusesNotWritten(this ILogger logger, string problem);

    [LoggerMessage(4005, LogLevel.Error, "The settings {Settings} of connector {Connector} were sealed with another key than that of {KeyFile}. Put the right key file back and start again, or set them anew")]
    public static partial void SecretsLost(this ILogger logger, string connector, string settings, string? keyFile);

    [LoggerMessage(4010, LogLevel.Information, "Connector {Connector} is {State}")]
    public static partial void ConnectorIs(this ILogger logger, string connector, string state);

    [LoggerMessage(4011, LogLevel.Error, "Connector {Connector} failed: {Trace}")]
    public static partial void ConnectorFailed(this ILogger logger, string connector, string trace);

    [LoggerMessage(4012, LogLevel.Information, "Connector {Connector} has {Tasks} tasks, {Restarted} of them new or changed")]
    public static partial void TasksConfigured(this ILogger logger, string connector, int tasks, int restarted);

    [LoggerMessage(4013, LogLevel.Warning, "Connector {Connector} does not return from {Call} and is left behind; it may hold resources until the server is restarted")]
    public static partial void ConnectorHangs(this ILogger logger, string connector, string call);

    [LoggerMessage(4014, LogLevel.Warning, "Connector {Connector} failed while it was closed: {Problem}")]
    public static partial void ConnectorNotClosed(this ILogger logger, string connector, string problem);

    [LoggerMessage(4015, LogLevel.Warning, "{Problem}")]
    public static partial void TooManyTasks(this ILogger logger, string problem);

    [LoggerMessage(4016, LogLevel.Warning, "Connector {Connector} threw in what it had registered on its cancellation token: {Trace}")]
    public static partial void ConnectorThrewOnCancellation(this ILogger logger, string connector, string trace);

    [LoggerMessage(4022, LogLevel.Information, "{What} is started again in {Delay} (restart {Attempt})")]
    public static partial void RestartScheduled(this ILogger logger, string what, TimeSpan delay, int attempt);

    [LoggerMessage(4030, LogLevel.Error, "What connector {Connector} was to do failed; it is left as it is until something is changed")]
    public static partial void ReconcileFailed(this ILogger logger, Exception error, string connector);

    [LoggerMessage(4031, LogLevel.Warning, "Offsets of connector {Connector} were not changed: {Problem}")]
    public static partial void OffsetsNotChanged(this ILogger logger, string connector, string problem);

    [LoggerMessage(4039, LogLevel.Warning, "Declared connectors are not all applied: a plugin does not come back from its check and is left behind")]
    public static partial void DeclaredHangs(this ILogger logger);

    [LoggerMessage(4040, LogLevel.Information, "Connector {Connector} is as {File} says")]
    public static partial void DeclaredApplied(this ILogger logger, string connector, string file);

    [LoggerMessage(4041, LogLevel.Warning, "{File} is not applied: {Problem}")]
    public static partial void DeclaredRefused(this ILogger logger, string file, string problem);

    [LoggerMessage(4042, LogLevel.Error, "{File} is not applied")]
    public static partial void DeclaredFailed(this ILogger logger, Exception error, string file);

    [LoggerMessage(4043, LogLevel.Error, "Declared connectors are not all applied, a restart tries again")]
    public static partial void DeclaredNotApplied(this ILogger logger, Exception error);
}
