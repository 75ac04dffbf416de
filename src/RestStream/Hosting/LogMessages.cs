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

    [LoggerMessage(1010, LogLevel.Debug, "Refused {Method} {Path}: {Reason}")]
    public static partial void Refused(this ILogger logger, string method, string path, string reason);

    [LoggerMessage(1020, LogLevel.Error, "A bug: {Method} {Path} failed with an exception that is no refusal")]
    public static partial void HandlerFailed(this ILogger logger, string method, string path, Exception error);

    [LoggerMessage(1030, LogLevel.Warning, "Member {Member} of group {Group} did not come back after its stream was cut, and could not be removed: {Reason}")]
    public static partial void MemberNotRemoved(this ILogger logger, string group, string member, string reason);
}
