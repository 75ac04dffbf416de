namespace RestStream.Hosting;

/// <summary>Everything the host logs. Text of users goes in as values only; <see cref="LineFormatter"/> escapes it.</summary>
internal static partial class LogMessages
{
    [LoggerMessage(1000, LogLevel.Information, "The log is being recovered; requests for it are answered 503 until then")]
    public static partial void RecoveryGoesOn(this ILogger logger);

    [LoggerMessage(1001, LogLevel.Information, "The log is recovered after {Took}")]
    public static partial void Ready(this ILogger logger, TimeSpan took);

    [LoggerMessage(1002, LogLevel.Information, "Stopping: requests in flight are answered, streams are ended, then the log is closed")]
    public static partial void Stopping(this ILogger logger);

    [LoggerMessage(1003, LogLevel.Error, "The log was not closed cleanly; the next start looks through it and repairs it")]
    public static partial void NotClosed(this ILogger logger, Exception error);

    [LoggerMessage(1010, LogLevel.Debug, "Refused {Method} {Path}: {Reason}")]
    public static partial void Refused(this ILogger logger, string method, string path, string reason);

    [LoggerMessage(1020, LogLevel.Error, "A bug: {Method} {Path} failed with an exception that is no refusal")]
    public static partial void HandlerFailed(this ILogger logger, string method, string path, Exception error);

    [LoggerMessage(1030, LogLevel.Information, "{Count} consumer instances of the last run are back")]
    public static partial void InstancesLoaded(this ILogger logger, int count);

    [LoggerMessage(1031, LogLevel.Information, "Consumer instance {Instance} of group {Group} is gone: nobody called it for {Timeout}")]
    public static partial void InstanceExpired(this ILogger logger, string group, string instance, TimeSpan timeout);

    [LoggerMessage(1032, LogLevel.Warning, "Consumer instance {Instance} of group {Group} has expired, but cannot be taken away yet: {Reason}")]
    public static partial void InstanceStays(this ILogger logger, string group, string instance, string reason);

    [LoggerMessage(1033, LogLevel.Error, "Records of {Topic} are damaged and were skipped; consumer instances may be missing: {Reason}")]
    public static partial void InstancesDamaged(this ILogger logger, string topic, string reason);

    [LoggerMessage(1034, LogLevel.Error, "Consumer instances could not be read; the next call tries again: {Reason}")]
    public static partial void InstancesNotLoaded(this ILogger logger, string reason);

    [LoggerMessage(1035, LogLevel.Information,
        "Consumer instance {Instance} of group {Group} was created with {Setting}, which only clients of the Strimzi bridge send. If this is one, give it the base URL {PathBase}: "
        + "here a commit names the last record, with the bridge the next")]
    public static partial void LooksLikeBridgeClient(this ILogger logger, string group, string instance, string setting, string pathBase);

    [LoggerMessage(1036, LogLevel.Warning, "The auto-commit of consumer instance {Instance} of group {Group} was refused, and is tried again with every poll: {Reason}")]
    public static partial void AutoCommitRefused(this ILogger logger, string instance, string group, string reason);

    [LoggerMessage(1040, LogLevel.Warning, "Member {Member} of group {Group} did not come back after its stream was cut, and could not be removed: {Reason}")]
    public static partial void MemberNotRemoved(this ILogger logger, string group, string member, string reason);

    [LoggerMessage(1050, LogLevel.Error, "The Connect worker could not be started: connectors do not run until a restart; topics are served all the same")]
    public static partial void ConnectNotStarted(this ILogger logger, Exception error);

    [LoggerMessage(1051, LogLevel.Information, "The level of {Category} and below is {Level} now")]
    public static partial void LevelChanged(this ILogger logger, string category, string level);
}
